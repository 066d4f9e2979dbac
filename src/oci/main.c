/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `hull-runtime`: global options, the command, its options, its run function, and the
 * one place where the failure that ends it is told. The exit code is runc's: the container's own
 * for run and exec, else 0 or 1. Read oci.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "linux/namespaces.h"
#include "linux/own_program.h"
#include "oci/oci.h"

const char own_program_enters[] = "create\0exec\0restore\0run\0";

const struct oci_command *oci_command_find(const char *name)
{
	for (size_t i = 0; i < oci_command_count; i++)
		if (!strcmp(oci_commands[i]->name, name))
			return oci_commands[i];
	return NULL;
}

static int unknown(const char *word, struct err *e)
{
	struct suggestion best = suggestion_for(word);
	for (size_t i = 0; i < oci_command_count; i++)
		if (!(oci_commands[i]->flags & OCI_HIDDEN))
			suggestion_offer(&best, oci_commands[i]->name);
	err_set(e, EINVAL, ERR_USAGE, "unknown command: %s", word);
	if (best.name)
		err_hint(e, "did you mean `hull-runtime %s`?", best.name);
	return -EINVAL;
}

/* The first word makes callers that know only runc read on; the last line says who it is. */
static int print_version(void)
{
	puts("runc version 1.3.0, compatible: hull-runtime " HULL_VERSION "\nspec: " OCI_VERSION);
	return 0;
}

bool oci_uses_systemd(const struct oci *oci)
{
	const char *manager = oci->globals.cgroup_manager;
	return oci->globals.systemd_cgroup || (manager && !strcmp(manager, "systemd"));
}

bool oci_is_rootless(const struct oci *oci)
{
	const char *given = oci->globals.rootless;
	if (given && !strcmp(given, "true"))
		return true;
	return (!given || strcmp(given, "false") != 0) && namespace_caller_is_user();
}

static int check_manager(const struct oci *oci, struct err *e)
{
	const struct oci_globals *g = &oci->globals;
	const char *name = g->cgroup_manager ? g->cgroup_manager : "cgroupfs";
	if (!strcmp(name, "cgroupfs") || !strcmp(name, "systemd") || !strcmp(name, "disabled"))
		return 0;
	return err_set(e, EINVAL, ERR_USAGE,
		       "--cgroup-manager \"%s\": must be cgroupfs, systemd or disabled", name);
}

static int check_globals(const struct oci *oci, struct err *e)
{
	static const char *const answers[] = {"auto", "true", "false"};
	const char *rootless = oci->globals.rootless;
	bool known = !rootless;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		known |= rootless && !strcmp(rootless, answers[i]);
	if (!known)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--rootless \"%s\": must be true, false or auto", rootless);
	int r = check_manager(oci, e);
	return r < 0 ? r : log_check(oci, e);
}

static int run_command(struct oci *oci, const struct strv *words, struct err *e)
{
	const struct oci_command *c = oci->command;
	struct strv args = {0};
	if (c->flags & OCI_TAKES_ANYTHING)
		return c->run(oci, NULL, words, e);
	void *values = arena_alloc(&oci->arena, c->options.size + 1);
	struct option_request options = {&c->options, 1, &values,
					 (c->flags & OCI_STOP_AT_ARGUMENT) != 0, true};
	int r = options_parse(&options, &oci->arena, words->items, words->count, &args, e);
	if (r == 1) {
		oci_help_command(c);
		return 0;
	}
	if (r < 0)
		return r;
	if (args.count < c->args.least || args.count > c->args.most)
		return err_set(e, EINVAL, ERR_USAGE, "\"%s\" takes these arguments: %s", c->name,
			       *c->synopsis ? c->synopsis : "none");
	if (c->flags & OCI_ENTERS && (r = own_program_protect(oci->argv, e)) < 0)
		return r;
	return c->run(oci, values, &args, e);
}

static int hull_runtime(struct oci *oci, int argc, char **argv, struct err *e)
{
	struct strv words = {0};
	void *values[] = {&oci->globals};
	struct option_request options = {&oci_global_options, 1, values, true, true};
	int r = options_parse(&options, &oci->arena, argv, (size_t)argc, &words, e);
	if (r == 0)
		r = check_globals(oci, e);
	if (r < 0)
		return r;
	if (r == 0 && oci->globals.version)
		return print_version();
	if (r == 1 || words.count == 0 || !strcmp(words.items[0], "help")) {
		oci_help_program();
		return 0;
	}
	oci->command = oci_command_find(words.items[0]);
	if (!oci->command)
		return unknown(words.items[0], e);
	struct strv rest = {words.items + 1, words.count - 1, 0};
	return run_command(oci, &rest, e);
}

/* A caller may have closed them, and what is opened next must not take their place. */
static bool has_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	struct oci oci = {0};
	struct err e = {0};
	if (!has_standard_descriptors())
		return 1;
	oci.argv = argv;
	int code = hull_runtime(&oci, argc - 1, argv + 1, &e);
	if (code >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		code = err_errno(&e, errno, "cannot write the output");
	if (code < 0) {
		log_error(&oci, &e);
		code = oci.command && oci.command->flags & OCI_EXIT_255 ? 255 : 1;
	}
	arena_free(&oci.arena);
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives src/runtime without an engine, for tests and benchmarks.
 *   runtime_probe run  [options] CONFIG.JSON	start a container and wait for it
 *   runtime_probe exec [options] PID PROCESS.JSON
 *   runtime_probe user ROOTFS USER [GROUP...]	print uid gid home groups
 * Options: --overlay LOWER[:LOWER...]:UPPER:WORK  --cgroup PATH  --seccomp  --init PROGRAM
 *          --repeat N (print microseconds of each)  --pid-file FILE  --privileged  --bundle DIR
 *          --config CONFIG.JSON (exec: of the container)  --own-time
 * Exit code: the command's, 128 plus its signal, or 125 to 127 with the error on standard error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "linux/capability.h"
#include "linux/overlay.h"
#include "linux/pidfd.h"
#include "runtime/hooks.h"
#include "runtime/process.h"
#include "runtime/resources.h"
#include "runtime/runtime.h"
#include "runtime/seccomp.h"

enum { CONFIG_MAX = 4 << 20, LAYERS_MAX = 128 };

struct options {
	const char *overlay, *cgroup, *init, *pid_file, *bundle, *config;
	int repeat;
	bool seccomp, privileged, own_time;
};

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int fail(const struct err *e)
{
	fprintf(stderr, "%s\n", e->text);
	if (e->hint[0])
		fprintf(stderr, "hint: %s\n", e->hint);
	return err_exit_code(e->kind);
}

static int open_overlay(const char *text, struct err *e)
{
	int fds[LAYERS_MAX + 2];
	size_t n = 0;
	char *copy = strdup(text);
	for (char *part = strtok(copy, ":"); part && n < LAYERS_MAX + 2; part = strtok(NULL, ":"))
		fds[n++] = open(part, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	struct overlay o = {.lowers = fds,
			    .lower_count = n - 2,
			    .upper = fds[n - 2],
			    .work = fds[n - 1],
			    .is_volatile = true};
	int mount = overlay_mount(&o, e);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	return mount;
}

static void pump_terminal(int master)
{
	char buf[4096];
	ssize_t n;
	while ((n = read(master, buf, sizeof(buf))) > 0)
		if (fd_write_full(1, buf, (size_t)n) < 0)
			break;
	close(master);
}

/* Wait for the error pipe's end, then for the process. */
static int conclude(struct runtime_process *p, int error_fd, struct err *e)
{
	struct err child;
	int status = 0;
	ssize_t n = fd_read_full(error_fd, &child, sizeof(child));
	if (p->pty_fd >= 0)
		pump_terminal(p->pty_fd);
	pidfd_wait_child(p->pidfd, &status);
	close(p->pidfd);
	if (n == sizeof(child)) {
		*e = child;
		return -child.number;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void write_pid(const char *path, pid_t pid)
{
	FILE *f = path ? fopen(path, "we") : NULL;
	if (!f)
		return;
	fprintf(f, "%d\n", (int)pid);
	fclose(f);
}

static int run_once(const struct options *o, const struct oci_spec *spec,
		    const struct seccomp_program *filter, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct resources resources;
	static const char *const init_argv[] = {"hull-init", "--"};
	struct strv init_args = {(char **)init_argv, 2, 2};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	CLEANUP_FD int root = -1;
	CLEANUP_FD int init = o->init ? open(o->init, O_PATH | O_CLOEXEC) : -1;
	struct hooks hooks = {spec, "probe", o->bundle};
	int r, pair[2];
	if (o->overlay && (root = open_overlay(o->overlay, e)) < 0)
		return root;
	struct strv warnings = {0};
	process_warnings(&spec->process, &a, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		fprintf(stderr, "warning: %s\n", warnings.items[i]);
	r = resources_read(&spec->linux_.resources, &a, &resources, e);
	if (r == 0 && o->cgroup)
		r = cgroup_make(o->cgroup, &resources.limits, resources.rules, resources.rule_count,
				&group, e);
	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_errno(e, errno, "pipe");
	struct runtime_start start = {
		.spec = spec,
		.root_mount = root,
		.cgroup = o->cgroup ? &group : NULL,
		.seccomp = filter,
		.stdio = {0, 1, 2},
		.init_fd = init,
		.init_args = &init_args,
		.init_report_fd = -1,
		.error_fd = pair[1],
		.id = "probe",
		.bundle = o->bundle,
	};
	struct runtime_process p;
	r = runtime_start(&start, &p, e);
	close(pair[1]);
	if (r == 0) {
		write_pid(o->pid_file, p.pid);
		r = runtime_release(&p, e);
		if (r == 0 && (r = runtime_await_exec(pair[0], e)) == 0)
			r = hooks_run(&hooks, HOOK_POSTSTART, p.pid, e);
		if (r < 0)
			pidfd_signal(p.pidfd, SIGKILL);
		int code = conclude(&p, pair[0], e);
		r = r < 0 ? r : code;
	}
	close(pair[0]);
	struct err warning;
	if (hooks_run(&hooks, HOOK_POSTSTOP, 0, &warning) < 0)
		fprintf(stderr, "warning: %s\n", warning.text);
	if (o->cgroup) {
		struct err left;
		if (cgroup_remove(o->cgroup, &left) < 0)
			fprintf(stderr, "%s\n", left.text);
	}
	return r;
}

static int prepare(struct options *o, const struct oci_process *process,
		   const struct oci_seccomp *seccomp, struct arena *a,
		   struct seccomp_program *filter, struct err *e)
{
	capset caps = 0;
	if (seccomp) {
		o->seccomp = true;
		return runtime_seccomp_compile(seccomp, a, filter, e);
	}
	if (!o->seccomp)
		return 0;
	for (size_t i = 0; process->capabilities && i < process->capabilities->bounding.count; i++)
		caps |= (capset)1 << capability_number(process->capabilities->bounding.items[i]);
	return seccomp_default_program(caps, a, filter, e);
}

static int command_run(struct options *o, char **argv, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct oci_spec spec = {0};
	struct seccomp_program filter = {0};
	char *text;
	size_t len;
	int r = file_read(AT_FDCWD, argv[0], CONFIG_MAX, &a, &text, &len, e);
	if (r == 0)
		r = shape_parse(&oci_spec_shape, text, len, &spec, &a, e);
	if (r == 0)
		r = prepare(o, &spec.process, spec.linux_.seccomp, &a, &filter, e);
	for (int i = 0; r >= 0 && i < o->repeat; i++) {
		int64_t start = now_us();
		r = run_once(o, &spec, o->seccomp ? &filter : NULL, e);
		if (o->repeat > 1)
			printf("%lld\n", (long long)(now_us() - start));
	}
	return r < 0 ? fail(e) : r;
}

static int command_exec(struct options *o, char **argv, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct oci_process process = {0};
	struct oci_spec spec = {0};
	struct seccomp_program filter = {0};
	struct runtime_process p;
	char *text;
	size_t len;
	int pair[2];
	CLEANUP_FD int pidfd = pidfd_of(atoi(argv[0]));
	int r = file_read(AT_FDCWD, argv[1], CONFIG_MAX, &a, &text, &len, e);
	if (r == 0)
		r = shape_parse(&oci_process_shape, text, len, &process, &a, e);
	if (r == 0 && o->config) {
		r = file_read(AT_FDCWD, o->config, CONFIG_MAX, &a, &text, &len, e);
		if (r == 0)
			r = shape_parse(&oci_spec_shape, text, len, &spec, &a, e);
	}
	if (r == 0)
		r = prepare(o, &process, spec.linux_.seccomp, &a, &filter, e);
	if (r == 0 && o->cgroup)
		r = cgroup_open(o->cgroup, &group, e);
	for (int i = 0; r >= 0 && i < o->repeat; i++) {
		int64_t start = now_us();
		if (pipe2(pair, O_CLOEXEC) < 0)
			return 125;
		struct runtime_exec x = {
			.pidfd = pidfd,
			.process = &process,
			.cgroup = o->cgroup ? &group : NULL,
			.seccomp = o->seccomp ? &filter : NULL,
			.privileged = o->privileged,
			.own_time = o->own_time,
			.spec = o->config ? &spec : NULL,
			.id = "probe",
			.bundle = o->bundle,
			.stdio = {0, 1, 2},
			.error_fd = pair[1],
		};
		r = runtime_exec(&x, &p, e);
		close(pair[1]);
		if (r == 0)
			r = conclude(&p, pair[0], e);
		close(pair[0]);
		if (o->repeat > 1)
			printf("%lld\n", (long long)(now_us() - start));
	}
	return r < 0 ? fail(e) : r;
}

static int command_user(struct options *o, char **argv, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_FD int root = open(argv[0], O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct oci_user user;
	struct strv groups = {0};
	char *home;
	(void)o;
	for (char **g = argv + 2; *g; g++)
		strv_push(&a, &groups, *g);
	if (runtime_lookup_user(root, argv[1], &groups, &a, &user, &home, e) < 0)
		return fail(e);
	printf("%lld %lld %s", (long long)user.uid, (long long)user.gid, *home ? home : "-");
	const struct oci_number *n = user.additional_gids.items;
	for (size_t i = 0; i < user.additional_gids.count; i++)
		printf(" %lld", (long long)n[i].value);
	printf("\n");
	return 0;
}

static const struct {
	const char *name;
	int arguments;
	int (*run)(struct options *o, char **argv, struct err *e);
} commands[] = {
	{"run", 1, command_run},
	{"exec", 2, command_exec},
	{"user", 2, command_user},
};

static int usage(void)
{
	fprintf(stderr, "usage: runtime_probe run|exec|user [options] ...\n");
	return 125;
}

int main(int argc, char **argv)
{
	struct options o = {.repeat = 1};
	struct err e = {0};
	if (argc < 2)
		return usage();
	const char *name = argv[1];
	for (argv += 2; *argv && !strncmp(*argv, "--", 2); argv++) {
		const char *option = *argv;
		if (!strcmp(option, "--seccomp"))
			o.seccomp = true;
		else if (!strcmp(option, "--privileged"))
			o.privileged = true;
		else if (!strcmp(option, "--own-time"))
			o.own_time = true;
		else if (!argv[1])
			return usage();
		else if (!strcmp(option, "--overlay"))
			o.overlay = *++argv;
		else if (!strcmp(option, "--cgroup"))
			o.cgroup = *++argv;
		else if (!strcmp(option, "--init"))
			o.init = *++argv;
		else if (!strcmp(option, "--config"))
			o.config = *++argv;
		else if (!strcmp(option, "--bundle"))
			o.bundle = *++argv;
		else if (!strcmp(option, "--pid-file"))
			o.pid_file = *++argv;
		else if (!strcmp(option, "--repeat"))
			o.repeat = atoi(*++argv);
		else
			return usage();
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(name, commands[i].name) && argv[0] &&
		    (commands[i].arguments < 2 || argv[1]))
			return commands[i].run(&o, argv, &e);
	return usage();
}

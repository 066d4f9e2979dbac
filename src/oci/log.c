/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures, told where callers read them: standard error, and the file of --log in logrus's two
 * formats, one entry a line. containerd and podman show the last entry of level "error".
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "oci/oci.h"
#include "runtime/process.h"

struct entry {
	char *level, *msg, *time;
};
static const struct field entry_fields[] = {
	FIELD(struct entry, level, "level", FIELD_STR),
	FIELD(struct entry, msg, "msg", FIELD_STR),
	FIELD(struct entry, time, "time", FIELD_STR),
};
static const struct shape entry_shape = SHAPE(struct entry, entry_fields);

static bool is_json(const struct oci *oci)
{
	const char *format = oci->globals.log_format;
	return format && !strcmp(format, "json");
}

int log_check(const struct oci *oci, struct err *e)
{
	const struct oci_globals *g = &oci->globals;
	if (g->log_format && *g->log_format && !is_json(oci) && strcmp(g->log_format, "text") != 0)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--log-format \"%s\": must be \"text\" or \"json\"", g->log_format);
	if (g->log && (!strncmp(g->log, "journald:", 9) || !strncmp(g->log, "syslog:", 7)))
		return err_set(e, ENOTSUP, ERR_USAGE,
			       "--log %s: only files are supported; the caller's journal has what "
			       "is printed on standard error",
			       g->log);
	return 0;
}

static char *render(const struct entry *entry, bool json, struct arena *a)
{
	/* Quoted as JSON is: logfmt readers take that. */
	if (json)
		return arena_printf(a, "%s\n", shape_print(&entry_shape, entry, false, a));
	struct strv quoted = {0};
	strv_push(a, &quoted, entry->msg);
	static const struct field list_fields[] = {{.name = "m", .type = FIELD_STRV}};
	static const struct shape list_shape = {sizeof(struct strv), list_fields, 1};
	char *list = shape_print(&list_shape, &quoted, false, a); /* {"m":["..."]} */
	list[strlen(list) - 2] = '\0';
	return arena_printf(a, "time=\"%s\" level=%s msg=%s\n", entry->time, entry->level,
			    list + strlen("{\"m\":["));
}

static bool has_log(const struct oci *oci)
{
	return oci->globals.log && *oci->globals.log;
}

static void write_entry(const struct oci *oci, const char *level, const char *text)
{
	CLEANUP_ARENA struct arena a = {0};
	char now[TIME_TEXT_SIZE];
	const char *path = oci->globals.log;
	if (!has_log(oci))
		return;
	path += strncmp(path, "file:", 5) ? 0 : 5;
	CLEANUP_FD int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0644);
	struct entry entry = {(char *)level, (char *)text, time_format(clock_real_ns(), now)};
	char *line = render(&entry, is_json(oci), &a);
	if (fd >= 0)
		fd_write_full(fd, line, strlen(line));
}

static void tell(const struct oci *oci, const char *level, bool aloud, const struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	bool debug = oci->globals.debug && strerrorname_np(e->number);
	const char *text = *e->hint ? arena_printf(&a, "%s (%s)", e->text, e->hint) : e->text;
	write_entry(oci, level, text);
	if (!aloud)
		return;
	fflush(stdout);
	fprintf(stderr, "hull-runtime: %s%s%s%s%s\n", *level == 'w' ? "warning: " : "", text,
		debug ? " [" : "", debug ? strerrorname_np(e->number) : "", debug ? "]" : "");
}

void log_error(const struct oci *oci, const struct err *e)
{
	tell(oci, "error", true, e);
}

void log_warning(const struct oci *oci, const struct err *e)
{
	const char *least = oci->globals.log_level;
	if (!least || strcmp(least, "error") != 0)
		tell(oci, "warning", !has_log(oci), e);
}

void log_warning_text(const struct oci *oci, const char *text)
{
	struct err e;
	if (!text)
		return;
	err_set(&e, EINVAL, ERR_INVALID, "%s", text);
	log_warning(oci, &e);
}

void log_process_warnings(struct oci *oci, const struct oci_process *p)
{
	struct strv texts = {0};
	process_warnings(p, &oci->arena, &texts);
	for (size_t i = 0; i < texts.count; i++)
		log_warning_text(oci, texts.items[i]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* hull version, hull info: what runs here, and on what. With --format the same as JSON to a
 * template. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/object_format.h"

struct format_values {
	char *format;
};

static int version_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct format_values *v = values;
	struct utsname u;
	uname(&u);
	const char *arch = oci_native_architecture();
	if (!v->format || !*v->format) {
		printf("hull:\n Version:        %s\n OS/Arch:        linux/%s\n Kernel:         "
		       "%s\n",
		       HULL_VERSION, arch, u.release);
		return 0;
	}
	/* docker's two halves, which here are one program. */
	CLEANUP_JSON struct json_object *both = json_object_new_object();
	static const char *const halves[] = {"Client", "Server"};
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		struct json_object *o = json_object_new_object();
		json_add_string(o, "Version", HULL_VERSION);
		json_add_string(o, "Os", "linux");
		json_add_string(o, "Arch", arch);
		json_add_string(o, "KernelVersion", u.release);
		json_object_object_add(both, halves[i], o);
	}
	return object_format_print(v->format, both, e);
}

static void print_info(struct json_object *o)
{
	static const struct {
		const char *title, *key;
	} lines[] = {
		{"Containers", "Containers"},
		{" Running", "ContainersRunning"},
		{" Paused", "ContainersPaused"},
		{" Stopped", "ContainersStopped"},
		{"Images", "Images"},
		{"Version", "ServerVersion"},
		{"Storage Driver", "Driver"},
		{"Storage Quota", "HullStorageQuota"},
		{"Logging Driver", "LoggingDriver"},
		{"Publish Address", "HullPublishAddress"},
		{"Cgroup Driver", "CgroupDriver"},
		{"Cgroup Version", "CgroupVersion"},
		{"Cgroup Layout", "HullCgroupLayout"},
		{"Kernel Version", "KernelVersion"},
		{"OSType", "OSType"},
		{"Architecture", "Architecture"},
		{"CPUs", "NCPU"},
		{"Total Memory", "MemTotal"},
		{"Name", "Name"},
		{"Root Dir", "HullRootDir"},
		{"Run Dir", "HullRunDir"},
	};
	char memory[SIZE_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct json_object *value;
		json_object_object_get_ex(o, lines[i].key, &value);
		printf("%s: %s\n", lines[i].title,
		       strcmp(lines[i].key, "MemTotal")
			       ? json_object_get_string(value)
			       : size_binary(json_object_get_int64(value), memory));
	}
}

static int info_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct format_values *v = values;
	CLEANUP_JSON struct json_object *o = NULL;
	int r = engine_info(&cli->engine, &cli->settings, &o, e);
	if (r < 0)
		return r;
	if (v->format && *v->format)
		return object_format_print(v->format, o, e);
	print_info(o);
	return 0;
}

static const struct option options[] = {
	{"format", 'f', OPTION_STR, .offset = offsetof(struct format_values, format),
	 .help = "Format output using a custom template: 'json' or a Go template"},
};

const struct command command_version = {
	.names = NAMES("version"),
	.synopsis = "[OPTIONS]",
	.summary = "Show the version of hull and of the kernel",
	.options = OPTIONS_FOR(struct format_values, options),
	.flags = COMMAND_COMMON | COMMAND_LATE_ENGINE | COMMAND_ALONE,
	.run = version_run,
};

const struct command command_info = {
	.names = NAMES("info", "system info"),
	.synopsis = "[OPTIONS]",
	.summary = "Display system-wide information",
	.options = OPTIONS_FOR(struct format_values, options),
	.flags = COMMAND_COMMON,
	.run = info_run,
};

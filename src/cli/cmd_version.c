/* SPDX-License-Identifier: Apache-2.0 */
/* hull version, hull info: what runs here, and on what. With --format the same as JSON to a
 * template. */
#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "template/template.h"
#include "linux/cgroup.h"

struct format_values {
	char *format;
};

static int print_format(const char *format, struct json_object *o, struct err *e)
{
	struct template *t CLEANUP_TEMPLATE = NULL;
	struct strbuf out CLEANUP_STRBUF = STRBUF_MAX(TEMPLATE_OUTPUT_MAX);
	const struct template_type type = {TEMPLATE_STRUCT, false, "system.Info", NULL, NULL};
	const struct template_data data = {.root = o, .type = &type};
	if (!strcmp(format, "json"))
		format = "{{json .}}";
	int r = template_parse(format, strlen(format), &t, e);
	if (r == 0)
		r = template_execute(t, &data, &out, e);
	puts(strbuf_text(&out));
	return r < 0 ? err_context(e, "template parsing error") : 0;
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

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
		add_string(o, "Version", HULL_VERSION);
		add_string(o, "Os", "linux");
		add_string(o, "Arch", arch);
		add_string(o, "KernelVersion", u.release);
		json_object_object_add(both, halves[i], o);
	}
	return print_format(v->format, both, e);
}

static const char *cgroup_text(void)
{
	static const char *const texts[] = {[CGROUP_NONE] = "none",
					    [CGROUP_V1] = "1",
					    [CGROUP_V2] = "2",
					    [CGROUP_HYBRID] = "1 (hybrid)"};
	return texts[cgroup_host_layout()];
}

static int count_containers(struct cli *cli, struct json_object *o, struct err *e)
{
	struct container_filter f = {.all = true};
	struct container *list;
	size_t count;
	int64_t running = 0, paused = 0;
	int r = container_list(&cli->engine, &f, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		running += list[i].status == CONTAINER_RUNNING;
		paused += list[i].status == CONTAINER_PAUSED;
	}
	if (r < 0)
		return r;
	add_int(o, "Containers", (int64_t)count);
	add_int(o, "ContainersRunning", running);
	add_int(o, "ContainersPaused", paused);
	add_int(o, "ContainersStopped", (int64_t)count - running - paused);
	return 0;
}

static int collect(struct cli *cli, struct json_object *o, struct err *e)
{
	struct engine *en = &cli->engine;
	struct image *images;
	size_t count;
	struct utsname u;
	struct sysinfo memory;
	int r = count_containers(cli, o, e);
	if (r == 0)
		r = image_list(&en->images, NULL, &cli->arena, &images, &count, e);
	if (r < 0)
		return r;
	uname(&u);
	sysinfo(&memory);
	add_int(o, "Images", (int64_t)count);
	add_string(o, "Driver", "overlay");
	add_string(o, "LoggingDriver",
		   cli->settings.log_driver ? cli->settings.log_driver : "json-file");
	add_string(o, "CgroupVersion", cgroup_text());
	add_string(o, "KernelVersion", u.release);
	add_string(o, "OSType", "linux");
	add_string(o, "Architecture", u.machine);
	add_int(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	add_int(o, "MemTotal", (int64_t)memory.totalram * memory.mem_unit);
	add_string(o, "Name", u.nodename);
	add_string(o, "HullRootDir", en->root);
	add_string(o, "HullRunDir", en->runroot);
	add_string(o, "ServerVersion", HULL_VERSION);
	return 0;
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
		{"Logging Driver", "LoggingDriver"},
		{"Cgroup Version", "CgroupVersion"},
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
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	int r = collect(cli, o, e);
	if (r < 0)
		return r;
	if (v->format && *v->format)
		return print_format(v->format, o, e);
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
	.options = OPTIONS(options),
	.values_size = sizeof(struct format_values),
	.flags = COMMAND_COMMON | COMMAND_LATE_ENGINE,
	.run = version_run,
};

const struct command command_info = {
	.names = NAMES("info", "system info"),
	.synopsis = "[OPTIONS]",
	.summary = "Display system-wide information",
	.options = OPTIONS(options),
	.values_size = sizeof(struct format_values),
	.flags = COMMAND_COMMON,
	.run = info_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global options and the configuration file. Order, later wins: /etc/hull/hull.conf, the user's
 * hull/hull.conf below $XDG_CONFIG_HOME or ~/.config, the environment, the command line.
 *
 * The file has one `key value` (or `key = value`) a line; '#' begins a comment line. The keys are
 * an option table like any other. A missing file is no error, an unknown key is. Read settings.h
 * first.
 */
#include "engine/settings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/option_value.h"
#include "linux/ip_address.h"
#include "linux/own_program.h"

enum { CONFIG_MAX = 64 * 1024 };

#define S(member) .offset = offsetof(struct settings, member)
static int set_manager(void *field, const char *value, struct arena *a, struct err *e)
{
	bool *systemd = field;
	*systemd = !strcmp(value, "systemd");
	return *systemd || !strcmp(value, "cgroupfs")
		       ? 0
		       : err_set(e, EINVAL, ERR_INVALID,
				 "cgroup manager '%s': must be cgroupfs or systemd", value);
}

static int set_recorder(void *field, const char *value, struct arena *a, struct err *e)
{
	bool *on = field;
	*on = !strcmp(value, "on");
	return *on || !strcmp(value, "off")
		       ? 0
		       : err_set(e, EINVAL, ERR_INVALID, "recorder '%s': must be on or off", value);
}

static int set_address(void *field, const char *value, struct arena *a, struct err *e)
{
	struct ip ip;
	if (!ip_parse(value, &ip))
		return err_set(e, EINVAL, ERR_INVALID, "ip '%s': must be an address of this host",
			       value);
	*(char **)field = arena_strdup(a, value);
	return 0;
}

static const struct option option_items[] = {
	{"cgroup-manager", 0, OPTION_CUSTOM, S(systemd_cgroup), .arg = "cgroupfs|systemd",
	 .set = set_manager, .help = "Who makes the control groups of new containers"},
	{"debug", 'D', OPTION_BOOL, S(debug), .help = "Say more about failures"},
	{"root", 0, OPTION_STR, S(root), .arg = "dir",
	 .help = "Folder of what survives a reboot (HULL_ROOT)"},
	{"runroot", 0, OPTION_STR, S(runroot), .arg = "dir",
	 .help = "Folder of what does not (HULL_RUNROOT)"},
	{"version", 'v', OPTION_BOOL, S(version), .help = "Print version information and quit"},
};
static const struct option key_items[] = {
	{"cgroup-manager", 0, OPTION_CUSTOM, S(systemd_cgroup), .arg = "cgroupfs|systemd",
	 .set = set_manager,
	 .help = "Who makes the control groups of new containers: systemd makes each a scope"},
	{"detach-keys", 0, OPTION_STR, S(detach_keys), .arg = "keys",
	 .help = "Key sequence for detaching from a container"},
	{"ip", 0, OPTION_CUSTOM, S(ip), .arg = "address", .set = set_address,
	 .help = "Address of this host on which ports are published that name none; default every "
		 "address"},
	{"log-driver", 0, OPTION_STR, S(log_driver), .arg = "driver",
	 .help = "Log driver of new containers"},
	{"log-opt", 0, OPTION_MAP, S(log_opts), .arg = "key=value",
	 .help = "Option of that log driver; may be repeated"},
	{"network", 0, OPTION_STR, S(network), .arg = "network",
	 .help = "Network of new containers (HULL_NETWORK); default bridge"},
	{"recorder", 0, OPTION_CUSTOM, S(recorder), .arg = "on|off", .set = set_recorder,
	 .help = "Whether the start of a container sees to it that hull system record runs (root's "
		 "alone)"},
	{"root", 0, OPTION_STR, S(root), .arg = "dir", .help = "Folder of what survives a reboot"},
	{"runroot", 0, OPTION_STR, S(runroot), .arg = "dir", .help = "Folder of what does not"},
	{"storage-opt", 0, OPTION_MAP, S(storage_opts), .arg = "key=value",
	 .help = "Storage option of new containers: size=BYTES"},
};
#undef S
const struct option_table settings_options = OPTIONS(option_items);
const struct option_table settings_keys = OPTIONS(key_items);

static const struct option *key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(key_items); i++)
		if (!strcmp(key_items[i].name, name))
			return &key_items[i];
	return NULL;
}

static char *trim(char *text)
{
	text += strspn(text, " \t\r");
	char *end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static int apply_line(struct settings *s, char *line, struct arena *a, struct err *e)
{
	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	char *value = line + strcspn(line, " \t=");
	char separator = *value;
	if (separator)
		*value++ = '\0';
	value = trim(value);
	if (separator != '=' && *value == '=')
		value = trim(value + 1);
	const struct option *key = key_find(line);
	if (!key)
		return err_set(e, EINVAL, ERR_INVALID, "unknown key '%s'", line);
	return option_apply(key, s, value, a, e);
}

static int read_file(struct settings *s, const char *path, struct arena *a, struct err *e)
{
	char *text;
	int r = file_read(AT_FDCWD, path, CONFIG_MAX, a, &text, NULL, e);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	size_t number = 1;
	for (char *line = text, *next; r >= 0 && line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r = apply_line(s, line, a, e);
		if (r < 0)
			err_context(e, "%s line %zu", path, number);
	}
	return r < 0 ? r : 0;
}

static void set_from(const char *variable, char **field)
{
	char *value = getenv(variable);
	if (value && *value)
		*field = value;
}

int settings_read(struct settings *s, struct arena *a, struct err *e)
{
	int r = read_file(s, "/etc/hull/hull.conf", a, e);
	/* Its folders are root's. */
	if (geteuid() != 0)
		s->root = s->runroot = NULL;
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	if (r == 0 && (home || config))
		r = read_file(
			s,
			config && *config == '/'
				? arena_printf(a, "%s/hull/hull.conf", config)
				: arena_printf(a, "%s/.config/hull/hull.conf", home ? home : ""),
			a, e);
	set_from("HULL_ROOT", &s->root);
	set_from("HULL_RUNROOT", &s->runroot);
	set_from("HULL_NETWORK", &s->network);
	return r;
}

/* The engine wants absolute paths. */
static int make_absolute(char **path, struct arena *a, struct err *e)
{
	if (!**path)
		return err_set(e, EINVAL, ERR_USAGE, "--root and --runroot must not be empty");
	return path_from_cwd(*path, path, a, e);
}

static char *default_root(struct arena *a)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	if (geteuid() == 0)
		return arena_strdup(a, "/var/lib/hull");
	if (data && *data == '/')
		return arena_printf(a, "%s/hull", data);
	return home && *home == '/' ? arena_printf(a, "%s/.local/share/hull", home) : NULL;
}

/* In a folder of somebody else he could put another in the place of ours. */
static bool is_own(const char *folder)
{
	struct stat st;
	return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

/* Where nobody made a folder for this user that lasts as long as the boot: in /tmp, which others
 * can write to, one that nobody else may have made or can look into. */
static char *own_in_tmp(struct arena *a)
{
	char boot[64] = "";
	struct stat st;
	file_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	char *path = arena_printf(a, "/tmp/hull-run-%u-%.8s", geteuid(), boot);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return NULL;
	bool is_ours = lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
		       !(st.st_mode & 077);
	return is_ours ? path : NULL;
}

static char *default_runroot(struct arena *a)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	if (geteuid() == 0)
		return arena_strdup(a, "/run/hull");
	if (!runtime || *runtime != '/')
		runtime = arena_printf(a, "/run/user/%u", geteuid());
	if (!file_exists(AT_FDCWD, runtime))
		runtime = own_in_tmp(a);
	else if (!is_own(runtime))
		return NULL;
	return runtime ? arena_printf(a, "%s/hull", runtime) : NULL;
}

int settings_finish(struct settings *s, struct arena *a, struct err *e)
{
	if (!s->root)
		s->root = default_root(a);
	if (!s->root)
		return err_set(e, EINVAL, ERR_USAGE, "--root is not known: HOME is not set");
	if (!s->runroot)
		s->runroot = default_runroot(a);
	if (!s->runroot) {
		err_set(e, EINVAL, ERR_USAGE,
			"--runroot is not known: XDG_RUNTIME_DIR names no folder that this user "
			"has "
			"for himself, and neither /run/user/%u nor one in /tmp can be his",
			geteuid());
		return err_hint(
			e,
			"log in instead of using su (or loginctl enable-linger USER), set "
			"XDG_RUNTIME_DIR to a folder of yours with mode 0700, or give --runroot");
	}
	int r = make_absolute(&s->root, a, e);
	return r < 0 ? r : make_absolute(&s->runroot, a, e);
}

int settings_libexec(char **ret, struct arena *a, struct err *e)
{
	char path[4096];
	int r = own_program_path(path, sizeof(path));
	if (r < 0)
		return err_errno(e, r, "cannot find where hull is installed");
	*strrchr(path, '/') = '\0';
	*ret = arena_strdup(a, path);
	return 0;
}

int settings_open_engine(const struct settings *s, struct engine *ret, struct arena *a,
			 struct err *e)
{
	char *libexec;
	int r = settings_libexec(&libexec, a, e);
	if (r < 0)
		return r;
	r = engine_open(ret, s->root, s->runroot, libexec, e);
	ret->systemd_cgroup = s->systemd_cgroup;
	ret->records = s->recorder;
	return r;
}

void settings_apply(const struct settings *s, struct container_create *c)
{
	struct docker_host_config *host = &c->config.host;
	struct docker_log_config *log = &host->log_config;
	if (!log->type || !*log->type) {
		log->type = s->log_driver;
		if (!log->config.count)
			log->config = s->log_opts;
	}
	if (!host->storage_opt.count && (c->image || c->config.hull.rootfs_overlay))
		host->storage_opt = s->storage_opts;
	/* Of the user who made it: its later starts may be nobody's. */
	c->config.hull.publish_on = s->ip;
}

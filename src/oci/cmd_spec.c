/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime spec: a config.json to begin with, for root or (--rootless) for the user who asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/commands.h"
#include "oci/state.h"

struct values {
	char *bundle;
	bool rootless;
};

struct mount_row {
	const char *destination, *type, *source;
	const char *options[8]; /* NULL-ended */
};
static const struct mount_row mount_rows[] = {
	{"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
	{"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
	{"/dev/pts",
	 "devpts",
	 "devpts",
	 {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
	{"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
	{"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
	{"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
	{"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};

static const char *const caps[] = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
static const char *const masked[] = {
	"/proc/acpi",       "/proc/asound",      "/proc/interrupts",
	"/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
	"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
	"/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
				       "/proc/sysrq-trigger"};
static const char *const namespaces[] = {"pid", "network", "ipc", "uts", "mount", "cgroup"};

static struct strv list(const char *const *words, size_t count, struct arena *a)
{
	struct strv v = {0};
	for (size_t i = 0; i < count; i++)
		strv_push(a, &v, words[i]);
	return v;
}
#define LIST(table_, a_) list((table_), ARRAY_LEN(table_), (a_))

static struct array mounts_of(struct arena *a)
{
	struct oci_mount *m = arena_array(a, ARRAY_LEN(mount_rows), sizeof(*m));
	for (size_t i = 0; i < ARRAY_LEN(mount_rows); i++) {
		const struct mount_row *row = &mount_rows[i];
		m[i] = (struct oci_mount){.destination = (char *)row->destination,
					  .type = (char *)row->type,
					  .source = (char *)row->source};
		for (size_t o = 0; row->options[o]; o++)
			strv_push(a, &m[i].options, row->options[o]);
	}
	return (struct array){m, ARRAY_LEN(mount_rows)};
}

static struct oci_spec example(struct arena *a)
{
	struct oci_capabilities *c = arena_new(a, struct oci_capabilities);
	struct oci_rlimit *limit = arena_new(a, struct oci_rlimit);
	struct oci_device_rule *deny = arena_new(a, struct oci_device_rule);
	struct oci_namespace *n = arena_array(a, ARRAY_LEN(namespaces) + 1, sizeof(*n));
	static const char *const args[] = {"sh"};
	static const char *const env[] = {"PATH=" PATH_DEFAULT, "TERM=xterm"};
	c->bounding = c->effective = c->permitted = LIST(caps, a);
	*limit = (struct oci_rlimit){"RLIMIT_NOFILE", 1024, 1024};
	*deny = (struct oci_device_rule){.allow = false, .access = "rwm"};
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		n[i].type = (char *)namespaces[i];
	return (struct oci_spec){
		.oci_version = OCI_VERSION,
		.process = {.terminal = true,
			    .args = LIST(args, a),
			    .env = LIST(env, a),
			    .cwd = "/",
			    .capabilities = c,
			    .rlimits = {limit, 1},
			    .no_new_privileges = true},
		.root = {.path = "rootfs", .readonly = true},
		.hostname = "hull",
		.mounts = mounts_of(a),
		.linux_ = {.namespaces = {n, ARRAY_LEN(namespaces)},
			   .resources = {.devices = {deny, 1}},
			   .masked_paths = LIST(masked, a),
			   .readonly_paths = LIST(readonly, a)},
	};
}

/* A user maps himself, has no network to set up, and may not mount sysfs without one of his own. */
static void make_rootless(struct oci_spec *s, struct arena *a)
{
	struct oci_id_mapping *ids = arena_array(a, 2, sizeof(*ids));
	struct oci_namespace *n = s->linux_.namespaces.items;
	struct oci_mount *m = s->mounts.items;
	ids[0] = (struct oci_id_mapping){0, geteuid(), 1};
	ids[1] = (struct oci_id_mapping){0, getegid(), 1};
	s->linux_.uid_mappings = (struct array){&ids[0], 1};
	s->linux_.gid_mappings = (struct array){&ids[1], 1};
	for (size_t i = 0; i < s->linux_.namespaces.count; i++)
		if (!strcmp(n[i].type, "network"))
			n[i].type = "user";
	s->linux_.resources = (struct oci_resources){0};
	for (size_t i = 0; i < s->mounts.count; i++) {
		struct strv kept = {0};
		for (size_t o = 0; o < m[i].options.count; o++)
			if (strncmp(m[i].options.items[o], "gid=", 4) != 0)
				strv_push(a, &kept, m[i].options.items[o]);
		m[i].options = kept;
		if (!strcmp(m[i].type, "sysfs")) {
			static const char *const bind[] = {"rbind", "nosuid", "noexec", "nodev",
							   "ro"};
			m[i] = (struct oci_mount){.destination = "/sys",
						  .type = "none",
						  .source = "/sys",
						  .options = LIST(bind, a)};
		}
	}
}

static int spec(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	const struct values *v = values;
	struct arena *a = &oci->arena;
	CLEANUP_FD int dir =
		open(v->bundle && *v->bundle ? v->bundle : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, errno, "cannot open the bundle %s", v->bundle);
	CLEANUP_FD int fd =
		openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, EEXIST, ERR_CONFLICT,
			       "config.json exists already; remove it first");
	if (fd < 0)
		return err_errno(e, errno, "cannot make config.json");
	struct oci_spec s = example(a);
	if (v->rootless)
		make_rootless(&s, a);
	char *text = arena_printf(a, "%s\n", shape_print(&oci_spec_shape, &s, true, a));
	int r = fd_write_full(fd, text, strlen(text));
	return r < 0 ? err_errno(e, r, "cannot write config.json") : 0;
}

#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"bundle", 'b', OPTION_STR, O(bundle), .help = "Folder to write config.json to"},
	{"rootless", 0, OPTION_BOOL, O(rootless), .help = "For the user who runs the command"},
};
const struct oci_command oci_spec_command = {
	.name = "spec",
	.synopsis = "",
	.summary = "Write a config.json to begin with",
	.options = OPTIONS_FOR(struct values, items),
	.run = spec,
};

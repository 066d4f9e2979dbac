/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices: the nodes in /dev and the rules of the device controller. Deny all, allow the harmless
 * ones and the terminals; no tun and no mknod of anything, unlike docker (docs/security.md). See
 * cgroup-v1/devices.
 */
#include "engine/spec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/units.h"

enum { DEVICES_MAX = 1024 };

struct devices {
	struct oci_device *nodes;
	struct cgroup_device_rule *rules;
	size_t node_count, rule_count, room;
};

static const struct cgroup_device_rule default_rules[] = {
	{false, 'a', -1, -1, 7}, {true, 'c', 1, 3, 7}, {true, 'c', 1, 5, 7},
	{true, 'c', 1, 7, 7},    {true, 'c', 1, 8, 7}, {true, 'c', 1, 9, 7},
	{true, 'c', 5, 0, 7},    {true, 'c', 5, 1, 3}, {true, 'c', 5, 2, 7},
	{true, 'c', 136, -1, 7},
};

static int access_parse(const char *text, unsigned *ret)
{
	static const struct {
		char letter;
		unsigned bit;
	} letters[] = {{'r', CGROUP_DEV_READ}, {'w', CGROUP_DEV_WRITE}, {'m', CGROUP_DEV_MKNOD}};
	unsigned access = 0;
	for (; *text; text++) {
		unsigned bit = 0;
		for (size_t i = 0; i < ARRAY_LEN(letters); i++)
			bit |= *text == letters[i].letter ? letters[i].bit : 0;
		if (!bit)
			return -EINVAL;
		access |= bit;
	}
	*ret = access;
	return access ? 0 : -EINVAL;
}

static int add_rule(struct devices *d, struct cgroup_device_rule rule, struct err *e)
{
	if (d->rule_count == d->room)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d devices", DEVICES_MAX);
	d->rules[d->rule_count++] = rule;
	return 0;
}

static int add_node(struct devices *d, const struct stat *st, const char *host, const char *path,
		    unsigned access, struct arena *a, struct err *e)
{
	bool block = S_ISBLK(st->st_mode);
	if (d->node_count == d->room)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d devices", DEVICES_MAX);
	d->nodes[d->node_count++] = (struct oci_device){
		.path = arena_strdup(a, path),
		.host = arena_strdup(a, host),
		.type = block ? "b" : "c",
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.file_mode = {true, st->st_mode & 07777},
		.uid = {true, st->st_uid},
		.gid = {true, st->st_gid},
	};
	/* The container's first process makes the node, and is in its group by then or (on version
	 * 2: always) from its birth. */
	return add_rule(
		d,
		(struct cgroup_device_rule){true, block ? 'b' : 'c', (int64_t)major(st->st_rdev),
					    (int64_t)minor(st->st_rdev), access | CGROUP_DEV_MKNOD},
		e);
}

/* A folder below /dev gives all devices in it; pseudo-terminals and shared memory are the
 * container's own. */
static int add_folder(struct devices *d, const char *host, const char *inside, unsigned access,
		      int depth, struct arena *a, struct err *e)
{
	static const char *const skipped[] = {".",      "..",      "pts",  "shm",      "fd",
					      "mqueue", "console", "ptmx", "hugepages"};
	CLEANUP_DIR DIR *dir = opendir(host);
	if (!dir)
		return err_errno(e, errno, "--device %s", host);
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		bool skip = depth > 8;
		for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
			skip |= !strcmp(entry->d_name, skipped[i]);
		if (skip || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		char *from = arena_printf(a, "%s/%s", host, entry->d_name);
		char *to = arena_printf(a, "%s/%s", inside, entry->d_name);
		int r = 0;
		if (S_ISDIR(st.st_mode))
			r = add_folder(d, from, to, access, depth + 1, a, e);
		else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			r = add_node(d, &st, from, to, access, a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_device(struct devices *d, const struct docker_device *dev, struct arena *a,
		      struct err *e)
{
	const char *permissions = dev->cgroup_permissions;
	const char *inside = dev->path_in_container && *dev->path_in_container
				     ? dev->path_in_container
				     : dev->path_on_host;
	struct stat st;
	unsigned access;
	if (access_parse(permissions && *permissions ? permissions : "rwm", &access) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid device mode: %s", permissions);
	if (stat(dev->path_on_host, &st) < 0)
		return err_set(e, errno, ERR_INVALID,
			       "error gathering device information while adding custom device "
			       "\"%s\": %s",
			       dev->path_on_host, err_errno_text(errno));
	size_t before = d->node_count;
	bool folder = S_ISDIR(st.st_mode);
	int r = folder ? add_folder(d, dev->path_on_host, inside, access, 0, a, e) : 0;
	if (r < 0 || (folder && d->node_count > before))
		return r;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, EINVAL, ERR_INVALID,
			       "error gathering device information while "
			       "adding custom device \"%s\": not a device "
			       "node",
			       dev->path_on_host);
	return add_node(d, &st, dev->path_on_host, path_clean(a, inside), access, a, e);
}

static int number_or_any(const char *text, int64_t *ret)
{
	*ret = -1;
	return strcmp(text, "*") ? int_parse(text, 0, UINT32_MAX, ret) : 0;
}

/* "c 1:3 rwm", "a *:* rwm": the form of the v1 files, as --device-cgroup-rule takes it. */
static int add_cgroup_rule(struct devices *d, const char *text, struct err *e)
{
	char type, major_text[16], minor_text[16], access_text[8];
	int used = 0;
	struct cgroup_device_rule rule = {.allow = true};
	if (sscanf(text, "%c %15[0-9*]:%15[0-9*] %7[rwm]%n", &type, major_text, minor_text,
		   access_text, &used) != 4 ||
	    text[used] || !strchr("abc", type) || number_or_any(major_text, &rule.major) < 0 ||
	    number_or_any(minor_text, &rule.minor) < 0 ||
	    access_parse(access_text, &rule.access) < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid device cgroup rule format: '%s'; like 'c 1:3 rwm'", text);
	rule.type = type;
	return add_rule(d, rule, e);
}

static void describe_rules(struct spec_build *b, const struct devices *d, struct arena *a)
{
	struct oci_device_rule *list = arena_array(a, d->rule_count, sizeof(*list));
	for (size_t i = 0; i < d->rule_count; i++) {
		const struct cgroup_device_rule *r = &d->rules[i];
		list[i] = (struct oci_device_rule){
			.allow = r->allow,
			.type = r->type == 'b'   ? "b"
				: r->type == 'c' ? "c"
						 : "a",
			.major = {r->major >= 0, r->major},
			.minor = {r->minor >= 0, r->minor},
			.access = arena_printf(a, "%s%s%s", r->access & 1 ? "r" : "",
					       r->access & 2 ? "w" : "", r->access & 4 ? "m" : ""),
		};
	}
	b->spec.linux_.resources.devices = (struct array){list, d->rule_count};
}

int spec_devices(struct spec_build *b, struct arena *a, struct err *e)
{
	const struct docker_host_config *h = &b->container->config.host;
	const struct docker_device *own = h->devices.items;
	bool many = h->privileged || h->devices.count;
	struct devices d = {.room = many ? DEVICES_MAX
					 : ARRAY_LEN(default_rules) + h->device_cgroup_rules.count};
	d.nodes = arena_array(a, many ? d.room : 0, sizeof(*d.nodes));
	d.rules = arena_array(a, d.room, sizeof(*d.rules));
	int r = 0;
	if (h->privileged) {
		r = add_folder(&d, "/dev", "/dev", 7, 0, a, e);
		/* The nodes are made; one rule allows them all. */
		d.rule_count = 0;
		if (r == 0)
			r = add_rule(&d, (struct cgroup_device_rule){true, 'a', -1, -1, 7}, e);
	} else {
		memcpy(d.rules, default_rules, sizeof(default_rules));
		d.rule_count = ARRAY_LEN(default_rules);
	}
	for (size_t i = 0; r == 0 && i < h->devices.count; i++)
		r = add_device(&d, &own[i], a, e);
	for (size_t i = 0; r == 0 && i < h->device_cgroup_rules.count; i++)
		r = add_cgroup_rule(&d, h->device_cgroup_rules.items[i], e);
	if (r < 0)
		return r;
	b->spec.linux_.devices = (struct array){d.nodes, d.node_count};
	b->device_rules = d.rules;
	b->device_rule_count = d.rule_count;
	describe_rules(b, &d, a);
	return 0;
}

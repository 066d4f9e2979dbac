/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options as the OCI runtime specification and fstab(5) spell them, as one table.
 * See mount_setattr(2) for the flags, config-linux.md "Linux mount options" for the names.
 * Invariant: an option is either in the table or belongs to the file system. Read mount.h first.
 */
#include "linux/mount.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

enum option_kind {
	OPTION_SET,     /* set a flag of the mount */
	OPTION_CLEAR,   /* clear it */
	OPTION_SET_ALL, /* set it on all below too */
	OPTION_CLEAR_ALL,
	OPTION_PROPAGATION,
	OPTION_PROPAGATION_ALL,
	OPTION_BIND,
	OPTION_BIND_ALL,
	OPTION_COPY_UP,
	OPTION_SUPER, /* of the file system as a whole, which a bind does not change */
	OPTION_REMOUNT,
	OPTION_IDMAP,
	OPTION_IDMAP_ALL,
	OPTION_NOTHING, /* the kernel's default, accepted because fstab has it */
};

static const struct option {
	const char *name;
	enum option_kind kind;
	uint64_t value;
} options[] = {
	{"async", OPTION_NOTHING, 0},
	{"atime", OPTION_CLEAR, MOUNT_ATTR__ATIME},
	{"bind", OPTION_BIND, 0},
	{"defaults", OPTION_NOTHING, 0},
	{"dev", OPTION_CLEAR, MOUNT_ATTR_NODEV},
	{"diratime", OPTION_CLEAR, MOUNT_ATTR_NODIRATIME},
	{"dirsync", OPTION_SUPER, 0},
	{"exec", OPTION_CLEAR, MOUNT_ATTR_NOEXEC},
	{"idmap", OPTION_IDMAP, 0},
	{"iversion", OPTION_NOTHING, 0},
	{"lazytime", OPTION_SUPER, 0},
	{"loud", OPTION_NOTHING, 0},
	{"mand", OPTION_NOTHING, 0},
	{"noatime", OPTION_SET, MOUNT_ATTR_NOATIME},
	{"nodev", OPTION_SET, MOUNT_ATTR_NODEV},
	{"nodiratime", OPTION_SET, MOUNT_ATTR_NODIRATIME},
	{"noexec", OPTION_SET, MOUNT_ATTR_NOEXEC},
	{"noiversion", OPTION_NOTHING, 0},
	{"nolazytime", OPTION_NOTHING, 0},
	{"nomand", OPTION_NOTHING, 0},
	{"norelatime", OPTION_CLEAR, MOUNT_ATTR__ATIME},
	{"nostrictatime", OPTION_CLEAR, MOUNT_ATTR__ATIME},
	{"nosuid", OPTION_SET, MOUNT_ATTR_NOSUID},
	{"nosymfollow", OPTION_SET, MOUNT_ATTR_NOSYMFOLLOW},
	{"private", OPTION_PROPAGATION, MS_PRIVATE},
	{"ratime", OPTION_CLEAR_ALL, MOUNT_ATTR__ATIME},
	{"rbind", OPTION_BIND_ALL, 0},
	{"rdev", OPTION_CLEAR_ALL, MOUNT_ATTR_NODEV},
	{"rdiratime", OPTION_CLEAR_ALL, MOUNT_ATTR_NODIRATIME},
	{"relatime", OPTION_CLEAR, MOUNT_ATTR__ATIME},
	{"remount", OPTION_REMOUNT, 0},
	{"rexec", OPTION_CLEAR_ALL, MOUNT_ATTR_NOEXEC},
	{"ridmap", OPTION_IDMAP_ALL, 0},
	{"rnoatime", OPTION_SET_ALL, MOUNT_ATTR_NOATIME},
	{"rnodev", OPTION_SET_ALL, MOUNT_ATTR_NODEV},
	{"rnodiratime", OPTION_SET_ALL, MOUNT_ATTR_NODIRATIME},
	{"rnoexec", OPTION_SET_ALL, MOUNT_ATTR_NOEXEC},
	{"rnorelatime", OPTION_CLEAR_ALL, MOUNT_ATTR__ATIME},
	{"rnostrictatime", OPTION_CLEAR_ALL, MOUNT_ATTR__ATIME},
	{"rnosuid", OPTION_SET_ALL, MOUNT_ATTR_NOSUID},
	{"rnosymfollow", OPTION_SET_ALL, MOUNT_ATTR_NOSYMFOLLOW},
	{"ro", OPTION_SET, MOUNT_ATTR_RDONLY},
	{"rprivate", OPTION_PROPAGATION_ALL, MS_PRIVATE},
	{"rrelatime", OPTION_CLEAR_ALL, MOUNT_ATTR__ATIME},
	{"rro", OPTION_SET_ALL, MOUNT_ATTR_RDONLY},
	{"rrw", OPTION_CLEAR_ALL, MOUNT_ATTR_RDONLY},
	{"rshared", OPTION_PROPAGATION_ALL, MS_SHARED},
	{"rslave", OPTION_PROPAGATION_ALL, MS_SLAVE},
	{"rstrictatime", OPTION_SET_ALL, MOUNT_ATTR_STRICTATIME},
	{"rsuid", OPTION_CLEAR_ALL, MOUNT_ATTR_NOSUID},
	{"rsymfollow", OPTION_CLEAR_ALL, MOUNT_ATTR_NOSYMFOLLOW},
	{"runbindable", OPTION_PROPAGATION_ALL, MS_UNBINDABLE},
	{"rw", OPTION_CLEAR, MOUNT_ATTR_RDONLY},
	{"shared", OPTION_PROPAGATION, MS_SHARED},
	{"silent", OPTION_NOTHING, 0},
	{"slave", OPTION_PROPAGATION, MS_SLAVE},
	{"strictatime", OPTION_SET, MOUNT_ATTR_STRICTATIME},
	{"suid", OPTION_CLEAR, MOUNT_ATTR_NOSUID},
	{"symfollow", OPTION_CLEAR, MOUNT_ATTR_NOSYMFOLLOW},
	{"sync", OPTION_SUPER, 0},
	{"tmpcopyup", OPTION_COPY_UP, 0},
	{"unbindable", OPTION_PROPAGATION, MS_UNBINDABLE},
};

static const struct option *option_find(const char *name)
{
	size_t low = 0, high = ARRAY_LEN(options);
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(name, options[mid].name);
		if (order == 0)
			return &options[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* A later option wins over an earlier one, as with mount(8). */
static void flag_change(uint64_t *to, uint64_t *from, uint64_t value)
{
	uint64_t field = value & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : value;
	*from &= ~field;
	*to = (*to & ~field) | value;
}

static void option_apply(const struct option *o, struct mount_options *m)
{
	switch (o->kind) {
	case OPTION_SET:
		flag_change(&m->set, &m->clear, o->value);
		break;
	case OPTION_CLEAR:
		flag_change(&m->clear, &m->set, o->value);
		break;
	case OPTION_SET_ALL:
		flag_change(&m->set_all, &m->clear_all, o->value);
		break;
	case OPTION_CLEAR_ALL:
		flag_change(&m->clear_all, &m->set_all, o->value);
		break;
	case OPTION_PROPAGATION:
	case OPTION_PROPAGATION_ALL:
		m->propagation = o->value;
		m->propagation_all = o->kind == OPTION_PROPAGATION_ALL;
		break;
	case OPTION_BIND_ALL:
		m->recursive = true;
		__attribute__((fallthrough));
	case OPTION_BIND:
		m->bind = true;
		break;
	case OPTION_COPY_UP:
		m->copy_up = true;
		break;
	case OPTION_REMOUNT:
		m->remount = true;
		break;
	case OPTION_IDMAP_ALL:
		m->idmap_all = true;
		__attribute__((fallthrough));
	case OPTION_IDMAP:
		m->idmap = true;
		break;
	case OPTION_SUPER:
		if (m->super_count < ARRAY_LEN(m->super))
			m->super[m->super_count++] = o->name;
		break;
	case OPTION_NOTHING:
		break;
	}
}

int mount_options_parse(const struct strv *list, struct mount_options *ret, struct err *e)
{
	*ret = (struct mount_options){0};
	for (size_t i = 0; i < list->count; i++) {
		const struct option *o = option_find(list->items[i]);
		if (o) {
			option_apply(o, ret);
		} else if (ret->data_count == MOUNT_DATA_MAX) {
			return err_set(e, E2BIG, ERR_INVALID, "more than %d mount options",
				       MOUNT_DATA_MAX);
		} else if (*list->items[i]) {
			ret->data[ret->data_count++] = list->items[i];
		}
	}
	return 0;
}

const char *mount_option_name(size_t index)
{
	return index < ARRAY_LEN(options) ? options[index].name : NULL;
}

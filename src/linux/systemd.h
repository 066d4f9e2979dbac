/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups that systemd makes: a scope unit for each container, in the slice that was asked
 * for. See systemd.scope(5), org.freedesktop.systemd1(5), systemd.resource-control(5). An ordinary
 * user, or root of a user namespace, speaks to his own systemd.
 *
 * A scope needs a process from the start, and the container's comes later: a holder is put in,
 * which the caller releases once the container is there. systemd removes the scope when it is
 * empty. Limits are written to the group's files as everywhere, and systemd is told what is in
 * them: it would undo others at its next reload.
 */
#pragma once

#include "linux/cgroup.h"

struct dbus_body;

struct systemd_scope {
	char unit[256]; /* "crio-ID.scope" */
	char slice[256];
	char group[256]; /* below the root of the hierarchy */
	bool made;
	int holder; /* pidfd, or -1 */
};
#define SYSTEMD_SCOPE_NONE                                                                         \
	{                                                                                          \
		.holder = -1                                                                       \
	}

bool systemd_is_slice(const char *name);
/** "slice:prefix:name" to the unit's name, its slice and its group; parts may be empty, and without
 *  any it is hull-@id in the default slice. */
int systemd_scope_name(const char *path, const char *id, struct systemd_scope *ret, struct err *e);
/** Make the scope, with a holder in it, and the properties of @annotations
 *  ("org.systemd.property.NAME"). s->group is where systemd put it. */
int systemd_scope_start(struct systemd_scope *s, const struct kvs *annotations, struct err *e);
/** The same, and the limits and device rules in that group, of which systemd is told. What was made
 *  stays when that fails: release and stop it. */
int systemd_scope_make(struct systemd_scope *s, const struct kvs *annotations,
		       const struct cgroup_limits *limits, const struct cgroup_device_rule *rules,
		       size_t rule_count, struct cgroup *ret, struct err *e);
/** The container is in: let the holder go. */
void systemd_scope_release(struct systemd_scope *s);
/** Tell systemd of the limits that the group @g of its @unit has. -ESRCH: its processes have ended.
 */
int systemd_scope_limits(const char *unit, const struct cgroup *g, struct err *e);
/** Put @pid in, which for a user's own session only systemd may do. */
int systemd_scope_attach(const char *unit, pid_t pid, struct err *e);
/** End the unit; 0 when there is none any more. */
int systemd_scope_stop(const char *unit, struct err *e);

/** Is @key an annotation for a property? Then put it into @b, its value read as GVariant text:
 *  'text', true, uint64 5, ['a', 'b'], @as []. "NAMESec" is in seconds. 1, 0 or -EINVAL. */
int systemd_property_put(struct dbus_body *b, const char *key, const char *value, struct err *e);

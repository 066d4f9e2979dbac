/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a container: the folder --root/ID (0700), which is also its lock (flock). It has
 *
 *   record       struct record_head and strings: where it came from, its group, its first process
 *   config.json  a copy of the bundle's, for exec and for hooks
 *   filter       the compiled seccomp program, for exec
 *   start        the socket where a created container waits (runtime/gate.h)
 *   paused       a mark, before the group is frozen and until it is thawed
 *   notify/      the socket that stands in for $NOTIFY_SOCKET
 *
 * Order, so that a kill at any line leaves something that `delete` can remove: folder, record,
 * control group, process, its pid in the record, go; and backwards when it is deleted. A folder
 * without a record is of a create that was killed, or that is still at work: then it is locked.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "linux/seccomp.h"
#include "oci/oci.h"
#include "spec/oci.h"

enum { OCI_ID_MAX = 128, OCI_CONFIG_MAX = 4 << 20 };

enum record_flags {
	RECORD_POSTSTART = 1, /* the spec has such hooks */
	RECORD_POSTSTOP = 2,
	RECORD_FILTER = 4,
	RECORD_OWN_TIME = 8, /* a time namespace of its own */
	RECORD_TERMINAL = 16,
	RECORD_SYSTEMD = 32, /* its group is a scope of systemd's */
	RECORD_RDT = 64,     /* it is in a group of resctrl */
	RECORD_RARE = 128,   /* exec --process has to look up what it does not say */
};

struct record {
	pid_t pid; /* 0: no process yet */
	uint64_t pid_start;
	int64_t created_ns;
	uint32_t flags, owner;
	/* None is NULL; annotations are a JSON object; no cgroup: "" */
	char *oci_version, *bundle, *rootfs, *cgroup, *annotations;
};

/** The unit of systemd that its control group is, or NULL. */
const char *record_unit(const struct record *r);

enum oci_status { OCI_CREATING, OCI_CREATED, OCI_RUNNING, OCI_PAUSED, OCI_STOPPED };
extern const char *const oci_status_names[];

/** A container of the state folder, opened. */
struct state {
	const char *id;
	int dir;   /* its folder */
	int pidfd; /* of its first process; -1: none, or it has ended */
	struct record record;
	enum oci_status status;
};
#define STATE_CLOSED                                                                               \
	{                                                                                          \
		.dir = -1, .pidfd = -1                                                             \
	}
#define CLEANUP_STATE __attribute__((cleanup(state_close)))

enum state_how {
	STATE_READ,   /* look only */
	STATE_LOCK,   /* wait for those who change it, and keep them out */
	STATE_DELETE, /* lock, and take one without a record, too: CREATING and locked is its end */
	STATE_FORCE,  /* and one whose record is damaged: what is known of it then is its group */
};
/** Open the container @id, with what it does now. -ENOENT: "... does not exist". */
int state_open(struct oci *oci, const char *id, enum state_how how, struct state *ret,
	       struct err *e);
void state_close(struct state *s);
/** Look again for what its process does. */
void state_look(struct state *s);

/** The ids of all containers, sorted. */
int state_list(struct oci *oci, struct strv *ret, struct err *e);

/** Make the folder of a new container, locked. -EEXIST: "... already exists". */
int state_make(struct oci *oci, const char *id, struct state *ret, struct err *e);
int state_write(struct state *s, struct err *e);
/** Remove the folder; the record goes last. */
int state_remove(struct oci *oci, struct state *s, struct err *e);

/** The copy of config.json, parsed. */
int state_config(const struct state *s, struct arena *a, struct oci_spec *ret, struct err *e);
int state_filter_write(const struct state *s, const struct seccomp_program *p, struct err *e);
int state_filter_read(const struct state *s, struct arena *a, struct seccomp_program *ret,
		      struct err *e);

/** The folder --root, made if @make; -ENOENT without an error text when it is not there. */
int state_root(struct oci *oci, bool make, struct err *e);

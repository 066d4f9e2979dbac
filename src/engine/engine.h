/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of containers: what the command line and the API call. One struct engine per command or
 * request; it holds the state store and two folder descriptors, no threads, no state of its own.
 *
 * A container is named by the user as NAME, full id, or unique prefix of an id; every function
 * takes such a reference. Before it is used, what happened behind our back (an exit record, a lost
 * monitor, a killed command) is brought into the state store: see engine/reap.c.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/db.h"
#include "base/err.h"
#include "base/id.h"
#include "base/wire.h"
#include "image/image.h"
#include "spec/docker.h"
#include "spec/docker_network.h"

struct firewall_port;

struct strbuf;

struct cgroup;

struct network_ahead;

struct engine {
	struct db db;
	const char *root, *runroot; /* absolute, valid as long as the engine */
	const char *libexec;        /* folder of hull, hull-monitor, hull-init, hull-unpack */
	int root_fd, run_fd;
	bool systemd_cgroup; /* who makes control groups: for containers to be; else ourselves */
	bool records;        /* a recorder is to run, see recorder.h */
	bool checks_health;  /* this process does: nobody else need be asked to */
	/* Or NULL: called when the first process of a container that is started is born and waits,
	 * in its group; @caps: what it may have at most. */
	int (*at_birth)(const struct cgroup *group, uint64_t caps, void *ctx, struct err *e);
	void *at_birth_ctx;
	/* Begun before it was known for which container, or NULL: the next start takes it. */
	struct network_ahead *network_ahead;
	int *mounts_hold; /* where a start puts its container's mount namespace, or NULL */
	struct remove_behind *behind; /* for a program that ends soon, or NULL: remove_behind.h */
	struct starting *starting; /* what was created with `start`, until it is started, or NULL */
	char asked_by[64];         /* on whose behalf signals are sent; "": of who started us */
	struct image_store images;
	struct arena notes;
	struct strv warnings; /* in `notes`: for the user, though nothing failed */
};

/** .asked_by of a health check that failed. */
#define ASKED_BY_HEALTH "its health check"

/** Open (and make, mode 0700) the two roots. @root and @runroot are absolute; @libexec is the
 * folder of the running program. All three must outlive the engine. */
int engine_open(struct engine *en, const char *root, const char *runroot, const char *libexec,
		struct err *e);
void engine_close(struct engine *en);
/** What of engine_close() the kernel does not do when the process ends, which is next. */
void engine_leave(struct engine *en);
/** Add to @en's warnings; nobody to tell: NULL. */
void engine_warn(struct engine *en, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum container_status {
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_RESTARTING, /* has ended, and its restart policy starts it again soon */
	CONTAINER_EXITED,
	CONTAINER_REMOVING,
	CONTAINER_DEAD,
};
/** "created", "running", ... as docker's State.Status. */
const char *container_status_name(enum container_status s);

/** All that is known of a container; lives in the arena it was read into. */
struct container {
	char id[ID_LEN + 1];
	char *name, *image_id, *image_name, *command, *error, *hint;
	struct container_config config; /* filled by container_find, not by container_list */
	struct kvs labels;
	int64_t created, started, finished; /* ns since 1970, 0: never */
	enum container_status status;
	bool auto_remove, oom_killed;
	bool oom_first; /* its first process was, not only another */
	bool held; /* somebody wanted it stopped: container_glance() alone fills it and `told` */
	bool networked; /* it has a place on a network: container_glance() too */
	unsigned told;  /* enum told of base/event.h */
	char *health;   /* "starting", "healthy", "unhealthy"; "": it has no health check */
	int64_t oom_kills;
	int exit_code, exit_signal;
	int64_t restarts;                  /* by its restart policy, since it was started by hand */
	int64_t restart_wait, restart_due; /* ms before the last one; ns since 1970, 0: none */
	const struct firewall_port *ports; /* published: container_list fills them, see network.h */
	size_t port_count;
	/* Its places on networks: container_list fills it for CONFIGS_LISTED; NULL: it has none. */
	const struct container_net *net;
	pid_t pid; /* host pid of the first process, 0 unless running */
	uint64_t pid_start;
};

/** "Up 3 minutes", "Exited (0) 2 seconds ago": docker's status. */
char *container_status_text(struct arena *a, const struct container *c, int64_t now);

int container_find(struct engine *en, const char *ref, struct arena *a, struct container *ret,
		   struct err *e);

struct container_filter {
	bool all;     /* not only running and paused ones */
	int64_t last; /* > 0: only this many, the newest created, in any state */
	bool settled; /* wait for those that another command starts, ends or removes */
	/* What is read of them; LISTED: what container_summary() needs. */
	enum { CONFIGS_NONE, CONFIGS_PORTS, CONFIGS_LISTED, CONFIGS_ALL } configs;
	struct kvs filters; /* --filter key=value; a key may repeat: see container_filter_add */
};
/** Add one --filter KEY=VALUE (id name label exited status ancestor before since volume health);
 * -EINVAL with a text that lists the known keys. Values of one key are alternatives, labels must
 * all match.
 */
int container_filter_add(struct arena *a, struct container_filter *f, const char *filter,
			 struct err *e);
/** Newest first, as docker ps. */
int container_list(struct engine *en, const struct container_filter *f, struct arena *a,
		   struct container **ret, size_t *ret_count, struct err *e);

/** What a build mounts into a step: a detached mount, the container's from then on. */
struct container_folder {
	char *destination;
	int mount;
	bool read_only;
};
struct container_create {
	const char *name;     /* NULL: a generated one (adjective_surname) */
	const char *image;    /* reference; NULL with config.hull.rootfs */
	const char *platform; /* "linux/amd64" or NULL */
	struct container_config config;
	/* Its networks, if not the one that its mode names with nothing more. */
	struct docker_endpoint *networks;
	size_t network_count;
	bool entrypoint_set;  /* --entrypoint given ("" clears the image's) */
	struct array folders; /* of struct container_folder: mounted into it, with `start` only */
	struct strv secrets;  /* variables that are not noted in the store, with `start` only */
	bool start; /* container_start follows at once, on the same engine: one transaction for
		     * both, and if we are killed in between, it ends as one whose start was cut off
		     */
};
/** What makes no sense whatever the host and the image are; docker's texts. */
int container_create_check(const struct container_create *c, struct err *e);
/** Are the masked and read-only paths of a request those that a container gets, or not given? */
bool container_paths_default(const struct docker_host_config *h);
/** Check everything that can be checked, merge the image's config in, reserve name and id, make
 * folders and volumes. What is clamped or ignored is told by engine_warn. */
int container_create(struct engine *en, struct container_create *c, struct arena *a,
		     char ret_id[ID_LEN + 1], struct err *e);

/** Start it. @attach_fd: a stream socket that the monitor serves from the first byte on (see
 * wire.h), or -1; it stays the caller's. Returns when the command has been executed, or -errno with
 * the reason why it could not (err.kind gives 126, 127); with --rm it is removed then. -EALREADY,
 * kind ERR_CONFLICT, when it runs already. */
int container_start(struct engine *en, const char *ref, int attach_fd, struct err *e);

/** What was created with `start` is not started after all, because of @why: as if the start had
 * failed. Anything else is left alone. */
void container_start_cancel(struct engine *en, const char *id, const struct err *why);

/** How a container that was started here ends: also of one that is removed (--rm) before it is
 * asked. */
struct container_end {
	char id[ID_LEN + 1];
	int monitor; /* a connection with monitor_wait_begin done, or -1: `record` is it */
	bool cut;    /* the monitor that had the attached stream was gone before the command ran */
	struct exit_record record;
};
/** container_start for a caller who wants to know the end. The caller passes @ret to
 * container_ended. */
int container_start_watched(struct engine *en, const char *ref, int attach_fd,
			    struct container_end *ret, struct err *e);
/** Wait for that end, once; closes the connection. @ret_code: docker's exit code. */
int container_ended(struct engine *en, struct container_end *end, int *ret_code, struct err *e);

/** Wait until a container that has ended is due, and start it, unless somebody was faster: what
 *  `hull system restart` does, in the background. */
int container_start_due(struct engine *en, const char *id, struct err *e);
/** After a boot: notice what has ended with it, and start what the restart policies ask for. */
int engine_restore(struct engine *en, struct err *e);
/** Is it one, in docker's words. */
int restart_policy_check(const struct docker_restart_policy *p, struct err *e);
/** Whether it is one: not NULL, "" or "no". */
bool restart_policy_any(const struct docker_restart_policy *p);
/** "no", "always", "unless-stopped", "on-failure[:TIMES]"; "" is "no". Errors are docker's. */
int restart_policy_parse(const char *text, struct arena *a, struct docker_restart_policy *ret,
			 struct err *e);

/** What `stop` did, so that it can say so. */
struct stop_report {
	int64_t milliseconds;
	int signal; /* that was sent first */
	bool was_running;
	bool killed;            /* the grace time ended and SIGKILL was needed */
	bool ignored_by_kernel; /* PID 1 has no handler for it: the kernel drops it; ... */
	bool ignores;           /* ... because it ignores it */
	struct exit_record exit;
};
/** Who did not end in hull-init's grace time: "3 (sh), 6 (sleep) and 2 more"; NULL: nobody. */
char *exit_survivors(const struct exit_record *x, struct arena *a);
/** Called before the wait begins when the outcome is known in advance (no handler); may be NULL. */
typedef void (*stop_notice_fn)(const struct stop_report *r, int64_t grace_seconds, void *ctx);
/** @signal 0: the container's own stop signal; @grace_seconds -2: the container's own (default 10),
 * -1: wait for ever. A container that does not run is no error (was_running false). */
int container_stop(struct engine *en, const char *ref, int signal, int64_t grace_seconds,
		   stop_notice_fn notice, void *ctx, struct stop_report *ret, struct err *e);
/** The signal that stops it: its own, or SIGTERM. */
int container_stop_signal(const struct container *c);
/** hull-init is its first process. */
bool container_has_init(const struct container *c);
int container_restart(struct engine *en, const char *ref, int signal, int64_t grace_seconds,
		      struct err *e);
/** After SIGKILL it returns when the end is recorded, or fails after ten seconds. */
int container_kill(struct engine *en, const char *ref, int signal, struct err *e);
/** Its client's terminal is gone: SIGHUP to PID 1, as docker does, and to the foreground group of
 * the container's terminal, as the kernel does for a terminal of its own. */
int container_hang_up(struct engine *en, const char *ref, struct err *e);
/** True if it is known that the kernel will drop @signal, because the container's first process has
 * no handler for it. */
bool container_drops_signal(struct engine *en, const char *ref, int signal);
int container_pause(struct engine *en, const char *ref, struct err *e);
int container_unpause(struct engine *en, const char *ref, struct err *e);
/** Change the config of a container that is there: called with what is stored, under its lock. */
typedef int (*container_change_fn)(struct container_config *config, void *ctx, struct arena *a,
				   struct err *e);
/** Let @change change its limits (HostConfig's resources and hull's): of a running container at
 * once, and for the next start. All of them or none; docker's texts. */
int container_update(struct engine *en, const char *ref, container_change_fn change, void *ctx,
		     struct err *e);
int container_rename(struct engine *en, const char *ref, const char *name, struct err *e);

enum wait_condition { WAIT_NOT_RUNNING, WAIT_NEXT_EXIT, WAIT_REMOVED };
/** Wait without polling. @ret_code: docker's exit code. @since: if it does not run, a start from
 * then on counts as the next one, and where it was removed since (@ref is its whole id) that is no
 * error; ns since 1970, 0: now. */
int container_wait(struct engine *en, const char *ref, enum wait_condition until, int64_t since,
		   int *ret_code, struct err *e);

/** Connect to the monitor of a running container; a socket for engine/monitor.h, or negative errno.
 * If the monitor died, a new one is started first. */
int container_monitor(struct engine *en, const struct container *c, struct err *e);

enum remove_flags { REMOVE_FORCE = 1, REMOVE_VOLUMES = 2 };
int container_remove(struct engine *en, const char *ref, unsigned flags, struct err *e);
/** Prepare while a container runs what its removal at the end will take from the store. */
void container_expect_removal(struct engine *en);

struct container_exec {
	struct strv args, env;
	const char *user, *workdir; /* NULL: the container's */
	bool tty, privileged;
	bool untold;        /* no events */
	bool tended;        /* below hull-init: nothing that it starts outlives it */
	bool debug;         /* with tools in the place of the container's files */
	const char *image;  /* which has them; NULL: this machine */
	int stdio[3];       /* for the process, without tty; -1: /dev/null */
	int64_t rows, cols; /* initial size of the tty, 0: unknown */
};
struct exec_process {
	pid_t pid;
	int pidfd;
	int pty_fd; /* master with tty, else -1 */
	char id[ID_LEN + 1], container[ID_LEN + 1];
};
/** Start a process in a running container; the caller is its parent, owns the descriptors, and
 *  waits for it. */
int container_exec(struct engine *en, const char *ref, const struct container_exec *x,
		   struct exec_process *ret, struct err *e);
/** Who waited for it tells how it ended, or (@code -1) that he no longer watches it. */
void container_exec_ended(struct engine *en, const struct exec_process *p, int code);

/** Run the health check of a container, unless it is not time yet, with what follows from it. By
 *  @by_hand it is time, and it is told: 0 it was healthy, 1 it was not. */
int container_health_probe(struct engine *en, const char *ref, bool by_hand, struct err *e);
/** The same again and again, in the background, in the place of a keeper that was killed. */
int container_health_follow(struct engine *en, const char *id, struct err *e);

/** docker's inspect object (owned by the caller: json_object_put). @with_size adds SizeRw,
 * SizeRootFs. */
int container_inspect(struct engine *en, const char *ref, bool with_size, struct json_object **ret,
		      struct err *e);
/** docker's object of a list, appended as JSON: of one that container_list() gave with
 * CONFIGS_LISTED. On failure nothing is. */
int container_summary(struct engine *en, const struct container *c, bool with_size, int64_t now,
		      struct strbuf *out, struct err *e);
/** docker's info object. @s: what is configured, or NULL. */
struct settings;
int engine_info(struct engine *en, const struct settings *s, struct json_object **ret,
		struct err *e);

/** Processes as `ps @args` of the host shows them, reduced to the container's; titles first. Each
 * row has the titles' number of columns; with @inside the first is what the container knows the
 * process by. */
struct top_table {
	struct strv titles;
	struct strv *rows;
	size_t row_count;
};
int container_top(struct engine *en, const char *ref, const struct strv *ps_args, bool inside,
		  struct arena *a, struct top_table *ret, struct err *e);
/** Bytes in the writable layer, and in the whole root file system. */
int container_size(struct engine *en, const struct container *c, int64_t *ret_rw, int64_t *ret_root,
		   struct err *e);

/** Bring one container (or all, @ref NULL) in line with what happened: records exits, removes --rm
 * ones, control groups and run folders. What `hull system reap` does, and what every look-up does
 * first. */
int engine_reap(struct engine *en, const char *ref, struct err *e);

/** Tell of the processes of a container that runs on which were killed for memory, the last one at
 *  @at_ms (CLOCK_BOOTTIME; 0: not known), unless that was told. What `hull system oom` does. */
int engine_note_oom(struct engine *en, const char *id, int64_t at_ms, struct err *e);

/** Lift the rates of disks of a container whose first process is on its way out: see keeper.c. What
 *  `hull system lift` does. */
int engine_let_end(struct engine *en, const char *id, struct err *e);

/** Compress what was rotated of the log of the container with the full id @id, if it asked for
 * that. What `hull system pack-logs` does. */
int engine_pack_logs(struct engine *en, const char *id, struct err *e);

/** Finish every container whose exit record waits: one look into one folder. For what must not see
 * a container that has ended as still there: names, volumes and images that it held. */
int engine_settle(struct engine *en, struct err *e);

/** What a command may do that nobody waits for: shorten the store's log, sweep folders that a
 * killed `create` left. */
void engine_tidy(struct engine *en);

/** Look through everything for what belongs to nothing; one line each in @problems. With @repair it
 * is removed, but what is older than the store: so many, or negative errno. What `hull system
 * check` does. */
int engine_check(struct engine *en, bool repair, struct arena *a, struct strv *problems,
		 struct err *e);

/** Containers of builds that were killed, with their guards: nobody has their staging folder
 * locked. A line each in @problems; with @repair they are removed. */
int engine_sweep_builds(struct engine *en, bool repair, struct arena *a, struct strv *problems,
			struct err *e);

/** Volumes. */
struct volume {
	char *name;
	bool anonymous;
	struct kvs labels, options;
	int64_t created;
	char *mountpoint;
	int64_t uses;
};
int volume_create(struct engine *en, const char *name /* NULL: anonymous */,
		  const struct kvs *labels, const struct kvs *options, struct arena *a,
		  struct volume *ret, struct err *e);
/** 0, or that hull has no such driver; NULL or "" is the local one. */
int volume_driver_check(const char *driver, struct err *e);
/** docker's object, owned by the caller. */
struct json_object *volume_object(const struct volume *v);
/** docker's inspect object, as container_inspect(). */
int volume_inspect(struct engine *en, const char *name, struct json_object **ret, struct err *e);
int volume_find(struct engine *en, const char *name, struct arena *a, struct volume *ret,
		struct err *e);
int volume_list(struct engine *en, struct arena *a, struct volume **ret, size_t *ret_count,
		struct err *e);
int volume_remove(struct engine *en, const char *name, bool force, struct err *e);
/** Bytes of the files in it. */
int volume_size(struct engine *en, const struct volume *v, int64_t *ret_bytes, struct err *e);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the engine share among themselves; callers use engine.h.
 */
#pragma once

#include "base/event.h"
#include "engine/engine.h"
#include "linux/oom.h"
#include "linux/systemd.h"

/**
 * The folder of one container below --root, locked against every other command that changes its
 * state (flock(2) on the folder itself). Lock order: container, then state store.
 */
struct container_lock {
	int fd; /* O_RDONLY directory, -1: not held */
};
void container_unlock(struct container_lock *l);
#define CLEANUP_LOCK __attribute__((cleanup(container_unlock)))
/** Waits for the lock; with @wait false returns -EWOULDBLOCK instead. -ENOENT: no such container.
 */
int container_lock(struct engine *en, const char *id, bool wait, struct container_lock *ret,
		   struct err *e);

/** Read one row by full id, without repairing anything. -ENOENT if it is gone. */
int container_read(struct engine *en, const char *id, struct arena *a, struct container *ret,
		   struct err *e);
/** The little that its clean-up needs (name, status, auto_remove, control group): a fifth of the
 * work. */
int container_glance(struct engine *en, const char *id, struct arena *a, struct container *ret,
		     struct err *e);
/** Prepare its query: see container_expect_removal(). */
void container_expect_glance(struct engine *en);
/** container_find(), and again what it is under its lock, which the caller has then. */
int container_find_locked(struct engine *en, const char *ref, struct arena *a,
			  struct container_lock *lock, struct container *ret, struct err *e);
/** The root of a running container, as it sees it (O_PATH): paths below go through its mounts. */
int container_root_open(const struct container *c, struct err *e);
/** Fill in what @own does not say, by the rules of docker's image merge: a given entrypoint, or
 *  @entrypoint_set, drops the image's command. */
int config_inherit(struct docker_config *own, bool entrypoint_set,
		   const struct oci_image_process *image, struct arena *a, struct err *e);
/** Resolve NAME, id or id prefix to the full id. */
int container_resolve(struct engine *en, const char *ref, char ret_id[ID_LEN + 1], struct err *e);
/** Fill pid and status of a row that says `running` from its run folder: cheap, repairs nothing.
 *  Fails when that cannot be read: then nothing may be concluded. */
int container_probe(struct engine *en, struct container *c, struct err *e);

/** A running container that lost monitor and keeper gets new ones, before it is told anything. */
void container_adopt_orphan(struct engine *en, const struct container *c);

/** Whether @item has the value of a filter. */
typedef bool (*filter_fn)(const void *item, const char *key, const char *value);
/** docker's rule for filters, whose keys are numbered ("label#2"): values of one key are
 *  alternatives; labels must all match; different keys must all match. */
bool filters_match(const struct kvs *filters, filter_fn matches, const void *item);
/** Whether there is one of this key. */
bool filters_have(const struct kvs *filters, const char *key);
/** before= and since= name containers that must be there: -ENOENT. */
int container_filter_check(struct engine *en, const struct kvs *filters, struct err *e);
/** Whether it has what container_filter_add() added. */
bool container_filter_matches(struct engine *en, const struct container *c,
			      const struct kvs *filters);

/** The run folder's record of the first process; -ENOENT: none, -EBADMSG: damaged. */
int run_record_read(struct engine *en, const char *id, struct run_record *ret);
/** Note there what it is now. */
int run_record_state(struct engine *en, const char *id, enum run_state state);
/** Tell why run_record_read() or what followed failed with @number; returns it. */
int run_record_problem(struct engine *en, const struct container *c, int number, struct err *e);
/** The exit record of a container that ended and was not reaped yet; -ENOENT, -EBADMSG as above. */
int exit_record_read(struct engine *en, const char *id, struct exit_record *ret);
/** Whether an exit record waits to be reaped. */
bool exit_record_pending(struct engine *en, const char *id);
/** Remove the exit record, or the space reserved for it: nothing is left to do for this run. */
int exit_record_drop(struct engine *en, const char *id, struct err *e);
/** 1 when the recorded process still lives (same start time, not a zombie), 0 or negative errno. */
int run_record_alive(const struct run_record *r);

/** On a full disk, give up the ballast, so that what frees space can be noted in the store; true if
 * there was one. */
bool engine_make_room(struct engine *en);
/** Make the ballast if it is not there and there is plenty of room. */
void engine_renew_ballast(struct engine *en);
/** Remove folders of containers that have no row, and no maker: their create was killed. */
void engine_sweep_folders(struct engine *en);
/** engine_reap() by full id, but 1 where another command has the container locked. */
int reap_unless_busy(struct engine *en, const char *id, struct err *e);
/** engine_reap() by full id for whom it is no matter if the end is not recorded yet. */
int reap_briefly(struct engine *en, const char *id, struct err *e);
/** What docker calls running for `ps`: up, paused, or about to be started again. */
bool container_is_up(const struct container *c);
/** Whether the policy of @c, which has ended with @code, starts it again; and after how long. */
bool restart_wanted(const struct container *c, int code, int64_t *ret_wait_ms);
/** `hull system VERB ID` (or NULL) behind our back; with @wait it lets go of us itself. */
void engine_spawn(const struct engine *en, const char *verb, const char *id, bool wait);
/** The caller must not wait for us: a child goes on, in "/". 0 in it, 1 in its parent; the store is
 *  closed in both. */
int go_on_alone(struct engine *en, struct err *e);
/** SIGKILL, and its restart policy does with it what it would with any other end. */
int container_kill_unheld(struct engine *en, const char *id, struct err *e);
/** Have a process of its own call container_start_due(). */
void restart_spawn(struct engine *en, const char *id);
/** The same if one is overdue: whoever waited for it was killed. */
void restart_check(struct engine *en, const struct container *c);
/** Somebody wants it stopped: its policy must not start it again. Inside its lock or not. */
int restart_hold(struct engine *en, const struct container *c, struct err *e);
/** container_start() for one that was due at @due; -EALREADY when that was taken back. Or with
 *  START_AGAIN, where somebody restarts it, or 0, where he starts it. */
enum { START_AGAIN = -1 };
int container_start_at(struct engine *en, const char *id, int64_t due, struct err *e);

/** Reap one container; the caller holds its lock. */
int reap_locked(struct engine *en, const char *id, struct err *e);
/** The same for a container whose end nobody will tell, because of @why: what runs of it is ended.
 */
int reap_as_lost(struct engine *en, const struct container *c, const char *why, struct err *e);
/** Seconds in which a monitor has recorded an end; and -ETIMEDOUT, said, where it has not. */
enum { RECORD_WAIT_S = 20 };
int reap_unrecorded(const char *id, struct err *e);
/** In the column oom_killed: 0, 1 for another process of it, or this. */
enum { OOM_OF_FIRST = 2 };
/** An end that was found, and is not told yet. */
struct end {
	const struct container *c;
	const struct exit_record *x;
	struct oom oom;  /* of the last process that was killed for memory, if one was */
	bool oom_named;  /* that it was the first one, or was not: the kernel's log names it */
	int64_t refused; /* processes, by a limit on them; ... */
	int refused_by;  /* ... whose: cgroup_pids_refused() */
	int64_t used_ns; /* of processors, by all its processes; 0: not known */
	char fault[64];  /* crash_look(), of the first process */
	/* Of end_look(): "memory=SOME,FULL,TOTAL cpu=.. io=.."; "LEFT bytes|inodes|reserved
	 * VOLUME", the last one for root alone, the volume "" for its layer, or "SIZE tmpfs PATH",
	 * the size 0 where it is not known. "" where nothing was short, or it was not looked at in
	 * time. */
	char pressure[160], full[320];
};
/** What was short when it ended with a fault, while its control group is there. */
void end_look(struct engine *en, const struct container *c, struct end *end);
/** Delete row, folders, anonymous volumes if @volumes; the caller holds the lock, nothing runs.
 *  @end: of this container, or NULL where that was told. */
int remove_locked(struct engine *en, const char *id, bool volumes, const struct end *end,
		  struct err *e);
/** The event of @kills processes that were killed for memory since its start, the last one, @o, at
 *  @killed_ns (CLOCK_REALTIME; 0: not known). Inside a transaction. */
int oom_tell(struct engine *en, const char *id, int64_t kills, int64_t killed_ns,
	     const struct oom *o, struct err *e);
/** The events of its end, in the transaction that notes it. @policy: that starts it again, or NULL.
 */
int reap_tell(struct engine *en, const struct end *end, const char *policy, struct err *e);

/** 1: a container has this name, 0: none. */
int name_taken(struct engine *en, const char *name, struct err *e);
/** A name that no container has: adjective_surname, with a digit after some tries. */
int name_generate(struct engine *en, char *buf, size_t size, struct err *e);

/** Paths below --root and --runroot. */
char *container_dir_path(const struct engine *en, const char *id, struct arena *a);
/** Whether it has a control group: that of a user has none where he may make none. */
bool container_has_group(const struct container_config *c);
/** Where the groups of a user's containers are made, as he is placed now; "": nowhere. */
char *container_user_parent(struct arena *a);
/** The same for one that is to start again: its user may have another session by now. */
int container_group_renew(struct engine *en, struct container *c, struct arena *a, struct err *e);
/** The container's control group, "": none, of which cgroup_open() tells why. */
char *container_cgroup_path(const struct container *c, struct arena *a);
/** Is that a scope of systemd, which a parent like "system.slice" says? Then its names. */
bool container_scope(const struct container *c, struct systemd_scope *ret);
/** The processes of a container that runs: those in its group, or where it has none, in its pid
 *  namespace. */
int container_pids(const struct container *c, struct arena *a, pid_t **ret, size_t *ret_count,
		   struct err *e);
/** Remove it, with what lives in it still. */
int container_cgroup_clean(const struct container *c, struct err *e);
/** The same of any group ("": none), and of the unit @scope (or NULL) that systemd has for it. */
int group_clean(const char *cgroup, const char *scope, struct err *e);
/** Of /dev/shm, where nothing is said. */
#define SHM_DEFAULT (INT64_C(64) << 20)

/** docker's rule for names; -EINVAL with docker's text. */
int container_name_check(const char *name, struct err *e);
/** Fills @e with docker's text about a name that is taken, naming its holder. Returns -EEXIST. */
int container_name_conflict(struct engine *en, const char *name, struct err *e);

int volume_name_check(const char *name, struct err *e);
/** @size: at most so many bytes, 0: no limit. What is there already stays as it is. */
int volume_folder_make(struct engine *en, const char *name, int64_t size, struct err *e);
/** The limit among the options of a folder of ours; 0: none. */
int64_t volume_size_limit(const struct kvs *options);
/** Undo a volume that is not committed. */
void volume_folder_drop(struct engine *en, const char *name);
/** Make the volume's folder, inside a transaction. If it has no data yet, and the folder @staged
 *  below --root is there, that becomes its data. */
int volume_place(struct engine *en, const char *name, const struct kvs *options, const char *staged,
		 struct err *e);
/** Inside a transaction, and told; an existing volume is left as it is, and @options that it has
 *  not are a conflict. 1: a new one, 0: it was there. */
int volume_row_add(struct engine *en, const char *name, bool anonymous, const struct kvs *labels,
		   const struct kvs *options, struct err *e);
/** The options of a volume, those of the local driver; @planned (or NULL) if there is none yet. */
int volume_options(struct engine *en, const char *name, const struct kvs *planned, struct arena *a,
		   struct kvs *ret, struct err *e);

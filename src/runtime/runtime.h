/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an OCI spec to a running process, and what is done to it afterwards. Serves `hull run`
 * (which passes ready descriptors) and the command line hull-runtime (which passes a bundle).
 *
 * A start has two halves, because attaching to control groups waits for the kernel and is
 * overlapped with the container's own set-up: runtime_start    clone3; the child sets itself up and
 * then waits runtime_release  lets it execute its command The caller of runtime_start is the parent
 * of the container's first process. A failure of the child, before or in its execve, arrives as a
 * struct err on `error_fd`; end of file there, without data, means that the command is running.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "linux/cgroup.h"
#include "linux/resctrl.h"
#include "linux/seccomp.h"
#include "spec/oci.h"

struct runtime_start {
	const struct oci_spec *spec;
	/* The root file system as a detached mount (linux/overlay.h), made by the caller, who needs
	 * it too, to look up users before the clone; the child moves it into its mount namespace.
	 * -1: bind spec->root.path. Stays the caller's to close. */
	int root_mount;
	const struct cgroup *cgroup;           /* made already; NULL: stay in the caller's */
	const char *unit;                      /* only systemd may put it there; NULL: we do */
	const struct seccomp_program *seccomp; /* NULL: none (runtime/seccomp.h makes the spec's) */
	const struct resctrl *resctrl; /* made already, of the spec's intelRdt; NULL: none */
	int stdio[3];                  /* for the command; ignored with a terminal */
	int init_fd;                   /* the hull-init program, or -1 */
	const struct strv *init_args;  /* its argv up to and including "--" */
	int init_report_fd;            /* write end, passed to hull-init as descriptor 3, or -1 */
	int error_fd;                  /* write end of a pipe, close-on-exec; see above */
	/* What hooks and the seccomp listener are told; relative paths of the spec begin at the
	 * bundle. NULL: a spec without any of these. */
	const char *id, *bundle;
	int start_fd;          /* of gate_listen(): the command waits there; 0: it does not */
	int lock_fd;           /* the caller's, which the container must not hold; 0: none */
	unsigned preserve_fds; /* so many descriptors from 3 on are the command's */
	int netns;             /* of a network namespace made ahead; not above 0: none */
	bool keep_keyring;     /* the caller's session keyring */
	bool no_pivot;         /* chroot(2): a root on a ramfs cannot be pivoted from */
};

struct runtime_process {
	pid_t pid;  /* in the caller's pid namespace */
	int pidfd;  /* owned by the caller from here on */
	int pty_fd; /* master, with spec->process.terminal; else -1 */
	int go_fd;  /* runtime_release writes here */
};

/** Does @spec ask for a new network namespace that may be made ahead (linux/network_ahead.h), as
 *  runtime_start.netns? Not with a user namespace, which is to own it. */
bool runtime_takes_netns(const struct oci_spec *spec);
/** Clone the container's first process, and attach it to its groups; run the hooks of creation. On
 *  failure nothing runs. The hooks poststart and poststop are the caller's (runtime/hooks.h). */
int runtime_start(const struct runtime_start *p, struct runtime_process *ret, struct err *e);
/** Let it execute. Closes go_fd. */
int runtime_release(struct runtime_process *p, struct err *e);
/** The same with a start_fd: returns once the process waits at its gate, its command found. @fd is
 *  the other end of `error_fd`. */
int runtime_release_to_gate(struct runtime_process *p, int fd, struct err *e);

/**
 * The two parts of runtime_start, for an engine whose process that waits is not the one that is to
 * be the parent: clone in the parent-to-be, tend anywhere (p->pid is looked up in the caller's pid
 * namespace). After a failed runtime_tend the process is still there, and the caller's to kill.
 */
int runtime_clone(const struct runtime_start *p, struct runtime_process *ret, struct err *e);
int runtime_tend(const struct runtime_start *p, struct runtime_process *proc, struct err *e);

/** Read the other end of `error_fd`: 0 once the command is executed, else the child's own words in
 * @e. */
int runtime_await_exec(int fd, struct err *e);

/*
 * File systems of a process's own in the place of the container's: a new root, and what is put into
 * it, by names that only the caller has made. The container's root comes to /container, nosuid and
 * nodev, its /proc, /sys and /dev to theirs; the folders are there. Who makes it closes them.
 */
enum { RUNTIME_VIEW_PARTS = 16 };
struct runtime_view {
	int root; /* detached mounts, all of them */
	struct {
		int mount;
		const char *at; /* "etc/ssl" */
	} parts[RUNTIME_VIEW_PARTS];
	size_t count;
};

struct runtime_exec {
	int pidfd; /* first process of the container to join */
	const struct oci_process *process;
	const struct cgroup *cgroup;
	const char *unit; /* as for a start */
	const struct resctrl *resctrl;
	const struct seccomp_program *seccomp;
	bool privileged;
	/* The container's, for a seccomp listener, personality and memoryPolicy; NULL: none. */
	const struct oci_spec *spec;
	const char *id, *bundle;
	bool own_time; /* the container has a time namespace of its own */
	int stdio[3];  /* -1: the container's /dev/null */
	int error_fd;
	unsigned preserve_fds; /* as for a start */
	int init_fd; /* hull-init, from a read-only mount, whose command the process is; 0: none */
	const struct runtime_view *view; /* NULL: it sees what the container does */
};
/** Start another process in a running container. The caller is its parent. `ret->go_fd` is -1. */
int runtime_exec(const struct runtime_exec *p, struct runtime_process *ret, struct err *e);

/**
 * Why execve of @path failed inside the root of this process: fills @e with the cause (missing
 * interpreter, CR in the shebang, wrong architecture, noexec mount, no permission, a directory) and
 * the fix; kind ERR_NO_COMMAND or ERR_NOT_EXECUTABLE. Returns -e->number.
 */
int runtime_explain_exec(const char *path, int error_number, struct err *e);
/** Why the working directory @path below @root cannot be entered or made (@number: errno, any
 * sign). Returns -e->number. */
int runtime_explain_cwd(int root, const char *path, int number, struct err *e);

/**
 * Look up a user in a container's root: "name", "uid", "name:group", "uid:gid". Reads its
 * etc/passwd and etc/group below @rootfd, regular files of at most 1 MiB. Digits are never taken
 * for a name. Supplementary groups are those that list the user, and @group_add (names or gids).
 * @ret_home is "" when unknown. Errors name the user or group and the file.
 */
int runtime_lookup_user(int rootfd, const char *user, const struct strv *group_add, struct arena *a,
			struct oci_user *ret, char **ret_home, struct err *e);
/** Those of @more (of struct oci_number) that @u has not, behind its own. */
void runtime_add_groups(struct oci_user *u, const struct array *more, struct arena *a);

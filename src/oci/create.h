/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container: what create and run share. */
#pragma once

#include "oci/bundle.h"
#include "oci/state.h"
#include "runtime/runtime.h"

struct creation;

/** The options of create and run, as far as either has them. */
struct create_options {
	char *bundle, *config, *console_socket, *pid_file, *pidfd_socket;
	int64_t preserve_fds;
	bool no_pivot, no_new_keyring, no_subreaper;
	bool detach, keep; /* run's */
	/** restore's, in the place of a clone: the process runs then, and is noted. @group: NULL
	 * if there is none. */
	int (*launch)(struct oci *oci, const struct create_options *o, struct creation *c,
		      const struct cgroup *group, struct err *e);
};
/* clang-format off */
#define O(member_) .offset = offsetof(struct create_options, member_)
#define CREATE_OPTIONS                                                                             \
	{"bundle", 'b', OPTION_STR, O(bundle), .help = "Folder with config.json (default: the current one)"}, \
	{"config", 'f', OPTION_STR, O(config), .help = "Another configuration file than the bundle's config.json"}, \
	{"console-socket", 0, OPTION_STR, O(console_socket), .help = "Socket that is sent the master of the terminal"}, \
	{"no-new-keyring", 0, OPTION_BOOL, O(no_new_keyring), .help = "Keep the caller's session keyring"}, \
	{"no-pivot", 0, OPTION_BOOL, O(no_pivot), .help = "Enter the root by chroot, for a root on a ramfs"}, \
	{"no-subreaper", 0, OPTION_BOOL, O(no_subreaper), .help = "Do not adopt orphans of the container"}, \
	{"pid-file", 0, OPTION_STR, O(pid_file), .help = "File to write the process id to"}, \
	{"pidfd-socket", 0, OPTION_STR, O(pidfd_socket), .help = "Socket that is sent a pidfd of the first process"}, \
	{"preserve-fds", 0, OPTION_INT, O(preserve_fds), .initial = "0", .help = "Number of descriptors from 3 on that the container keeps"}
/* clang-format on */

/** A container under construction, or the running one of `run`. */
struct creation {
	struct state state;
	struct bundle bundle;
	struct runtime_process process; /* pidfd and terminal are the caller's to close */
	int notify; /* socket where a running one tells that it is ready, or -1; the caller's, too
		     */
};

/** Write into its record which process it is. */
int container_note(struct creation *c, struct err *e);

/**
 * Take a bundle to a container. @wait: its process waits for `start`, and is no child of anyone who
 * stays; else its command runs. On failure nothing is left. The state stays locked until it is
 * closed.
 */
int container_create(struct oci *oci, const char *id, const struct create_options *o, bool wait,
		     struct creation *ret, struct err *e);

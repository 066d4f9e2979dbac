/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints by criu(8). A call of it is a process `criu swrk`, which hears one request over a
 * socket, tells of events on the way, and answers. Words on that socket are protocol buffers
 * (images/rpc.proto of criu 3.11 and later), where a message is a list of numbered fields.
 */
#pragma once

#include "base/strbuf.h"
#include "linux/cgroup.h"
#include "oci/oci.h"

/** What checkpoint and restore are told. */
struct criu_options {
	char *image, *work, *parent, *lsm_profile, *lsm_mount_context;
	int64_t cgroups_mode, empty_ns, status_fd;
	struct criu_pages {
		char *address;
		int64_t port;
	} pages;
	bool auto_dedup, ext_unix_sk, file_locks, lazy_pages, shell_job, tcp_established;
	bool leave_running, link_remap, pre_dump, tcp_skip_in_flight;
};

int criu_set_cgroups_mode(void *field, const char *value, struct arena *a, struct err *e);
int criu_set_empty_ns(void *field, const char *value, struct arena *a, struct err *e);
/* clang-format off */
#define CRIU_OPTION(name_, type_, base_, member_, ...)                                             \
	{.name = (name_), .type = (type_), .offset = (base_) + offsetof(struct criu_options, member_), __VA_ARGS__}
/** Those of both; @base_: where the struct is among the values. */
#define CRIU_OPTIONS(base_)                                                                        \
	CRIU_OPTION("auto-dedup", OPTION_BOOL, base_, auto_dedup, .help = "Drop memory from images that later images have"), \
	CRIU_OPTION("empty-ns", OPTION_CUSTOM, base_, empty_ns, .set = criu_set_empty_ns, .arg = "network", .help = "Namespace whose content is left out"), \
	CRIU_OPTION("ext-unix-sk", OPTION_BOOL, base_, ext_unix_sk, .help = "Allow Unix sockets that are connected to outside"), \
	CRIU_OPTION("file-locks", OPTION_BOOL, base_, file_locks, .help = "Keep file locks"),      \
	CRIU_OPTION("image-path", OPTION_STR, base_, image, .initial = "checkpoint", .help = "Folder of the images"), \
	CRIU_OPTION("lazy-pages", OPTION_BOOL, base_, lazy_pages, .help = "Move memory when it is used, by criu lazy-pages"), \
	CRIU_OPTION("manage-cgroups-mode", OPTION_CUSTOM, base_, cgroups_mode, .set = criu_set_cgroups_mode, .arg = "MODE", .initial = "soft", .help = "soft, full, strict or ignore"), \
	CRIU_OPTION("shell-job", OPTION_BOOL, base_, shell_job, .help = "Allow the caller's terminal"), \
	CRIU_OPTION("tcp-established", OPTION_BOOL, base_, tcp_established, .help = "Keep open TCP connections"), \
	CRIU_OPTION("work-path", OPTION_STR, base_, work, .help = "Folder of the log (default: that of the images)")
/* clang-format on */

enum criu_request { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_PRE_DUMP = 4 };

/* clang-format off */
/** The request's options by criu's names and numbers. */
enum criu_field {
	CRIU_IMAGES = 1, CRIU_PID = 2, CRIU_LEAVE_RUNNING = 3, CRIU_EXT_UNIX_SK = 4, CRIU_TCP_ESTABLISHED = 5,
	CRIU_EVASIVE_DEVICES = 6, CRIU_SHELL_JOB = 7, CRIU_FILE_LOCKS = 8, CRIU_LOG_LEVEL = 9, CRIU_LOG_FILE = 10,
	CRIU_PAGE_SERVER = 11, CRIU_NOTIFY_SCRIPTS = 12, CRIU_ROOT = 13, CRIU_PARENT_IMG = 14, CRIU_TRACK_MEM = 15,
	CRIU_AUTO_DEDUP = 16, CRIU_WORK = 17, CRIU_LINK_REMAP = 18, CRIU_EXT_MNT = 23, CRIU_MANAGE_CGROUPS = 24,
	CRIU_CG_ROOT = 25, CRIU_RST_SIBLING = 26, CRIU_INHERIT_FD = 27, CRIU_MANAGE_CGROUPS_MODE = 34,
	CRIU_EXTERNAL = 37, CRIU_EMPTY_NS = 38, CRIU_JOIN_NS = 39, CRIU_FREEZE_CGROUP = 44,
	CRIU_TCP_SKIP_IN_FLIGHT = 46, CRIU_LAZY_PAGES = 48, CRIU_ORPHAN_PTS_MASTER = 50, CRIU_CONFIG_FILE = 51,
	CRIU_LSM_PROFILE = 53, CRIU_LSM_MOUNT_CONTEXT = 63,
};
/* clang-format on */

/** An event: criu waits meanwhile, and gives up on a failure. @fd stays the call's. */
typedef int (*criu_event_fn)(void *arg, const char *event, pid_t pid, int fd, struct err *e);

enum { CRIU_INHERITED_MAX = 8 };

struct criu_call {
	enum criu_request request;
	const struct criu_options *o;
	const struct cgroup *cgroup; /* entered by criu and what it restores; NULL: none */
	const char *root;            /* mounted upon itself, where criu alone sees that; NULL */
	criu_event_fn event;
	void *arg;
	struct strbuf opts; /* the request's options as they are sent */
	int images, work;   /* folders */
	const char *log;    /* its name in the latter */
	int inherited[CRIU_INHERITED_MAX];
	size_t inherited_count;
	char *path; /* of the program */
};
#define CLEANUP_CRIU __attribute__((cleanup(criu_close)))
#define CRIU_CLOSED                                                                                \
	{                                                                                          \
		.images = -1, .work = -1                                                           \
	}

/** Find criu, open the folders, and begin the request with the options and what @spec says. */
int criu_open(struct oci *oci, enum criu_request request, const struct criu_options *o,
	      const struct oci_spec *spec, struct criu_call *ret, struct err *e);
void criu_close(struct criu_call *c);
void criu_number(struct criu_call *c, enum criu_field field, int64_t value);
void criu_text(struct criu_call *c, enum criu_field field, const char *text);
void criu_pair(struct criu_call *c, enum criu_field field, const char *key, const char *value);
/** Pass @fd on, under its name in the images; it becomes the call's. */
int criu_inherit(struct criu_call *c, const char *name, int fd, struct err *e);
/** Say what is outside. @pid: of the container to dump; 0: to restore the one of @bundle. */
int criu_outside(struct criu_call *c, const struct oci_spec *s, const char *bundle, pid_t pid,
		 struct arena *a, struct err *e);
/** What a bind mount is a mount of; NULL for any other. */
const char *criu_bind_source(const struct oci_mount *m, const char *bundle, struct arena *a);
/** Do it. An error has criu's own words, and says where its log is. */
int criu_run(struct criu_call *c, struct err *e);

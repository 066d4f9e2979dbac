/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime checkpoint, restore: refused. runc's options are understood, and what is wrong
 * beside is told first, so that a caller hears the reason that is nearest to him.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/commands.h"
#include "oci/state.h"
#include "runtime/command.h"

struct values {
	char *image, *word;
	struct strv words;
	int64_t number;
	bool flag;
};

/* Is there the program that would do it: that of --criu, or criu in the caller's PATH? */
static int find_criu(const struct oci *oci, struct err *e)
{
	char path[COMMAND_PATH_SIZE];
	struct command_self nobody = {0};
	struct strv env = {0};
	CLEANUP_ARENA struct arena a = {0};
	const char *search = getenv("PATH"), *name = oci->globals.criu;
	if (search)
		strv_set_env(&a, &env, arena_printf(&a, "PATH=%s", search));
	name = name && *name ? name : "criu";
	return command_find(name, &env, &nobody, path, e);
}

static int refuse(struct oci *oci, struct err *e)
{
	const char *verb = oci->command->name;
	if (find_criu(oci, e) < 0)
		return err_context(e, "%s needs criu, and it cannot be used", verb);
	return err_set(e, ENOTSUP, ERR_INVALID,
		       "%s is not supported: this runtime does not drive criu", verb);
}

static int checkpoint(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	(void)values;
	int r = state_open(oci, args->items[0], STATE_READ, &s, e);
	if (r == 0 && s.status != OCI_RUNNING && s.status != OCI_PAUSED)
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s: container not running: it is %s",
			    s.id, oci_status_names[s.status]);
	return r < 0 ? r : refuse(oci, e);
}

static int restore(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	const struct values *v = values;
	(void)args;
	const char *image = v->image && *v->image ? v->image : "checkpoint";
	if (access(image, R_OK) < 0)
		return err_errno(e, errno, "cannot open the checkpoint %s", image);
	return refuse(oci, e);
}

#define O(member_) .offset = offsetof(struct values, member_)
/* clang-format off */
#define COMMON                                                                                     \
	{"auto-dedup", 0, OPTION_BOOL, O(flag), .help = "Deduplicate the memory of the images"},   \
	{"empty-ns", 0, OPTION_LIST, O(words), .help = "Namespace whose content is left out"},     \
	{"ext-unix-sk", 0, OPTION_BOOL, O(flag), .help = "Allow sockets to outside"},              \
	{"file-locks", 0, OPTION_BOOL, O(flag), .help = "Keep file locks"},                        \
	{"image-path", 0, OPTION_STR, O(image), .help = "Folder of the images"},                   \
	{"lazy-pages", 0, OPTION_BOOL, O(flag), .help = "Move memory when it is used"},            \
	{"manage-cgroups-mode", 0, OPTION_STR, O(word), .help = "soft, full, strict or ignore"},   \
	{"shell-job", 0, OPTION_BOOL, O(flag), .help = "Allow a terminal"},                        \
	{"tcp-established", 0, OPTION_BOOL, O(flag), .help = "Keep open connections"},             \
	{"work-path", 0, OPTION_STR, O(word), .help = "Folder of logs and work files"}
static const struct option checkpoint_items[] = {
	COMMON,
	{"leave-running", 0, OPTION_BOOL, O(flag), .help = "Do not end the container"},
	{"link-remap", 0, OPTION_BOOL, O(flag), .help = "Allow open files that were removed"},
	{"page-server", 0, OPTION_STR, O(word), .help = "ADDRESS:PORT that memory is sent to"},
	{"parent-path", 0, OPTION_STR, O(word), .help = "Images of an earlier pre-dump"},
	{"pre-dump", 0, OPTION_BOOL, O(flag), .help = "Only the memory, and let it run"},
	{"status-fd", 0, OPTION_INT, O(number), .initial = "-1", .help = "Descriptor that is told when pages can be asked for"},
	{"tcp-skip-in-flight", 0, OPTION_BOOL, O(flag), .help = "Leave out connections that are being opened"},
};
static const struct option restore_items[] = {
	COMMON,
	{"bundle", 'b', OPTION_STR, O(word), .help = "Folder with config.json"},
	{"console-socket", 0, OPTION_STR, O(word), .help = "Socket that is sent the master of the terminal"},
	{"detach", 'd', OPTION_BOOL, O(flag), .help = "Leave the container running"},
	{"lsm-mount-context", 0, OPTION_STR, O(word), .help = "Label of mounts"},
	{"lsm-profile", 0, OPTION_STR, O(word), .help = "Profile of its processes"},
	{"no-pivot", 0, OPTION_BOOL, O(flag), .help = "Enter the root by chroot"},
	{"no-subreaper", 0, OPTION_BOOL, O(flag), .help = "Do not adopt orphans"},
	{"pid-file", 0, OPTION_STR, O(word), .help = "File to write the process id to"},
};
/* clang-format on */

const struct oci_command oci_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.summary = "Refused: checkpoints are not supported yet",
	.options = OPTIONS(checkpoint_items),
	.values_size = sizeof(struct values),
	.args_min = 1,
	.args_max = 1,
	.run = checkpoint,
};

const struct oci_command oci_restore = {
	.name = "restore",
	.synopsis = "ID",
	.summary = "Refused: checkpoints are not supported yet",
	.options = OPTIONS(restore_items),
	.values_size = sizeof(struct values),
	.args_min = 1,
	.args_max = 1,
	.flags = OCI_NEW_ID,
	.run = restore,
};

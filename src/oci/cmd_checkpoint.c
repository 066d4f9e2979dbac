/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime checkpoint, restore: refused, with what is missing. */
#include <errno.h>

#include "oci/commands.h"

static int refuse(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	(void)values;
	(void)args;
	return err_set(e, ENOTSUP, ERR_INVALID,
		       "%s: checkpoints are not supported: this runtime does not drive criu yet",
		       oci->command->name);
}

const struct oci_command oci_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.summary = "Refused: checkpoints are not supported yet",
	.args_max = SIZE_MAX,
	.flags = OCI_TAKES_ANYTHING,
	.run = refuse,
};

const struct oci_command oci_restore = {
	.name = "restore",
	.synopsis = "ID",
	.summary = "Refused: checkpoints are not supported yet",
	.args_max = SIZE_MAX,
	.flags = OCI_TAKES_ANYTHING,
	.run = refuse,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: the folder that the caller made, with config.json. See bundle.md, config.md. */
#pragma once

#include "oci/oci.h"
#include "spec/oci.h"

struct bundle {
	char *path; /* absolute */
	char *text; /* of the configuration file, as it is */
	size_t length;
	struct oci_spec spec;
};

/** Read and check @config (NULL: config.json) of the bundle @path (NULL: the current folder). */
int bundle_read(struct oci *oci, const char *path, const char *config, struct bundle *ret,
		struct err *e);
/** Where the root file system lies. */
char *bundle_rootfs(const struct bundle *b, struct arena *a);
/** HOME of the process's user where its environment has none: from @rootfd's etc/passwd. */
void bundle_home(struct oci_process *p, int rootfd, struct arena *a);

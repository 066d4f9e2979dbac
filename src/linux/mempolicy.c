/* SPDX-License-Identifier: Apache-2.0 */
/* Memory policies. Rests on set_mempolicy(2). Read mempolicy.h first. */
#include "linux/mempolicy.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* linux/mempolicy.h; weighted interleaving is of Linux 6.9. */
static const char *const modes[] = {
	"MPOL_DEFAULT",
	"MPOL_PREFERRED",
	"MPOL_BIND",
	"MPOL_INTERLEAVE",
	"MPOL_LOCAL",
	"MPOL_PREFERRED_MANY",
	"MPOL_WEIGHTED_INTERLEAVE",
};
static const char *const flags[] = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
				    "MPOL_F_STATIC_NODES"};
enum { FLAG_FIRST = 13 }; /* its bit */

const char *mempolicy_mode_name(size_t i)
{
	return i < ARRAY_LEN(modes) ? modes[i] : NULL;
}

const char *mempolicy_flag_name(size_t i)
{
	return i < ARRAY_LEN(flags) ? flags[i] : NULL;
}

int mempolicy_mode(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!strcmp(modes[i], name))
			return (int)i;
	return -EINVAL;
}

int mempolicy_flag(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (!strcmp(flags[i], name))
			return 1 << (FLAG_FIRST + i);
	return -EINVAL;
}

int mempolicy_set(const struct mempolicy *p)
{
	enum { NODES_MAX = 1024 }; /* the kernel refuses masks of more than a page */
	bool none = cpuset_list_is_empty(&p->nodes);
	long r = syscall(SYS_set_mempolicy, p->mode, none ? NULL : p->nodes.words,
			 none ? 0 : NODES_MAX);
	return r < 0 ? -errno : 0;
}

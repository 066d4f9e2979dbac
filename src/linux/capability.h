/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets: names, parsing, and the five sets of a process. See capabilities(7). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/** Bit n stands for capability number n. */
typedef uint64_t capset;

struct capability_sets {
	capset bounding, effective, inheritable, permitted, ambient;
};

#define CAPS_DOCKER_DEFAULT ((capset)0xa80425fb) /* docker's 14 */
#define CAPS_MINIMAL ((capset)0x800405fb)        /* podman's 11 */

/** All that this kernel knows (/proc/sys/kernel/cap_last_cap). */
capset capability_all(void);
/** "NET_ADMIN", "cap_net_admin" or "CAP_NET_ADMIN" to its number; -EINVAL if there is none. */
int capability_number(const char *name);
/** "CAP_NET_ADMIN", or NULL beyond the known ones. */
const char *capability_name(int number);
/** "CHOWN, SETUID": the names in @set without CAP_, each with @before it, and @between them. */
char *capability_text(capset set, const char *before, const char *between, struct arena *a);
/** Where either will do, the kernel asks for DAC_READ_SEARCH before DAC_OVERRIDE, which most have:
 * the lack of the first alone is none. @call: the system call, NULL not known; open_by_handle_at(2)
 * wants the first itself. */
bool capability_is_first_try(int number, const char *call);
/** Is it among the caller's effective ones? */
bool capability_has(int number);
/** Those of @among that are in the bounding set of the caller: what can be given at most. */
capset capability_bounding(capset among);
/** Apply all five sets to the calling process, in the order the kernel demands; called as the final
 *  uid, with PR_SET_KEEPCAPS set before the change of uid. What the caller's own bounding set lacks
 * is clamped. 0 or negative errno. */
int capability_apply(const struct capability_sets *s);
/** Drop from the bounding set all but @keep; before the change of uid. 0 or negative errno. */
int capability_bound(capset keep);
/** Make all permitted capabilities effective again, after a change of uid has cleared them while
 *  PR_SET_KEEPCAPS was set. 0 or negative errno. */
int capability_raise(void);

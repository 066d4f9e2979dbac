/* SPDX-License-Identifier: Apache-2.0 */
/* Session keyrings. Rests on keyctl(2), KEYCTL_JOIN_SESSION_KEYRING. Read keyring.h first. */
#include "linux/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int keyring_new_session(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ? -errno : 0;
}

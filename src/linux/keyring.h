/* SPDX-License-Identifier: Apache-2.0 */
/* Session keyrings. See keyctl(2), session-keyring(7). */
#pragma once

/** Give the caller a new, empty session keyring, so that it does not hold its creator's keys. 0 or
 *  -errno: -EDQUOT when the user has too many keys, -ENOSYS without keyrings. Callers warn at most. */
int keyring_new_session(void);

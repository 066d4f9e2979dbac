/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of capabilities and the five sets of a process, by the raw system calls capget(2),
 * capset(2) and prctl(2). See capabilities(7), "Transformation of capabilities" and "Ambient".
 * Invariant: nothing here ever gains a capability; what the caller cannot give is left out.
 * Read capability.h first.
 */
#include "linux/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CAPABILITY_MAX = 63 };

static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

static capset bit(int number)
{
	return (capset)1 << number;
}

/* prctl(2) knows the same numbers as /proc/sys/kernel/cap_last_cap, and needs no /proc. */
capset capability_all(void)
{
	int known = -1, unknown = CAPABILITY_MAX + 1;
	while (unknown - known > 1) {
		int middle = (known + unknown) / 2;
		if (prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0)
			known = middle;
		else
			unknown = middle;
	}
	return known == CAPABILITY_MAX ? ~(capset)0 : bit(known + 1) - 1;
}

int capability_number(const char *name)
{
	if (!strncasecmp(name, "CAP_", 4))
		name += 4;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcasecmp(name, names[i] + 4))
			return (int)i;
	}
	return -EINVAL;
}

const char *capability_name(int number)
{
	return number >= 0 && (size_t)number < ARRAY_LEN(names) ? names[number] : NULL;
}

capset capability_bounding(capset among)
{
	capset set = 0;
	for (int n = 0; n <= CAPABILITY_MAX; n++) {
		if (!(among & bit(n)))
			continue;
		int r = prctl(PR_CAPBSET_READ, n, 0, 0, 0);
		if (r < 0)
			break;
		if (r)
			set |= bit(n);
	}
	return set;
}

/* What is gone already is not dropped again: that would make new credentials each time, and without
 * CAP_SETPCAP it would fail. */
int capability_bound(capset keep)
{
	for (int n = 0; n <= CAPABILITY_MAX; n++) {
		int held = keep & bit(n) ? 0 : prctl(PR_CAPBSET_READ, n, 0, 0, 0);
		if (held < 0 && errno == EINVAL)
			break; /* beyond the kernel's last one */
		if (held && prctl(PR_CAPBSET_DROP, n, 0, 0, 0) < 0)
			return -errno;
	}
	return 0;
}

static int sets_read(struct capability_sets *ret)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	ret->effective = data[0].effective | (capset)data[1].effective << 32;
	ret->permitted = data[0].permitted | (capset)data[1].permitted << 32;
	ret->inheritable = data[0].inheritable | (capset)data[1].inheritable << 32;
	return 0;
}

char *capability_text(capset set, const char *before, const char *between, struct arena *a)
{
	char *text = "";
	for (int i = 0; i < 64; i++) {
		const char *name = set & (capset)1 << i ? capability_name(i) : NULL;
		if (name)
			text = arena_printf(a, "%s%s%s%s", text, *text ? between : "", before,
					    name + strlen("CAP_"));
	}
	return text;
}

/* generic_permission() in fs/namei.c */
bool capability_is_first_try(int number, const char *call)
{
	return number == CAP_DAC_READ_SEARCH && (!call || strcmp(call, "open_by_handle_at"));
}

bool capability_has(int number)
{
	struct capability_sets now;
	return sets_read(&now) == 0 && now.effective & bit(number);
}

static int sets_write(const struct capability_sets *s)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(s->effective >> (32 * i));
		data[i].permitted = (uint32_t)(s->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(s->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* A change of uid from 0 leaves the effective set empty; shrinking the bounding set needs SETPCAP.
 */
static int bound_as(struct capability_sets *now, capset keep)
{
	capset setpcap = bit(CAP_SETPCAP) & now->permitted;
	if (setpcap & ~now->effective) {
		now->effective |= setpcap;
		int r = sets_write(now);
		if (r < 0)
			return r;
	}
	return capability_bound(keep);
}

/* Ambient ones must be permitted and inheritable; SECBIT_NO_CAP_AMBIENT_RAISE forbids them all. */
static int ambient_write(capset ambient)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int n = 0; n <= CAPABILITY_MAX && ambient >> n; n++) {
		if (!(ambient & bit(n)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0 && errno != EPERM)
			return -errno;
	}
	return 0;
}

int capability_apply(const struct capability_sets *s)
{
	struct capability_sets now = {0};
	int r = sets_read(&now);
	if (r < 0)
		return r;
	r = bound_as(&now, s->bounding);
	if (r < 0)
		return r;
	struct capability_sets next = {.permitted = s->permitted & now.permitted};
	next.effective = s->effective & next.permitted;
	next.inheritable = s->inheritable & (now.inheritable | now.permitted);
	next.inheritable &= now.inheritable | capability_bounding(next.inheritable);
	r = sets_write(&next);
	if (r < 0)
		return r;
	return ambient_write(s->ambient & next.permitted & next.inheritable);
}

int capability_raise(void)
{
	struct capability_sets now = {0};
	int r = sets_read(&now);
	if (r < 0 || now.effective == now.permitted)
		return r;
	now.effective = now.permitted;
	return sets_write(&now);
}

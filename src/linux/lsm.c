/* SPDX-License-Identifier: Apache-2.0 */
/* Security labels. Rests on /proc/PID/attr, proc(5). Read lsm.h first. */
#include "linux/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { LABEL_MAX = 1024 };

static int label_write(int procfd, const char *file, const char *text)
{
	return file_write_small(procfd, file, text);
}

int lsm_apparmor_on_exec(int procfd, const char *profile, struct err *e)
{
	char text[LABEL_MAX];
	if (!profile || !*profile || !strcmp(profile, "unconfined"))
		return 0;
	if (snprintf(text, sizeof(text), "exec %s", profile) >= (int)sizeof(text))
		return err_set(e, EINVAL, ERR_INVALID, "AppArmor profile: the name is too long");
	int r = label_write(procfd, "self/attr/apparmor/exec", text);
	if (r == -ENOENT && faccessat(AT_FDCWD, "/sys/kernel/security/apparmor", F_OK, 0) == 0)
		r = label_write(procfd, "self/attr/exec", text); /* before Linux 5.1 */
	if (r == 0)
		return 0;
	err_errno(e, r, "cannot use the AppArmor profile %s", profile);
	return err_hint(e, r == -ENOENT
				   ? "this kernel runs without AppArmor: leave the profile out"
				   : "load it on the host with apparmor_parser, or leave it out");
}

bool lsm_apparmor_is_there(void)
{
	char yes[8];
	return file_read_small(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", yes,
			       sizeof(yes)) > 0 &&
	       *yes == 'Y';
}

/* A line each: "NAME (MODE)". */
int lsm_apparmor_has(const char *profile)
{
	CLEANUP_FILE FILE *list = fopen("/sys/kernel/security/apparmor/profiles", "re");
	char line[LABEL_MAX];
	size_t len = strlen(profile);
	if (!list)
		return -errno;
	while (fgets(line, sizeof(line), list))
		if (!strncmp(line, profile, len) && !strncmp(line + len, " (", 2))
			return 1;
	return 0;
}

bool lsm_selinux_is_there(void)
{
	return file_exists(AT_FDCWD, "/sys/fs/selinux/enforce");
}

int lsm_selinux_on_exec(int procfd, const char *label, struct err *e)
{
	if (!label || !*label)
		return 0;
	int r = lsm_selinux_is_there() ? 0 : -EOPNOTSUPP;
	if (r == 0)
		r = label_write(procfd, "self/attr/exec", label);
	if (r == 0)
		return 0;
	err_errno(e, r, "cannot use the SELinux label %s", label);
	return err_hint(e, "this kernel may run without SELinux: leave the label out");
}

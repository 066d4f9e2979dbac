/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile says what the read-only and masked paths of docs/security.md say, once more and by
 * name: whoever has mounted something, or has found a way around a mask, still cannot write there.
 * What it adds is that nothing is mounted (CAP_SYS_ADMIN may be given for other reasons), and that
 * no process outside of containers can be traced. Invariant: the engine's own programs are not
 * confined.
 */
#include "engine/apparmor.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "engine/spec.h"
#include "linux/lsm.h"
#include "linux/namespaces.h"
#include "linux/tool.h"

static const char file_name[] = "apparmor." APPARMOR_DEFAULT;

static const char profile_text[] =
	"# Loaded by hull with the first container after a boot.\n"
	"profile " APPARMOR_DEFAULT " flags=(attach_disconnected,mediate_deleted) {\n"
	"  file,\n"
	"  network,\n"
	"  capability,\n"
	"  umount,\n"
	"  signal (receive) peer=unconfined,\n"
	"  signal (send,receive) peer=" APPARMOR_DEFAULT ",\n"
	"  ptrace (trace,tracedby,read,readby) peer=" APPARMOR_DEFAULT ",\n"
	"  unix,\n"
	"  deny mount,\n"
	/* Of /proc only what belongs to processes is written. */
	"  deny /proc/* w,\n"
	"  deny /proc/[^1-9]*/** w,\n"
	"  deny /proc/{sysrq-trigger,kcore,mem,kmem} rwklx,\n"
	/* Of /sys only the control groups. */
	"  deny /sys/[^f]*/** wklx,\n"
	"  deny /sys/f[^s]*/** wklx,\n"
	"  deny /sys/fs/[^c]*/** wklx,\n"
	"  deny /sys/fs/c[^g]*/** wklx,\n"
	"  deny /sys/firmware/** rwklx,\n"
	"  deny /sys/devices/virtual/powercap/** rwklx,\n"
	"  deny /sys/kernel/security/** rwklx,\n"
	"}\n";

/* 1: the profile is loaded, 0: it can be; or negative errno, with why. */
static int look(const char **ret_lacks)
{
	char path[64];
	int has = lsm_apparmor_is_there() && !namespace_caller_is_user()
			  ? lsm_apparmor_has(APPARMOR_DEFAULT)
			  : -ENOTSUP;
	bool parser = has >= 0 && tool_find("apparmor_parser", path, sizeof(path));
	*ret_lacks = has == -ENOTSUP ? "only root can load profiles, where the kernel runs AppArmor"
		     : has < 0       ? "what is loaded cannot be seen: mount -t securityfs none "
				       "/sys/kernel/security"
		     : parser        ? NULL
				     : "apparmor_parser is missing: install the package apparmor";
	return has < 0 || parser ? has : -ENOENT;
}

const char *apparmor_lacks(void)
{
	const char *lacks;
	look(&lacks);
	return lacks;
}

const char *apparmor_of(const struct container *c)
{
	const char *named = security_option(c, "apparmor");
	if (named)
		return named;
	if (c->config.host.privileged)
		return "unconfined";
	return lsm_apparmor_has(APPARMOR_DEFAULT) == 1 ? APPARMOR_DEFAULT : "";
}

/* What is loaded is of this hull, with this text. */
static bool is_ours(struct engine *en)
{
	char text[sizeof(profile_text) + 1];
	return file_read_small(en->run_fd, file_name, text, sizeof(text)) ==
		       sizeof(profile_text) - 1 &&
	       !memcmp(text, profile_text, sizeof(profile_text) - 1);
}

static int load(struct engine *en, struct err *e)
{
	char *const argv[] = {"apparmor_parser", "-K", "-r", (char *)file_name, NULL};
	int r = file_replace(en->run_fd, file_name, profile_text, strlen(profile_text), false, e);
	if (r == 0)
		r = tool_run(en->run_fd, argv, "apparmor", e);
	return r;
}

int apparmor_profile(struct engine *en, const struct container *c, const char **ret, struct err *e)
{
	const char *named = security_option(c, "apparmor");
	bool none = named ? !strcmp(named, "unconfined") : c->config.host.privileged;
	const char *lacks;
	struct err why;
	*ret = NULL;
	if (none)
		return 0;
	if (named) {
		*ret = named;
		if (!lsm_apparmor_is_there()) {
			err_set(e, ENOTSUP, ERR_INVALID,
				"--security-opt apparmor=%s: this kernel runs without AppArmor",
				named);
			return err_hint(e,
					"leave it out, or boot with apparmor=1 security=apparmor");
		}
		if (lsm_apparmor_has(named) == 0) {
			err_set(e, ENOENT, ERR_INVALID,
				"--security-opt apparmor=%s: no such profile is loaded", named);
			return err_hint(e, "load it: apparmor_parser -r FILE");
		}
		return 0;
	}
	const int loaded = look(&lacks);
	if (loaded < 0)
		return 0;
	if (!(loaded && is_ours(en)) && load(en, &why) != 0) {
		engine_warn(en,
			    "the AppArmor profile " APPARMOR_DEFAULT " cannot be loaded, the "
			    "container goes without: %s",
			    why.text);
		return 0;
	}
	*ret = APPARMOR_DEFAULT;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine wrote for the monitor, and the command that it wants run at the end. The file is
 * hull's own, but may be of another version or damaged: size, version and text ends are checked.
 * Read base/wire.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/monitor.h"

int monitor_config_read(struct monitor_config *c)
{
	/* Its position is shared with other processes: pread. */
	if (pread(MONITOR_CONFIG_FD, c, sizeof(*c), 0) != (ssize_t)sizeof(*c) ||
	    c->version != WIRE_VERSION)
		return -EINVAL;
	char *const texts[] = {c->id,      c->name, c->root,      c->runroot,
			       c->log_dir, c->hull, c->log_attrs, c->log_tag};
	const size_t sizes[] = {sizeof(c->id),        sizeof(c->name),    sizeof(c->root),
				sizeof(c->runroot),   sizeof(c->log_dir), sizeof(c->hull),
				sizeof(c->log_attrs), sizeof(c->log_tag)};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strnlen(texts[i], sizes[i]) == sizes[i])
			return -EINVAL;
	if (c->syslog.address_len > sizeof(c->syslog.address) ||
	    strnlen(c->syslog.host, sizeof(c->syslog.host)) == sizeof(c->syslog.host))
		return -EINVAL;
	return strchr(c->id, '/') || !c->id[0] ? -EINVAL : 0;
}

void monitor_become(const char *verb, const char *arg)
{
	struct monitor_config c;
	if (monitor_config_read(&c) < 0 || !c.hull[0])
		return;
	char *const argv[] = {"hull",   "--root",     c.root, "--runroot", c.runroot,
			      "system", (char *)verb, c.id,   (char *)arg, NULL};
	char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			     NULL};
	sigset_t none;
	fcntl(MONITOR_USERNS_FD, F_SETFD, 0);
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	/* SIGIO stays ignored: one may be pending. */
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(c.hull, argv, env);
}

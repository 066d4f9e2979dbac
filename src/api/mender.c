/* SPDX-License-Identifier: Apache-2.0 */
/* Read mender.h first. */
#include "api/mender.h"

#include <stdio.h>
#include <sys/param.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/network.h"
#include "linux/namespaces.h"
#include "linux/nftables.h"

/* SOON: a flush is told of in many messages. */
enum { SOON_MS = 50, AGAIN_MS = 1000 };

void mender_open(struct mender *m)
{
	if (namespace_owns_network() && nft_watch(&m->news) < 0)
		netlink_close(&m->news);
}

void mender_close(struct mender *m)
{
	netlink_close(&m->news);
}

int mender_fd(const struct mender *m)
{
	return m->news.fd;
}

int mender_wait(const struct mender *m)
{
	if (!m->due || m->pid)
		return -1;
	return (int)MAX(m->due - clock_ms(), 0);
}

static _Noreturn void mend(const struct settings *settings)
{
	CLEANUP_ARENA struct arena a = {0};
	struct engine en;
	struct err e = {0};
	int r = settings_open_engine(settings, &en, &a, &e);
	if (r == 0) {
		r = network_mend(&en, &e);
		engine_close(&en);
	}
	if (r > 0)
		fputs("hulld: another program took the firewall's table away; it is made again\n",
		      stderr);
	else if (r < 0)
		fprintf(stderr, "hulld: the firewall's table cannot be made again: %s\n", e.text);
	_exit(0);
}

void mender_work(struct mender *m, const struct settings *settings, void (*apart)(void *ctx),
		 void *ctx)
{
	int64_t now = clock_ms();
	if (m->news.fd >= 0 && nft_watch_read(&m->news, NETWORK_TABLE_PREFIX) && !m->due)
		m->due = MAX(now + SOON_MS, m->last ? m->last + AGAIN_MS : 0);
	if (!m->due || m->pid || now < m->due)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		apart(ctx);
		mend(settings);
	}
	m->due = 0;
	m->last = now;
	m->pid = pid > 0 ? pid : 0;
}

void mender_forget(struct mender *m, pid_t pid)
{
	if (m->pid == pid)
		m->pid = 0;
}

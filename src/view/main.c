/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-view: answers a container that asks how large the machine is with what the container may
 * use. The engine starts it with the container (engine/proc_view.c). It holds nothing but the load
 * average, and ends when its mounts do, with the container's mount namespace.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "view/fuse.h"
#include "view/view.h"

enum { SAMPLE_MS = LOAD_AVERAGE_NS / 1000000, TEXT_MAX = 4 << 20 };

static void print(void *ctx, size_t number, struct strbuf *out)
{
	view_print(ctx, (enum view_file)number, out);
}

/* Is there one left? */
static bool serve_ready(struct fuse_file *files, const struct pollfd *watched)
{
	bool any = false;
	for (size_t i = 0; i < VIEW_FILES; i++) {
		if (watched[i].revents && files[i].fd >= 0)
			fuse_serve(&files[i]);
		any |= files[i].fd >= 0;
	}
	return any;
}

static void serve(struct view *v)
{
	struct fuse_file files[VIEW_FILES];
	struct pollfd watched[VIEW_FILES];
	int64_t due = clock_ms() + SAMPLE_MS;
	for (int i = 0; i < VIEW_FILES; i++)
		files[i] = (struct fuse_file){VIEW_FD_FIRST + i, print, v, (size_t)i,
					      STRBUF_MAX(TEXT_MAX)};
	do {
		for (int i = 0; i < VIEW_FILES; i++)
			watched[i] = (struct pollfd){.fd = files[i].fd, .events = POLLIN};
		int64_t left = due - clock_ms();
		poll(watched, VIEW_FILES, left > 0 ? (int)left : 0);
		if (clock_ms() >= due) {
			view_sample(v);
			due = clock_ms() + SAMPLE_MS;
		}
	} while (serve_ready(files, watched));
}

int main(int argc, char **argv)
{
	struct view v = {0};
	struct err e;
	if (argc != 2) {
		fprintf(stderr, "hull-view is started by hull, with its mounts\n");
		return 2;
	}
	v.cgroup = argv[1];
	prctl(PR_SET_NAME, "hull-view");
	cgroup_host_layout();
	if (view_confine(&e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	serve(&v);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a layer, from its packed bytes to a tree in a scratch folder, with small limits.
 * Nothing may appear beside the layer's own folder. Run as root in a place where device nodes do no
 * harm.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/unpack/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Take away what the layer told its engine (folders to mark). */
static void drain(int sock)
{
	struct unpack_message m;
	while (recv(sock, &m, sizeof(m), MSG_DONTWAIT) > 0)
		;
}

static void unpack_once(const uint8_t *data, size_t size, int stage, int times, int sock)
{
	CLEANUP_FD int fd = memfd_create("layer", MFD_CLOEXEC);
	struct source source;
	struct layer_target target = {.stage = stage, .times = times, .socket = sock};
	struct layer_limits limits = {.bytes = 1 << 20, .entries = 100, .ratio = 500};
	struct unpack_layer layer;
	struct err e = {0};
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	source_open(&source, fd, true, 0, size);
	int r = layer_unpack(&source, &target, &limits, &layer, &e);
	if (r < 0 ? !*e.text : strlen(layer.diff_id) != 64 || layer.packed != size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/layer-fuzz-XXXXXX";
	int pair[2];
	struct err e = {0};
	umask(0);
	if (!mkdtemp(path) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	/* The other end takes up to some hundred folders; a layer has at most 100 entries. */
	int room = 4 << 20;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	int stage = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int times = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	unpack_once(data, size, stage, times, pair[0]);
	drain(pair[1]);
	tree_remove(stage, "fs", &e);
	unlinkat(stage, "layout", 0);
	close(stage);
	close(times);
	close(pair[0]);
	close(pair[1]);
	if (rmdir(path) < 0) /* something lies beside the layer */
		abort();
	return 0;
}

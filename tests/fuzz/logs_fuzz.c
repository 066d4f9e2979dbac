/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: log files. The first byte chooses the format and a tail; the rest is the file.
 * Records must lie within bounds, and a tail must be the end of the whole.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/logformat.h"
#include "engine/logs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int touch(const struct logs_record *r, void *ctx)
{
	uint64_t *sum = ctx;
	for (size_t i = 0; i < r->len; i++)
		*sum += (unsigned char)r->bytes[i];
	for (size_t i = 0; i < r->attrs_len; i++)
		*sum += (unsigned char)r->attrs[i];
	assert(r->stream == 1 || r->stream == 2);
	return 0;
}

static char path[] = "/tmp/hull-logs-fuzz-XXXXXX";
static int dir = -1;

static void clean_up(void)
{
	struct err e;
	tree_remove(AT_FDCWD, path, &e);
}

static int scratch(void)
{
	if (dir >= 0)
		return dir;
	if (!mkdtemp(path) || atexit(clean_up))
		abort();
	return dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct logs_result all, tail;
	uint64_t sum = 0;
	if (size < 2 || size > 1 << 16)
		return 0;
	int local = data[0] & 1, folder = scratch();
	int fd = openat(folder, local ? "x" LOG_LOCAL_SUFFIX : "x" LOG_JSON_SUFFIX,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0);
	if (local && write(fd, LOG_LOCAL_MAGIC, LOG_LOCAL_MAGIC_LEN) < 0)
		abort();
	if (write(fd, data + 1, size - 1) < 0)
		abort();
	close(fd);
	struct logs_query q = {
		.driver = local ? LOG_LOCAL : LOG_JSON_FILE, .id = "x", .tail = -1, .end_fd = -1};
	assert(logs_read(folder, &q, touch, &sum, &all, &e) == 0);
	q.tail = data[0] >> 1;
	assert(logs_read(folder, &q, touch, &sum, &tail, &e) == 0);
	assert(local || tail.records <= all.records);
	return 0;
}

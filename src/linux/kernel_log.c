/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /dev/kmsg. Read kernel_log.h first. */
#include "linux/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { RECORD_MAX = 8192, RECORDS_MAX = 1 << 17, FACILITY_KERNEL = 7 };
/* The log's clock is not set right by anybody: so far it may be apart, and one part in this many.
 */
#define SLACK_NS INT64_C(2000000000)
enum { DRIFT = 5000 };

const char *kernel_log_text(const char *record)
{
	const char *text = strchr(record, ';');
	return text && strtol(record, NULL, 10) <= FACILITY_KERNEL ? text + 1 : NULL;
}

/* Microseconds on the log's clock. */
static int64_t record_time(const char *record)
{
	const char *seq = strchr(record, ','), *at = seq ? strchr(seq + 1, ',') : NULL;
	return at ? strtoll(at + 1, NULL, 10) : 0;
}

int64_t kernel_log_read(int64_t since_ns, void (*take)(const char *record, void *ctx), void *ctx)
{
	char record[RECORD_MAX + 1];
	CLEANUP_FD int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct timespec clock;
	clock_gettime(CLOCK_MONOTONIC, &clock); /* like the log's, without the time asleep */
	int64_t now = (int64_t)clock.tv_sec * 1000000000 + clock.tv_nsec,
		age = clock_real_ns() - since_ns;
	const int64_t slack = SLACK_NS + now / DRIFT;
	int64_t from_us = (now - age - slack) / 1000, oldest = INT64_MAX;
	for (int i = 0; fd >= 0 && i < RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, RECORD_MAX);
		if (n < 0 && (errno == EPIPE || errno == EINTR)) /* overwritten meanwhile */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		if (oldest == INT64_MAX)
			oldest = clock_real_ns() - now + record_time(record) * 1000 + slack;
		if (record_time(record) >= from_us)
			take(record, ctx);
	}
	return oldest;
}

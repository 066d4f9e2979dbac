/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the first page of a program that an image wants executed. Errors hold no control
 * characters of the file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/command.h"
#include "runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];
	static const int numbers[] = {2, 8, 13};
	if (fd < 0) {
		fd = memfd_create("head", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	for (size_t i = 0; i <= sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct err e = {0};
		if (i)
			runtime_explain_exec(path, numbers[i - 1], &e);
		else
			command_check(path, &e);
		for (const char *at = e.text; *at; at++)
			if ((unsigned char)*at < 0x20)
				abort();
	}
	return 0;
}

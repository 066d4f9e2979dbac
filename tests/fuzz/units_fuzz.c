/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: sizes, numbers, durations and time stamps as a user or an archive writes them.
 * What is accepted must be in range, and what hull prints it must read back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void times(const char *text)
{
	char buf[TIME_TEXT_SIZE];
	int64_t ns = 0, back = 0;
	if (duration_parse(text, &ns) == 0) {
		check(ns >= 0);
		duration_human(ns, buf);
	}
	if (time_parse(text, &ns) == 0) {
		check(time_parse(time_format(ns, buf), &back) == 0);
		check(back == ns);
	}
}

static void numbers(const char *text)
{
	char buf[SIZE_TEXT_SIZE];
	int64_t i;
	uint64_t u;
	if (size_parse(text, &i) == 0) {
		check(i >= -1);
		size_human(i, buf);
		size_binary(i, buf);
	}
	if (nano_parse(text, &i) == 0)
		check(i >= 0);
	if (uint_parse(text, 1000, &u) == 0)
		check(u <= 1000);
	if (int_parse(text, -1000, 1000, &i) == 0)
		check(i >= -1000 && i <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	if (!text)
		return 0;
	times(text);
	numbers(text);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The first number is what was handled, hexadecimal, of 32 bits; the 13th the processor's own,
 * where the kernel tells it (5.10): one that is off has no line. */
#include "linux/softnet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { TEXT_MAX = 256 << 10 };

bool softnet_parse(const char *text, struct softnet *ret)
{
	struct softnet n = {0};
	for (const char *line = text; *line; line += *line != 0) {
		unsigned handled, processor = n.processors;
		int fields = sscanf(line,
				    "%8x %*8x %*8x %*8x %*8x %*8x %*8x %*8x %*8x %*8x %*8x %*8x "
				    "%8x",
				    &handled, &processor);
		if (fields < 1)
			return false;
		n.packets += handled;
		if (handled > n.most || n.processors == 0) {
			n.most = handled;
			n.busiest = processor;
		}
		n.processors++;
		line += strcspn(line, "\n");
	}
	*ret = n;
	return n.processors > 0;
}

int softnet_read(struct softnet *ret)
{
	char *text = malloc(TEXT_MAX);
	ssize_t n = text ? file_read_small(AT_FDCWD, "/proc/net/softnet_stat", text, TEXT_MAX)
			 : -ENOMEM;
	int r = n < 0 ? (int)n : softnet_parse(text, ret) ? 0 : -EBADMSG;
	free(text);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Taking frames apart. Format: Docker Engine API, "Attach to a container", stream format. */
#include "base/frames.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static int take_header(struct frames *f, const unsigned char **data, size_t *len, struct err *e)
{
	size_t take = FRAME_HEADER - f->header_len;
	if (take > *len)
		take = *len;
	memcpy(f->header + f->header_len, *data, take);
	f->header_len += take;
	*data += take;
	*len -= take;
	if (f->header_len < FRAME_HEADER)
		return 0;
	if (f->header[0] < 1 || f->header[0] > 2 || f->header[1] || f->header[2] || f->header[3])
		return err_set(e, EPROTO, ERR_INTERNAL,
			       "the container's monitor sent no valid frame");
	uint32_t left;
	memcpy(&left, f->header + 4, sizeof(left));
	f->left = be32toh(left);
	return 0;
}

int frames_feed(struct frames *f, const unsigned char *data, size_t len, frames_write_fn write,
		void *ctx, struct err *e)
{
	while (len) {
		int r;
		if (f->header_len < FRAME_HEADER) {
			r = take_header(f, &data, &len, e);
		} else {
			size_t take = f->left < len ? f->left : len;
			r = write(ctx, f->header[0], data, take, e);
			f->left -= (uint32_t)take;
			data += take;
			len -= take;
		}
		if (r < 0)
			return r;
		if (f->header_len == FRAME_HEADER && !f->left)
			f->header_len = 0;
	}
	return 0;
}

void frame_head(unsigned char head[FRAME_HEADER], int stream, size_t len)
{
	uint32_t size = htobe32((uint32_t)len);
	memset(head, 0, FRAME_HEADER);
	head[0] = (unsigned char)stream;
	memcpy(head + 4, &size, sizeof(size));
}

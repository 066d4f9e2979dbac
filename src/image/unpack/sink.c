/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on ISA-L's deflate and OpenSSL's EVP. Read sink.h first. */
#include "image/unpack/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/id.h"

enum { GZIP_LEVEL = 2, BLOCK = 128 << 10 };

static EVP_MD_CTX *new_sum(void)
{
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	return sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1 ? sum : NULL;
}

static int open_gzip(struct sink *s)
{
	struct isal_zstream *z = s->gzip = calloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	isal_deflate_init(z);
	z->gzip_flag = IGZIP_GZIP;
	z->level = GZIP_LEVEL;
	z->level_buf_size = ISAL_DEF_LVL2_DEFAULT;
	z->level_buf = malloc(z->level_buf_size);
	return z->level_buf ? 0 : -ENOMEM;
}

int sink_open(struct sink *s, int to, bool gzip, bool sums)
{
	*s = (struct sink){.to = to};
	if ((sums && !(s->plain = new_sum())) || (sums && gzip && !(s->stored = new_sum())))
		return -ENOMEM;
	return gzip ? open_gzip(s) : 0;
}

static int store(struct sink *s, const void *data, size_t len)
{
	s->stored_size += len;
	if (s->stored && EVP_DigestUpdate(s->stored, data, len) != 1)
		return -ENOMEM;
	return s->to < 0 ? 0 : fd_write_full(s->to, data, len);
}

/* Through gzip, to the end of @data, or (@last) of all. */
static int squeeze(struct sink *s, const void *data, size_t len, bool last)
{
	static unsigned char out[BLOCK];
	struct isal_zstream *z = s->gzip;
	z->next_in = (uint8_t *)data;
	z->avail_in = (uint32_t)len;
	z->end_of_stream = last;
	do {
		z->next_out = out;
		z->avail_out = sizeof(out);
		int r = isal_deflate(z) == COMP_OK ? store(s, out, sizeof(out) - z->avail_out)
						   : -EIO;
		if (r < 0)
			return r;
	} while (!z->avail_out);
	return 0;
}

int sink_write(struct sink *s, const void *data, size_t len)
{
	if (s->plain && EVP_DigestUpdate(s->plain, data, len) != 1)
		return -ENOMEM;
	return s->gzip ? squeeze(s, data, len, false) : store(s, data, len);
}

int sink_end(struct sink *s)
{
	return s->gzip ? squeeze(s, NULL, 0, true) : 0;
}

static void put_sum(EVP_MD_CTX *of, char ret[static ID_LEN + 1])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_DigestFinal_ex(of, sum, NULL);
	hex_encode(sum, ID_LEN / 2, ret);
	ret[ID_LEN] = '\0';
}

void sink_tell(struct sink *s, struct unpack_layer *ret)
{
	put_sum(s->plain, ret->diff_id);
	if (s->stored)
		put_sum(s->stored, ret->digest);
	else
		memcpy(ret->digest, ret->diff_id, sizeof(ret->digest));
	ret->packed = s->stored_size;
}

void sink_free(struct sink *s)
{
	EVP_MD_CTX_free(s->plain);
	EVP_MD_CTX_free(s->stored);
	if (s->gzip)
		free(s->gzip->level_buf);
	free(s->gzip);
}

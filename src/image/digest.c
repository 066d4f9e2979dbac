/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's low-level SHA256 on purpose: EVP would pull its providers, three megabytes, into the
 * static programs, and a document is a few kilobytes. Read digest.h first.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "image/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <unistd.h>

#include "base/id.h"

/* Asks the processor for its SHA instructions, once. OpenSSL does that when a program begins, and
 * ours begin without (linux/libc_start.c). Its shared library, which has done so, does not show it.
 */
__attribute__((weak)) void OPENSSL_cpuid_setup(void);

static void begin(SHA256_CTX *c)
{
	if (OPENSSL_cpuid_setup)
		OPENSSL_cpuid_setup();
	SHA256_Init(c);
}

void digest_sha256(const void *data, size_t len, char ret[static 65])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX c;
	begin(&c);
	SHA256_Update(&c, data, len);
	SHA256_Final(sum, &c);
	hex_encode(sum, sizeof(sum), ret);
}

int digest_sha256_file(int fd, uint64_t offset, uint64_t size, char ret[static 65])
{
	unsigned char sum[SHA256_DIGEST_LENGTH], block[64 << 10];
	SHA256_CTX c;
	begin(&c);
	while (size) {
		size_t want = size < sizeof(block) ? (size_t)size : sizeof(block);
		ssize_t n = TEMP_FAILURE_RETRY(pread(fd, block, want, (off_t)offset));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		SHA256_Update(&c, block, (size_t)n);
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	SHA256_Final(sum, &c);
	hex_encode(sum, sizeof(sum), ret);
	return 0;
}

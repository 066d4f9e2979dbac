/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's low-level SHA256 on purpose: EVP would pull its providers, three megabytes, into the
 * static programs, and a document is a few kilobytes. Read digest.h first.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "image/digest.h"

#include <openssl/sha.h>

#include "base/id.h"

void digest_sha256(const void *data, size_t len, char ret[static 65])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	SHA256_CTX c;
	SHA256_Init(&c);
	SHA256_Update(&c, data, len);
	SHA256_Final(sum, &c);
	hex_encode(sum, sizeof(sum), ret);
}

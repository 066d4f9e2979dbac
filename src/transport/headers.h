/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields of registries, in their foreign form to numbers and texts of limited size. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHALLENGE_TEXT_MAX = 2048 };

/** What WWW-Authenticate asks for (RFC 9110 11.6.1, RFC 6750 3). */
struct challenge {
	bool basic, bearer;
	/* Of the Bearer challenge; "" where it has none. */
	char realm[CHALLENGE_TEXT_MAX], service[CHALLENGE_TEXT_MAX], scope[CHALLENGE_TEXT_MAX];
};

/** Add the challenges of one field value. A part that makes no sense, or is too long, is passed
 * over; -EINVAL if nothing of it did. */
int challenge_parse(const char *value, struct challenge *ret);
/** Retry-After: seconds from @now (seconds since 1970), 0 for a time that is past; or -EINVAL. */
int64_t retry_after_parse(const char *value, int64_t now);
/** "bytes 100-199/200": where it begins. 0 or -EINVAL. */
int content_range_parse(const char *value, uint64_t *ret_first);
/** "bytes 0-99/1234": 1234. UINT64_MAX: it does not say. */
uint64_t content_range_total(const char *value);
/** Range of an upload, "0-99": 100, the byte it goes on with. "0-0" is 0: that is what registries
 * say of one that has nothing. 0 or -EINVAL. */
int upload_range_parse(const char *value, uint64_t *ret_next);
/** OCI-Chunk-Min-Length: bytes, 0: it is none. */
uint64_t chunk_length_parse(const char *value);
/** The URL of rel="next" in a Link field, copied to @ret; 0 or -EINVAL. */
int link_next_parse(const char *value, char *ret, size_t size);
/** "sha256:<64 hex>". */
bool digest_header_is_valid(const char *value);

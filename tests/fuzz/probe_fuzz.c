/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: packets of strangers that may be a probe's, and answers of name servers. Nothing may
 * be read that is not there. */
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "network/name_query.h"
#include "network/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sighting s;
	struct ip ip;
	if (size < 1)
		return 0;
	const struct probe p = {.to.family = data[0] & 2 ? AF_INET6 : AF_INET,
				.port = data[0] & 1 ? 80 : 0,
				.mark = 0x61626364};
	probe_read(&p, data + 1, size - 1, &s);
	name_answer(data + 1, size - 1, data[0], &ip);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a question of a stranger, and the names and resolv.conf that it is answered from
 * (divided by a byte 0). Nothing may crash or leak, and no answer is longer than it may be. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct server s;
	struct arena a = {0};
	struct dns_answer answer;
	const struct ip client = {.family = AF_INET, .bytes = {10, 0, 0, 2}};
	size_t names = size ? data[0] * size / 256 : 0;
	char *text = arena_strndup(&a, (const char *)data, names);
	char *resolv = arena_strdup(&a, text);
	memset(&s, 0, sizeof(s));
	s.host_server_count = servers_parse(resolv, s.host_servers);
	names_parse(text, &s.names);
	int r = server_answer(&s, data + names, size - names, &client, &answer);
	if (r > 0 && (answer.len < DNS_HEADER || answer.len > sizeof(answer.bytes)))
		abort();
	arena_free(&s.names.arena);
	arena_free(&a);
	return 0;
}

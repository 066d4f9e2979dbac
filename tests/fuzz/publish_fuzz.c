/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: --publish and --network, a line each; and what the engine reads of the first. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/network_option.h"
#include "engine/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct err e = {0};
	struct create_options o = {0};
	struct port_request *list;
	size_t count;
	char *text = arena_strndup(&a, (const char *)data, size), *line = strchr(text, '\n');
	if (line)
		*line++ = '\0';
	strv_push(&a, &o.publish, text);
	if (line)
		strv_push(&a, &o.networks, line);
	int r = network_options_build(&o, NULL, &a, &e);
	if (r < 0 && (!e.text[0] || e.number != -r))
		abort();
	/* What the client takes the engine takes. */
	if (r == 0 && ports_read(&o.create.config, &a, &list, &count, &e) < 0)
		abort();
	arena_free(&a);
	return 0;
}

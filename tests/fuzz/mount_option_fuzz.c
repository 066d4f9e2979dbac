/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: --mount, --secret, and the comma-separated record below it. Nothing may crash or
 * leak. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mount_option.h"
#include "cli/resource_option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct err e = {0};
	struct docker_mount m;
	struct array secrets = {0};
	char *text = arena_strndup(&a, (const char *)data, size);
	int r = mount_option_parse(text, &m, &a, &e);
	if (r < 0 && (!e.text[0] || e.number != -r))
		abort();
	if (r >= 0 && (!m.target || !m.type))
		abort();
	r = option_set_secret(&secrets, text, &a, &e);
	if (r < 0 && (!e.text[0] || e.number != -r))
		abort();
	if (r >= 0 && !((struct hull_secret *)secrets.items)->name)
		abort();
	arena_free(&a);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* hull port: which ports of the host lead into a container. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/network.h"

static void print(const struct firewall_port *p, bool with_port)
{
	char host[IP_TEXT_SIZE];
	bool six = p->to.family == AF_INET6;
	const char *at = p->host.family ? ip_print(&p->host, host) : six ? "::" : "0.0.0.0";
	if (with_port)
		printf("%u/%s -> ", p->port, protocol_name(p->protocol));
	printf(six ? "[%s]:%u\n" : "%s:%u\n", at, p->host_port);
}

static int port_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct container c;
	struct firewall_port *list;
	size_t count, shown = 0;
	const char *wanted = args->count > 1 ? args->items[1] : NULL;
	int r = container_find(&cli->engine, args->items[0], &cli->arena, &c, e);
	if (r == 0)
		r = ports_load(&cli->engine, c.id, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char own[16];
		snprintf(own, sizeof(own), "%u/%s", list[i].port, protocol_name(list[i].protocol));
		if (wanted && strcmp(own, wanted) &&
		    strcmp(own, arena_printf(&cli->arena, "%s/tcp", wanted)))
			continue;
		print(&list[i], !wanted);
		shown++;
	}
	if (r == 0 && wanted && !shown)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "no public port '%s' published for %s",
			       wanted, args->items[0]);
	return r;
}

const struct command command_port = {
	.names = NAMES("port", "container port"),
	.synopsis = "CONTAINER [PRIVATE_PORT[/PROTO]]",
	.summary = "List port mappings or a specific mapping for the container",
	.args = {1, 2},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = port_run,
};

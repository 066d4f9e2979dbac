/* SPDX-License-Identifier: Apache-2.0 */
/* hull network path: where a packet from a container goes, and where it dies. Read engine/path.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "engine/path.h"

enum { TABLE_MAX = 64 << 10, SIZE_LEAST = 32, SIZE_MOST = 65515 };

struct path_values {
	bool json;
	int64_t size;
};

static const char *where(const struct path_hop *h)
{
	return h->inside ? "container" : "host";
}

static int print_table(const struct path *p, struct err *e)
{
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(TABLE_MAX);
	const char *died = NULL;
	strbuf_puts(&s, "WAY\tDEVICE\tWHERE\tPACKETS\tSEEN AS\tFILTER\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct path_hop *h = &p->hops[i];
		bool first = !died && !p->answer && !h->packets;
		strbuf_printf(&s, "%s\t%s\t%s\t%u%s\t%s\t%s\n", h->back ? "back" : "out", h->name,
			      where(h), h->packets, first ? " <--" : "", h->seen, h->filter);
		died = first ? h->name : died;
	}
	int r = p->count ? table_print(stdout, strbuf_text(&s), s.len, 0, e) : 0;
	if (r < 0)
		return r;
	if (p->reached)
		printf("%s answers: %s after %.3f ms\n", p->address, p->answer, p->ms);
	else
		printf("%s is not reached: died at %s: %s\n", p->address, p->died, p->reason);
	if (p->command)
		printf("see: %s\n", p->command);
	return p->reached ? 0 : 1;
}

static int print_json(const struct path *p)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct json_object *hops = json_object_new_array();
	json_add_string(o, "Container", p->container);
	json_add_string(o, "Address", p->address);
	json_add_int(o, "Port", p->probe.port);
	json_add_bool(o, "Reached", p->reached);
	json_add_string(o, "Answer", p->answer ? p->answer : "");
	json_object_object_add(o, "Milliseconds", json_object_new_double(p->ms));
	json_add_string(o, "DiedAt", p->died ? p->died : "");
	json_add_string(o, "Reason", p->reason ? p->reason : "");
	for (size_t i = 0; i < p->count; i++) {
		const struct path_hop *h = &p->hops[i];
		struct json_object *hop = json_object_new_object();
		json_add_string(hop, "Way", h->back ? "back" : "out");
		json_add_string(hop, "Device", h->name);
		json_add_string(hop, "Where", where(h));
		json_add_int(hop, "Packets", h->packets);
		json_add_string(hop, "Seen", h->seen);
		json_add_string(hop, "Filter", h->filter);
		json_object_array_add(hops, hop);
	}
	json_object_object_add(o, "Hops", hops);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	return p->reached ? 0 : 1;
}

static int path_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct path_values *v = values;
	char *to = arena_strdup(&cli->arena, args->items[1]), *colon = strchr(to, ':');
	char *close = *to == '[' ? strchr(to, ']') : NULL;
	struct path p;
	uint64_t port = 0;
	if (close && (!close[1] || close[1] == ':')) {
		colon = close[1] ? close + 1 : NULL;
		*close = '\0';
		to++;
	}
	if (colon && (close || !strchr(colon + 1, ':'))) {
		*colon++ = '\0';
		if (uint_parse(colon, UINT16_MAX, &port) < 0 || !port)
			return err_set(e, EINVAL, ERR_USAGE, "invalid port %s", colon);
	}
	if (v->size && (v->size < SIZE_LEAST || v->size > SIZE_MOST || port))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--size is of an echo, which has no port: %d to %d bytes",
			       SIZE_LEAST, SIZE_MOST);
	int r = network_path(&cli->engine, args->items[0], to, (uint16_t)port, (uint16_t)v->size,
			     &cli->arena, &p, e);
	if (r < 0)
		return r;
	return v->json ? print_json(&p) : print_table(&p, e);
}

#define O(member) .offset = offsetof(struct path_values, member)
static const struct option options[] = {
	{"json", 0, OPTION_BOOL, O(json), .help = "Print an object of JSON"},
	{"size", 0, OPTION_INT, O(size), .arg = "bytes",
	 .help = "Size of the packet, which may not be cut: finds an MTU that is too small"},
};

const struct command command_network_path = {
	.names = NAMES("network path"),
	.synopsis = "[OPTIONS] CONTAINER ADDRESS|[ADDRESS6]|NAME[:PORT]",
	.summary = "Show where a packet from a container goes, and where it dies",
	.text = "A packet is sent from the container: with a port a TCP SYN, of which nothing "
		"comes but its answer, else an ICMP echo. It is looked for at each device on its "
		"way, and its answer on the way back: the container's eth, the host's end of the "
		"pair, the bridge, the device that leads out. Behind each stands what it was seen "
		"as, since NAT changes addresses, and what nftables did with it.\n\n"
		"The first device that did not see it is marked, and the reason is given: no "
		"route, nobody who answers ARP or neighbour discovery, forwarding that is off, the "
		"chain and rule that "
		"dropped it, no answer, a refusal, what a router said. Exit code 0: it was "
		"answered; 1: it was not.\n\n"
		"A name is looked up as the container would: by its hosts file and its name "
		"server; its address of IPv4 is taken. An address of IPv6 stands in brackets where "
		"a port follows.",
	.options = OPTIONS_FOR(struct path_values, options),
	.args = {2, 2},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = path_run,
};

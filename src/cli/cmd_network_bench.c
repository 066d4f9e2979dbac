/* SPDX-License-Identifier: Apache-2.0 */
/* hull network bench: how fast the kinds of networks are here. Read network/bench.h. */
#include <stdio.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "network/bench.h"

enum { EACH_MS = 200, TABLE_MAX = 4096 };

struct bench_values {
	bool json;
};

static int print_table(const struct bench_result *list, struct err *e)
{
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(TABLE_MAX);
	strbuf_puts(&s, "WAY\tROUND TRIP\tRATIO\tONE STREAM\n");
	for (size_t i = 0; i < BENCH_WAYS; i++)
		if (list[i].median_us > 0)
			strbuf_printf(&s, "%s\t%.1f us\t%.2f\t%.1f Gbit/s\n", list[i].way,
				      list[i].median_us, list[i].median_us / list[0].median_us,
				      list[i].gbit);
		else
			strbuf_printf(&s, "%s\tnot in this kernel\t\t\n", list[i].way);
	return table_print(stdout, strbuf_text(&s), s.len, 0, e);
}

static int print_json(const struct bench_result *list)
{
	CLEANUP_JSON struct json_object *a = json_object_new_array();
	for (size_t i = 0; i < BENCH_WAYS; i++) {
		struct json_object *o = json_object_new_object();
		json_add_string(o, "Way", list[i].way);
		json_object_object_add(o, "RoundTripMicroseconds",
				       json_object_new_double(list[i].median_us));
		json_object_object_add(o, "Gbits", json_object_new_double(list[i].gbit));
		json_object_array_add(a, o);
	}
	puts(json_object_to_json_string_ext(a, JSON_C_TO_STRING_PRETTY));
	return 0;
}

static int bench_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct bench_values *v = values;
	struct bench_result list[BENCH_WAYS];
	int r = network_bench(EACH_MS, list, e);
	return r < 0 ? r : v->json ? print_json(list) : print_table(list, e);
}

static const struct option options[] = {
	{"json", 0, OPTION_BOOL, .offset = offsetof(struct bench_values, json),
	 .help = "Print an array of JSON"},
};

const struct command command_network_bench = {
	.names = NAMES("network bench"),
	.synopsis = "[OPTIONS]",
	.summary = "Measure the kinds of networks of this machine side by side",
	.text = "Round trips of one byte (the median) and one stream of TCP, for 0.2 seconds each: "
		"by the loopback, a veth pair, a bridge between two containers, a published port "
		"from outside, macvlan and ipvlan. All is made in network namespaces that end with "
		"the command: nothing is in the host's own network.",
	.options = OPTIONS_FOR(struct bench_values, options),
	.run = bench_run,
};

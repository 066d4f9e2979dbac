/* SPDX-License-Identifier: Apache-2.0 */
/* hull top: the container's processes as the host sees them. */
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/text.h"

enum { TOP_OUTPUT_MAX = 16 * 1024 * 1024, TOP_COLUMN_MIN = 20 };

static int top_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct engine *en;
	struct top_table t;
	struct strv ps_args = {args->items + 1, args->count - 1, 0};
	struct strbuf text CLEANUP_STRBUF = STRBUF_MAX(TOP_OUTPUT_MAX);
	(void)values;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_top(en, args->items[0], &ps_args, &cli->arena, &t, e);
	if (r < 0)
		return r;
	strbuf_printf(&text, "%s\n", text_join(&cli->arena, &t.titles, "\t"));
	for (size_t i = 0; i < t.row_count; i++)
		strbuf_printf(&text, "%s\n", text_join(&cli->arena, &t.rows[i], "\t"));
	return table_print(stdout, strbuf_text(&text), text.len, TOP_COLUMN_MIN, e);
}

const struct command command_top = {
	.names = NAMES("top", "container top"),
	.synopsis = "CONTAINER [ps OPTIONS]",
	.summary = "Display the running processes of a container",
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.flags = COMMAND_STOP_AT_ARGUMENT,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = top_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build says while it works, on stderr: BuildKit's plain form, which people's eyes and
 * scripts know. "#4 [build 2/5] RUN make", its output as "#4 0.123 text", "#4 DONE 0.4s".
 */
#include "build/internal.h"

#include <string.h>

#include "base/clock.h"

static double seconds_since(int64_t ns)
{
	return (double)(clock_real_ns() - ns) / 1e9;
}

void vertex_begin(struct build *b, const struct build_stage *s, const struct instruction *in)
{
	b->vertex++;
	b->vertex_start = clock_real_ns();
	b->line_open = false;
	if (b->q->quiet)
		return;
	bool one = b->stage_count == 1;
	char number[24];
	snprintf(number, sizeof(number), "stage-%zu", s->index);
	fprintf(stderr, "#%zu [%s%s%zu/%zu] %s\n", b->vertex,
		one       ? ""
		: s->name ? s->name
			  : number,
		one ? "" : " ", s->step + 1, s->count + 1, in->text);
}

/* Control characters are the container's choice: only tabs come through, and colours. */
static void put(char c)
{
	if ((unsigned char)c >= ' ' || c == '\t' || c == '\033')
		fputc(c, stderr);
}

void vertex_output(struct build *b, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !b->q->quiet; i++) {
		if (!b->line_open)
			fprintf(stderr, "#%zu %.3f ", b->vertex, seconds_since(b->vertex_start));
		b->line_open = data[i] != '\n';
		if (b->line_open)
			put(data[i]);
		else
			fputc('\n', stderr);
	}
}

void vertex_end(struct build *b, const char *how)
{
	if (b->q->quiet || !b->vertex)
		return;
	if (b->line_open)
		fputc('\n', stderr);
	b->line_open = false;
	if (how)
		fprintf(stderr, "#%zu %s\n\n", b->vertex, how);
	else
		fprintf(stderr, "#%zu DONE %.1fs\n\n", b->vertex, seconds_since(b->vertex_start));
}

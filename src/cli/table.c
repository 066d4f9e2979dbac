/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alignment of tab-separated text. One pass per column: find each run of lines that have the
 * column, and give its cells one width. Read table.h first.
 */
#include "cli/table.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

struct cell {
	const char *text;
	size_t len, width; /* width: 0 for the last cell of a line, which needs none */
};
struct line {
	struct cell *cells;
	size_t count; /* cells that end with a tab, plus one */
};
struct table {
	struct line *lines;
	size_t count, columns, width_min;
};

static size_t count_char(const char *text, size_t len, char c)
{
	size_t count = 0;
	for (const char *p = text; (p = memchr(p, c, len - (size_t)(p - text))); p++)
		count++;
	return count;
}

static void split_line(struct line *l, const char *text, size_t len, struct arena *a)
{
	l->count = count_char(text, len, '\t') + 1;
	l->cells = arena_array(a, l->count, sizeof(struct cell));
	for (size_t i = 0; i < l->count; i++) {
		const char *tab = memchr(text, '\t', len);
		size_t cell = tab ? (size_t)(tab - text) : len;
		l->cells[i] = (struct cell){text, cell, 0};
		text += cell + 1;
		len -= tab ? cell + 1 : cell;
	}
}

static void split(struct table *t, const char *text, size_t len, struct arena *a)
{
	t->lines = arena_array(a, t->count, sizeof(struct line));
	for (size_t i = 0; i < t->count; i++) {
		size_t line = (size_t)((const char *)memchr(text, '\n', len) - text);
		split_line(&t->lines[i], text, line, a);
		if (t->lines[i].count > t->columns)
			t->columns = t->lines[i].count;
		text += line + 1;
		len -= line + 1;
	}
}

/* Lines [from, to) all have column @c: one width for it. */
static void measure_run(struct table *t, size_t from, size_t to, size_t c)
{
	size_t width = t->width_min;
	for (size_t i = from; i < to; i++) {
		const struct cell *cell = &t->lines[i].cells[c];
		size_t own = utf8_count(cell->text, cell->len) + TABLE_PADDING;
		if (own > width)
			width = own;
	}
	for (size_t i = from; i < to; i++)
		t->lines[i].cells[c].width = width;
}

static void measure(struct table *t)
{
	for (size_t c = 0; c + 1 < t->columns; c++)
		for (size_t from = 0, to; from < t->count; from = to) {
			for (to = from; to < t->count && t->lines[to].count > c + 1; to++)
				;
			if (to > from)
				measure_run(t, from, to, c);
			else
				to++;
		}
}

int table_print(FILE *out, const char *text, size_t len, size_t width_min, struct err *e)
{
	struct arena arena __attribute__((cleanup(arena_free))) = {0};
	struct table t = {.count = count_char(text, len, '\n'), .width_min = width_min};
	if (t.count > TABLE_LINES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d lines", TABLE_LINES_MAX);
	split(&t, text, len, &arena);
	measure(&t);
	for (size_t i = 0; i < t.count; i++) {
		for (size_t c = 0; c < t.lines[i].count; c++) {
			const struct cell *cell = &t.lines[i].cells[c];
			fwrite(cell->text, 1, cell->len, out);
			size_t used = utf8_count(cell->text, cell->len);
			if (cell->width > used)
				fprintf(out, "%*s", (int)(cell->width - used), "");
		}
		fputc('\n', out);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on ECMA-48's CUU and EL. Read progress.h first. */
#include "cli/progress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { SHOW_EVERY_MS = 50, JSON_EVERY_MS = 100 };

static void put_line(const struct progress *p, const struct progress_line *l)
{
	const struct progress_words *w = p->words;
	char bar[IMAGE_PROGRESS_BAR_SIZE];
	fprintf(p->to, "\r\033[K%s: ", l->layer);
	if (l->finished)
		fputs(l->existed ? w->existed : w->finished, p->to);
	else if (!l->done)
		fputs(w->begins ? w->begins : w->goes_on, p->to);
	else
		fprintf(p->to, "%s  %s", w->goes_on, image_progress_bar(l->done, l->total, bar));
	fputc('\n', p->to);
}

static void redraw(struct progress *p, bool now)
{
	size_t count = 0;
	if (!now && clock_ms() - p->shown < SHOW_EVERY_MS)
		return;
	p->shown = clock_ms();
	if (p->height)
		fprintf(p->to, "\033[%zuA", p->height);
	for (size_t i = 0; i < PROGRESS_LINES_MAX; i++)
		if (p->lines[i].begun) {
			put_line(p, &p->lines[i]);
			count++;
		}
	p->height = count;
	fflush(p->to);
}

static void say_plainly(const struct progress *p, const struct progress_line *l, bool first)
{
	const struct progress_words *w = p->words;
	if (l->finished)
		fprintf(p->to, "%s: %s\n", l->layer, l->existed ? w->existed : w->finished);
	else if (first && w->begins)
		fprintf(p->to, "%s: %s\n", l->layer, w->begins);
	fflush(p->to);
}

int progress_form(const char *name, FILE *to, enum progress_form *ret, struct err *e)
{
	static const char *const names[] = {"plain", "tty", "json"};
	for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum progress_form)i;
			return 0;
		}
	if (name && strcmp(name, "auto"))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid progress mode \"%.32s\": use auto, plain, tty or json",
			       name);
	*ret = isatty(fileno(to)) ? PROGRESS_TTY : PROGRESS_PLAIN;
	return 0;
}

void progress_say(const struct progress *p, const char *fmt, ...)
{
	char *text;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (p->form == PROGRESS_JSON) {
		struct json_object *o = json_object_new_object();
		json_add_string(o, "status", text);
		json_put_line(p->to, o);
	} else {
		fprintf(p->to, "%s\n", text);
		fflush(p->to);
	}
	free(text);
}

int progress_result(const struct progress *p, int r, const struct err *e)
{
	if (r < 0 && p->to && p->form == PROGRESS_JSON)
		json_put_line(p->to, image_failed_json(e));
	return r;
}

static void say_json(struct progress *p, const struct image_progress *i, bool first)
{
	const struct progress_words *w = p->words;
	if (first && w->begins && !i->existed)
		json_put_line(p->to, image_progress_json(i, w->begins, false));
	if (i->finished) {
		json_put_line(p->to,
			      image_progress_json(i, i->existed ? w->existed : w->finished, false));
	} else if (i->done && clock_ms() - p->shown >= JSON_EVERY_MS) {
		p->shown = clock_ms();
		json_put_line(p->to, image_progress_json(i, w->goes_on, true));
	}
}

void progress_show(const struct image_progress *from, void *ctx)
{
	struct progress *p = ctx;
	if (from->index >= PROGRESS_LINES_MAX)
		return;
	struct progress_line *l = &p->lines[from->index];
	bool first = !l->begun;
	*l = (struct progress_line){.done = from->done,
				    .total = from->total,
				    .begun = true,
				    .finished = from->finished,
				    .existed = from->existed};
	snprintf(l->layer, sizeof(l->layer), "%s", from->layer);
	if (p->form == PROGRESS_JSON)
		say_json(p, from, first);
	else if (p->form == PROGRESS_TTY)
		redraw(p, first || from->finished);
	else
		say_plainly(p, l, first);
}

void progress_end(struct progress *p)
{
	memset(p->lines, 0, sizeof(p->lines));
	p->height = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build says while it works, on stderr. Plain, in BuildKit's form, which people's eyes and
 * scripts know: "#4 [build 2/5] RUN make", its output as "#4 0.123 text", "#4 DONE 0.4s". On a
 * terminal what is done is a line each, and below them stands what runs, with the end of its
 * output, written over in place (ECMA-48's CUU and ED).
 */
#include "build/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "linux/tty.h"

enum { LINE_MOST = 4096, SHOW_EVERY_MS = 100, SHOWN_LINES = 6 };

static void put_json(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, key, value);
	json_put_line(stdout, o);
}

/* Words of the plain form: by themselves on stderr, or {"stream": ...} on stdout. */
static void __attribute__((format(printf, 2, 3))) say(const struct build *b, const char *fmt, ...)
{
	char *text;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (!b->q->json)
		fputs(text, stderr);
	else
		put_json("stream", json_of_string(text));
	free(text);
}

static double seconds_since(int64_t ns)
{
	return (double)(clock_real_ns() - ns) / 1e9;
}

void progress_begin(struct build *b)
{
	b->tty = !b->q->quiet && b->q->tty;
	id_new(b->trace_id);
	b->started = clock_real_ns();
}

/* ---- on a terminal ---- */

/* @text in @width columns, near enough: each character has one. */
static void put_cut(const char *text, size_t width)
{
	uint32_t c;
	size_t at = 0, len = strlen(text);
	for (; width && at < len; width--)
		at += utf8_decode(text + at, len - at, &c);
	fprintf(stderr, "%.*s%*s", (int)at, text, (int)width, "");
}

static void erase(struct build *b)
{
	if (b->drawn)
		fprintf(stderr, "\033[%zuA\033[J", b->drawn);
	b->drawn = 0;
}

static void put_vertex(const struct vertex *v, const char *how, size_t columns)
{
	char time[32];
	int n = snprintf(time, sizeof(time), " %.1fs", seconds_since(v->start));
	char *line = NULL;
	if (asprintf(&line, " => %s%s%s", how, *how ? " " : "", v->name) < 0)
		return;
	put_cut(line, columns - (size_t)n);
	free(line);
	fprintf(stderr, "%s\n", time);
}

static void draw(struct build *b)
{
	unsigned rows = 24, columns = 80;
	tty_size(&rows, &columns);
	rows = rows < 4 ? 4 : rows;
	columns = columns < 20 ? 20 : columns - 1;
	erase(b);
	for (size_t i = 0; i < b->stage_count; i++) {
		const struct vertex *v = &b->stages[i].vertex;
		if (!v->number || b->drawn + 2 > rows)
			continue;
		put_vertex(v, "", columns);
		b->drawn++;
		size_t first = v->lines > SHOWN_LINES ? v->lines - SHOWN_LINES : 0;
		for (; first < v->lines && b->drawn + 2 <= rows; first++, b->drawn++) {
			fputs(" => => # ", stderr);
			put_cut(v->tail[first % VERTEX_TAIL], columns - 9);
			fputc('\n', stderr);
		}
	}
	b->shown = clock_ms();
	fflush(stderr);
}

int vertex_tick(struct build *b)
{
	if (b->tty && clock_ms() - b->shown >= SHOW_EVERY_MS)
		draw(b);
	return b->tty ? SHOW_EVERY_MS : -1;
}

/* What would move the cursor goes; of a bar that is written over and over its last state stays. */
static void keep_line(struct build *b, struct vertex *v, const char *text)
{
	const char *last = strrchr(text, '\r');
	if (last && last[1])
		text = last + 1;
	char *line = arena_strdup(b->a, text), *to = line;
	for (const char *from = text; *from; from++) {
		if (*from == '\033' && from[1] == '[')
			from += 1 + strcspn(from + 1, "ABCDEFGHJKSTfhlmnsu");
		else if (*from == '\t')
			*to++ = ' ';
		else if ((unsigned char)*from >= ' ' && *from != 127)
			*to++ = *from;
		if (!*from)
			break;
	}
	*to = '\0';
	v->tail[v->lines++ % VERTEX_TAIL] = line;
}

/* ---- both ---- */

/* Control characters are the container's choice: only tabs come through, and colours. */
static void put_plain(struct build *b, struct vertex *v, const char *text)
{
	char line[LINE_MOST + 1];
	size_t len = 0;
	for (; *text && len < LINE_MOST; text++)
		if ((unsigned char)*text >= ' ' || *text == '\t' || *text == '\033')
			line[len++] = *text;
	line[len] = '\0';
	say(b, "#%zu %.3f %s\n", v->number, seconds_since(v->start), line);
}

static void end_line(struct build *b, struct vertex *v)
{
	(b->tty ? keep_line : put_plain)(b, v, strbuf_text(&v->line));
	v->line.len = 0;
}

/* A step that waited is begun again. */
void vertex_begin(struct build *b, struct build_stage *s, const struct instruction *in)
{
	struct vertex *v = &s->vertex;
	char number[24];
	bool one = b->stage_count == 1;
	if (v->number)
		return;
	snprintf(number, sizeof(number), "stage-%zu", s->index);
	*v = (struct vertex){.number = ++b->vertex,
			     .start = clock_real_ns(),
			     .line = STRBUF_MAX(LINE_MOST + 1),
			     .name = arena_printf(b->a, "[%s%s%zu/%zu] %s",
						  one       ? ""
						  : s->name ? s->name
							    : number,
						  one ? "" : " ", stage_step(s) + 1, s->count + 1,
						  in->text)};
	if (b->q->trace) {
		status_begin(b, v);
	} else if (b->tty) {
		v->name[strcspn(v->name, "\n\r\033")] = '\0';
		draw(b);
	} else if (!b->q->quiet) {
		say(b, "#%zu %s\n", v->number, v->name);
	}
}

void vertex_output(struct build *b, struct build_stage *s, const char *data, size_t len)
{
	struct vertex *v = &s->vertex;
	if (b->q->trace) {
		status_output(b, v, data, len);
		return;
	}
	for (size_t i = 0; i < len && !b->q->quiet; i++) {
		if (data[i] != '\n' && data[i])
			strbuf_putc(&v->line, data[i]);
		if (data[i] == '\n' || v->line.len == LINE_MOST)
			end_line(b, v);
	}
	vertex_tick(b);
}

/* The output of what failed stays, as nobody may have seen it. */
static void settle(struct build *b, struct vertex *v, const char *how)
{
	unsigned rows, columns = 80;
	tty_size(&rows, &columns);
	erase(b);
	put_vertex(v, how ? how : "", columns < 20 ? 20 : columns - 1);
	if (how && !strcmp(how, "ERROR"))
		for (size_t i = v->lines > VERTEX_TAIL ? v->lines - VERTEX_TAIL : 0; i < v->lines;
		     i++)
			fprintf(stderr, " => => # %s\n", v->tail[i % VERTEX_TAIL]);
	v->number = 0;
	draw(b);
}

void vertex_end(struct build *b, struct build_stage *s, const char *how)
{
	struct vertex *v = &s->vertex;
	if (v->number && v->line.len)
		end_line(b, v);
	strbuf_free(&v->line);
	if (b->q->trace && v->number)
		status_end(b, v, how, b->why);
	else if (b->tty && v->number)
		settle(b, v, how);
	else if (b->q->quiet || !v->number)
		;
	else if (how)
		say(b, "#%zu %s\n\n", v->number, how);
	else
		say(b, "#%zu DONE %.1fs\n\n", v->number, seconds_since(v->start));
	v->number = 0;
}

void progress_image(struct build *b, const char *id)
{
	char lead[24];
	if (b->q->trace)
		status_image(b, id);
	if (b->q->trace || b->q->quiet || b->q->output != BUILD_IMAGE)
		return;
	snprintf(lead, sizeof(lead), b->tty ? " =>" : "#%zu", ++b->vertex);
	say(b, "%s writing image sha256:%s\n", lead, id);
	for (size_t i = 0; i < b->q->tags.count; i++)
		say(b, "%s naming to %s\n", lead, b->q->tags.items[i]);
	if (b->tty)
		fprintf(stderr, "[+] Building %.1fs FINISHED\n", seconds_since(b->started));
	else
		say(b, "%s DONE\n", lead);
	if (b->q->json) {
		struct json_object *aux = json_object_new_object();
		json_add(aux, "ID", json_object_new_string(arena_printf(b->a, "sha256:%s", id)));
		put_json("aux", aux);
	}
}

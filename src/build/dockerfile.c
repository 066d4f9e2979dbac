/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing Dockerfiles; the grammar is the Dockerfile reference's. Physical lines are cut first;
 * then each instruction takes the lines that it goes on over (comments and empty lines among them
 * are left out) and the lines of its here-documents. Read dockerfile.h first.
 */
#include "build/dockerfile.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"
#include "base/suggest.h"

#define BLANK " \t\r\f\v"

enum { HEREDOCS = 1 };

static const struct {
	const char *name;
	unsigned traits;
	const char *flags; /* that it takes; with "=": they have a value */
} table[INSTRUCTION_KINDS] = {
	[INSTRUCTION_ADD] = {"ADD", HEREDOCS,
			     "chown= chmod= link exclude= checksum= keep-git-dir unpack"},
	[INSTRUCTION_ARG] = {"ARG"},
	[INSTRUCTION_CMD] = {"CMD"},
	[INSTRUCTION_COPY] = {"COPY", HEREDOCS, "from= chown= chmod= link parents exclude="},
	[INSTRUCTION_ENTRYPOINT] = {"ENTRYPOINT"},
	[INSTRUCTION_ENV] = {"ENV"},
	[INSTRUCTION_EXPOSE] = {"EXPOSE"},
	[INSTRUCTION_FROM] = {"FROM", 0, "platform="},
	[INSTRUCTION_HEALTHCHECK] = {"HEALTHCHECK"},
	[INSTRUCTION_LABEL] = {"LABEL"},
	[INSTRUCTION_MAINTAINER] = {"MAINTAINER"},
	[INSTRUCTION_ONBUILD] = {"ONBUILD"},
	[INSTRUCTION_RUN] = {"RUN", HEREDOCS, "mount= network= security="},
	[INSTRUCTION_SHELL] = {"SHELL"},
	[INSTRUCTION_STOPSIGNAL] = {"STOPSIGNAL"},
	[INSTRUCTION_USER] = {"USER"},
	[INSTRUCTION_VOLUME] = {"VOLUME"},
	[INSTRUCTION_WORKDIR] = {"WORKDIR"},
};

struct parser {
	struct dockerfile *d;
	struct arena *a;
	size_t next; /* line, from 0 */
	struct err *e;
};

static int wrong(struct parser *p, int line, const char *what)
{
	return err_set(p->e, EINVAL, ERR_INVALID, "%s:%d: %s", p->d->name, line, what);
}

static const char *skip_blank(const char *s)
{
	return s + strspn(s, BLANK);
}

/* ---- instructions: their name and flags ---- */

static int unknown(struct parser *p, const struct instruction *in)
{
	struct suggestion s = suggestion_for(in->typed);
	for (size_t i = 0; i < INSTRUCTION_KINDS; i++)
		suggestion_offer(&s, table[i].name);
	wrong(p, in->first, arena_printf(p->a, "unknown instruction: %.64s", in->typed));
	if (s.name)
		err_hint(p->e, "did you mean %s?", s.name);
	return -EINVAL;
}

static int find_kind(struct parser *p, struct instruction *in)
{
	char upper[SUGGEST_WORD_MAX] = "";
	for (size_t i = 0; in->typed[i] && i + 1 < sizeof(upper); i++)
		upper[i] = (char)toupper((unsigned char)in->typed[i]);
	for (size_t i = 0; i < INSTRUCTION_KINDS; i++)
		if (!strcasecmp(in->typed, table[i].name)) {
			in->kind = (enum instruction_kind)i;
			in->name = table[i].name;
			return 0;
		}
	in->typed = arena_strdup(p->a, strlen(in->typed) < sizeof(upper) ? upper : in->typed);
	return unknown(p, in);
}

/* A word and the quotes in it, which stay. */
static size_t word_len(const char *s, char escape)
{
	char quote = 0;
	size_t n = 0;
	for (; s[n] && (quote || !strchr(BLANK "\n", s[n])); n++) {
		if (s[n] == escape && quote != '\'' && s[n + 1])
			n++;
		else if (quote ? s[n] == quote : s[n] == '"' || s[n] == '\'')
			quote = quote ? 0 : s[n];
	}
	return n;
}

/* Which stages are needed is known from the text alone, before any variable has a value: what a
 * flag takes from is a plain name. Its quotes mean nothing, and are taken out here. */
static int plain_from(struct parser *p, const struct instruction *in, char *flag)
{
	static const char key[] = "from=";
	const char refused[] = {'$', p->d->escape, '\0'};
	for (char *at = flag; (at = strstr(at, key));) {
		char *to = at + strlen(key), *end = to + strcspn(to, ",");
		bool own = at == flag || at[-1] == ',' || (at == flag + 6 && at[-1] == '=');
		at = to;
		if (!own)
			continue;
		if (strcspn(to, refused) < (size_t)(end - to)) {
			wrong(p, in->first,
			      arena_printf(p->a, "from=%.*s: no variables here", (int)(end - to),
					   to));
			err_hint(p->e, "name a stage by FROM $VARIABLE AS NAME, with an ARG before "
				       "the first FROM, and take from that");
			return -EINVAL;
		}
		for (const char *c = to; c < end; c++)
			if (*c != '"' && *c != '\'')
				*to++ = *c;
		memmove(to, end, strlen(end) + 1);
	}
	return 0;
}

static int take_flag(struct parser *p, struct instruction *in, char *word)
{
	size_t len = strcspn(word, "=");
	struct strv known = {0};
	char *rest = arena_strdup(p->a, table[in->kind].flags);
	for (char *name; (name = strsep(&rest, " "));) {
		size_t n = strcspn(name, "=");
		bool valued = name[n] == '=';
		name[n] = '\0';
		strv_push(p->a, &known, name);
		if (n != len || strncmp(name, word, n))
			continue;
		if (valued && word[len] != '=')
			return wrong(p, in->first,
				     arena_printf(p->a, "missing a value on flag: --%s", name));
		bool takes = !strcmp(name, "from") || !strcmp(name, "mount");
		int r = takes ? plain_from(p, in, word) : 0;
		strv_push(p->a, &in->flags, word[len] ? word : arena_printf(p->a, "%s=true", name));
		return r;
	}
	char *typed = arena_strndup(p->a, word, len);
	struct suggestion s = suggestion_for(typed);
	for (size_t i = 0; i < known.count; i++)
		suggestion_offer(&s, known.items[i]);
	wrong(p, in->first, arena_printf(p->a, "unknown flag: --%.64s", typed));
	if (s.name)
		err_hint(p->e, "did you mean --%s?", s.name);
	return -EINVAL;
}

static int take_flags(struct parser *p, struct instruction *in)
{
	int r = 0;
	const char *at = in->rest;
	while (r == 0 && table[in->kind].flags && !strncmp(at, "--", 2)) {
		size_t n = word_len(at, p->d->escape);
		if (n > 2)
			r = take_flag(p, in, arena_strndup(p->a, at + 2, n - 2));
		at = skip_blank(at + n);
		if (n == 2)
			break;
	}
	in->rest = (char *)at;
	return r;
}

const char *instruction_flag(const struct instruction *in, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = in->flags.count; i-- > 0;)
		if (!strncmp(in->flags.items[i], name, len) && in->flags.items[i][len] == '=')
			return in->flags.items[i] + len + 1;
	return NULL;
}

bool instruction_has(const struct instruction *in, const char *name)
{
	const char *value = instruction_flag(in, name);
	return value && strcmp(value, "false") != 0;
}

/* ---- here-documents ---- */

/* "3<<-'NAME'" as a whole word. */
static bool parse_mark(struct parser *p, const char *word, struct heredoc *ret, bool *ret_strip)
{
	word += strspn(word, "0123456789");
	if (strncmp(word, "<<", 2) || strchr(word + 2, '<'))
		return false;
	word += 2;
	*ret_strip = *word == '-';
	word += *ret_strip;
	*ret = (struct heredoc){.name = arena_alloc(p->a, strlen(word) + 1), .expand = true};
	size_t n = 0;
	for (; *word; word++) {
		if (*word == '"' || *word == '\'' || *word == p->d->escape)
			ret->expand = false;
		else
			ret->name[n++] = *word;
	}
	return n > 0;
}

static int take_heredoc(struct parser *p, struct instruction *in, struct heredoc h, bool strip)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(DOCKERFILE_MAX);
	while (p->next < p->d->lines.count) {
		const char *line = p->d->lines.items[p->next++];
		if (strip)
			line += strspn(line, "\t");
		if (!strcmp(line, h.name)) {
			h.text = arena_strdup(p->a, strbuf_text(&text));
			*(struct heredoc *)array_push(p->a, &in->heredocs, sizeof(h)) = h;
			in->last = (int)p->next;
			return 0;
		}
		strbuf_puts(&text, line);
		strbuf_putc(&text, '\n');
	}
	return wrong(p, in->first,
		     arena_printf(p->a, "unterminated heredoc: no line is \"%.64s\"", h.name));
}

static int take_heredocs(struct parser *p, struct instruction *in)
{
	int r = 0;
	if (!(table[in->kind].traits & HEREDOCS) || *in->rest == '[')
		return 0;
	for (const char *at = in->rest; r == 0 && *at;) {
		size_t n = word_len(at, p->d->escape);
		struct heredoc h;
		bool strip;
		if (parse_mark(p, arena_strndup(p->a, at, n), &h, &strip)) {
			if (in->heredocs.count == DOCKERFILE_HEREDOCS_MAX)
				return wrong(p, in->first, "too many heredocs");
			r = take_heredoc(p, in, h, strip);
		}
		at += n;
		at += strspn(at, BLANK "\n");
	}
	return r;
}

/* ---- lines ---- */

static bool is_comment(const char *line)
{
	return *skip_blank(line) == '#';
}

/* An escape character at the end, perhaps with blanks behind, and none before it: the line goes on,
 * and is cut there. */
static bool goes_on(char *line, char escape)
{
	size_t len = strlen(line);
	while (len && strchr(" \t", line[len - 1]))
		len--;
	if (!len || line[len - 1] != escape || (len > 1 && line[len - 2] == escape))
		return false;
	line[len - 1] = '\0';
	return true;
}

static int join(struct parser *p, struct instruction *in, struct strbuf *text)
{
	bool more = true;
	while (more && p->next < p->d->lines.count) {
		char *line = arena_strdup(p->a, p->d->lines.items[p->next++]);
		if (text->len && (is_comment(line) || !*skip_blank(line))) {
			in->gap |= !*skip_blank(line);
			continue;
		}
		more = goes_on(line, p->d->escape);
		strbuf_puts(text, text->len ? line : skip_blank(line));
		in->last = (int)p->next;
		if (!text->len) /* nothing but the escape character */
			strbuf_putc(text, ' ');
	}
	while (text->len && strchr(BLANK, text->buf[text->len - 1]))
		text->buf[--text->len] = '\0';
	return strbuf_ok(text) ? 0 : wrong(p, in->first, "the instruction is too long");
}

static int take_instruction(struct parser *p, struct instruction *in)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(DOCKERFILE_INSTRUCTION_MAX);
	*in = (struct instruction){.first = (int)p->next + 1};
	int r = join(p, in, &text);
	if (r < 0)
		return r;
	const char *all = skip_blank(strbuf_text(&text));
	size_t n = strcspn(all, BLANK);
	in->typed = arena_strndup(p->a, all, n);
	in->rest = arena_strdup(p->a, skip_blank(all + n));
	r = find_kind(p, in);
	if (r < 0)
		return r;
	in->text = arena_printf(p->a, "%s%s%s", in->name, *in->rest ? " " : "", in->rest);
	r = take_flags(p, in);
	if (r == 0 && !*in->rest)
		r = wrong(p, in->first, arena_printf(p->a, "%s requires an argument", in->name));
	return r < 0 ? r : take_heredocs(p, in);
}

/* "# syntax=..." on the first lines, before any other comment, empty line or instruction. */
static int take_directives(struct parser *p)
{
	for (; p->next < p->d->lines.count; p->next++) {
		const char *at = skip_blank(p->d->lines.items[p->next]);
		if (*at++ != '#')
			break;
		at = skip_blank(at);
		size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		const char *value = skip_blank(at + n);
		if (!n || *value != '=')
			break;
		value = skip_blank(value + 1);
		size_t len = strlen(value);
		while (len && strchr(BLANK, value[len - 1]))
			len--;
		char *key = arena_strndup(p->a, at, n), *text = arena_strndup(p->a, value, len);
		if (!strcasecmp(key, "syntax"))
			p->d->syntax = text;
		else if (!strcasecmp(key, "check"))
			p->d->check = text;
		else if (strcasecmp(key, "escape"))
			break;
		else if (strcmp(text, "\\") && strcmp(text, "`"))
			return wrong(p, (int)p->next + 1,
				     "invalid ESCAPE: must be ` or \\, one character");
		else
			p->d->escape = *text;
	}
	return 0;
}

static void cut_lines(struct parser *p, const char *text, size_t len)
{
	const char *end = text + len;
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((stop ? stop : end) - text);
		strv_push(p->a, &p->d->lines,
			  arena_strndup(p->a, text, n && text[n - 1] == '\r' ? n - 1 : n));
		text += n + 1;
	}
}

int dockerfile_parse(const char *name, const char *text, size_t len, struct arena *a,
		     struct dockerfile *ret, struct err *e)
{
	struct parser p = {ret, a, 0, e};
	*ret = (struct dockerfile){.name = name, .escape = '\\'};
	if (len > DOCKERFILE_MAX)
		return err_set(e, EFBIG, ERR_INVALID, "%s is larger than %d bytes", name,
			       DOCKERFILE_MAX);
	if (memchr(text, 0, len))
		return err_set(e, EINVAL, ERR_INVALID, "%s is no text: it has a zero byte", name);
	cut_lines(&p, text, len);
	int r = take_directives(&p);
	/* No instruction is shorter than a line. */
	ret->items = arena_array(a, ret->lines.count + 1, sizeof(*ret->items));
	while (r == 0 && p.next < ret->lines.count) {
		const char *line = skip_blank(ret->lines.items[p.next]);
		if (!*line || *line == '#') {
			p.next++;
			continue;
		}
		if (ret->count == DOCKERFILE_INSTRUCTIONS_MAX)
			return wrong(&p, (int)p.next + 1, "too many instructions");
		r = take_instruction(&p, &ret->items[ret->count++]);
	}
	if (r == 0 && !ret->count)
		r = err_set(e, EINVAL, ERR_INVALID, "file with no instructions: %s", name);
	return r;
}

int dockerfile_parse_one(const char *text, char escape, int line, struct arena *a,
			 struct instruction *ret, struct err *e)
{
	struct dockerfile d = {.name = "ONBUILD", .escape = escape};
	struct parser p = {&d, a, 0, e};
	cut_lines(&p, text, strlen(text));
	int r = take_instruction(&p, ret);
	ret->first = ret->last = line;
	return r;
}

void dockerfile_show(const struct dockerfile *d, int first, int last, FILE *to)
{
	enum { AROUND = 2 };
	static const char rule[] = "--------------------";
	int from = first > AROUND ? first - AROUND : 1, end = last + AROUND;
	fprintf(to, "%s:%d\n%s\n", d->name, first, rule);
	for (int i = from; i <= end && i <= (int)d->lines.count; i++)
		fprintf(to, "%4d | %s %s\n", i, i >= first && i <= last ? ">>>" : "   ",
			d->lines.items[i - 1]);
	fprintf(to, "%s\n", rule);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expanding words. A recursive descent over the text: a word of a modifier is a word again.
 * Invariant: the result is bounded by EXPAND_MAX, the depth by EXPAND_DEPTH_MAX. Read expand.h
 * first.
 */
#include "build/expand.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

enum { WORDS_MAX = 1024 };

struct cursor {
	const struct expand *x;
	const char *at;
	bool raw; /* quotes and escapes are ordinary characters */
	int depth;
	struct err *e;
};

static int bad(struct cursor *c, const char *what)
{
	return err_set(c->e, EINVAL, ERR_INVALID, "%s in \"%.100s\"", what, c->at);
}

static const char *lookup(const struct expand *x, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(x->vars); i++) {
		const char *value = x->vars[i] ? strv_get_env(x->vars[i], name) : NULL;
		if (value)
			return value;
	}
	return NULL;
}

static void note_missing(const struct expand *x, const char *name)
{
	for (size_t i = 0; x->missing && i < x->missing->count; i++)
		if (!strcmp(x->missing->items[i], name))
			return;
	if (x->missing)
		strv_push(x->a, x->missing, name);
}

static int words_until(struct cursor *c, const char *stops, struct strbuf *out);

/* The word of a modifier, up to one of @stops. */
static int inner(struct cursor *c, const char *stops, char **ret)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(EXPAND_MAX);
	if (c->depth++ > EXPAND_DEPTH_MAX)
		return bad(c, "too many nested substitutions");
	int r = words_until(c, stops, &out);
	c->depth--;
	*ret = arena_strdup(c->x->a, strbuf_text(&out));
	return r;
}

/* Does @pattern ("*", "?", and others themselves) match all of @text[0..len)? Two fingers: a star
 * takes one character more when the rest does not fit. */
static bool glob(const char *pattern, const char *text, size_t len)
{
	const char *star = NULL, *end = text + len, *back = text;
	while (text < end || *pattern) {
		if (*pattern == '*') {
			star = pattern++;
			back = text;
		} else if (text < end && *pattern == '\\' && pattern[1] == *text) {
			pattern += 2;
			text++;
		} else if (text < end && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (star && back < end) {
			pattern = star + 1;
			text = ++back;
		} else {
			return false;
		}
	}
	return true;
}

/* ${X#pattern}, ##, %, %% */
static char *trim(struct arena *a, const char *value, const char *pattern, bool suffix,
		  bool longest)
{
	size_t len = strlen(value);
	for (size_t i = 0; i <= len; i++) {
		size_t n = longest ? len - i : i; /* bytes that go */
		if (glob(pattern, suffix ? value + len - n : value, n))
			return suffix ? arena_strndup(a, value, len - n)
				      : arena_strdup(a, value + n);
	}
	return arena_strdup(a, value);
}

/* ${X/pattern/replacement}, //: the longest match at each place. */
static int replace(struct cursor *c, const char *value, const char *pattern, const char *with,
		   bool all, char **ret)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(EXPAND_MAX);
	bool done = false;
	while (*value) {
		size_t n = *pattern && (all || !done) ? strlen(value) : 0;
		while (n && !glob(pattern, value, n))
			n--;
		if (n) {
			strbuf_puts(&out, with);
			done = true;
		} else {
			strbuf_putc(&out, *value);
			n = 1;
		}
		value += n;
	}
	*ret = arena_strdup(c->x->a, strbuf_text(&out));
	return strbuf_ok(&out) ? 0 : bad(c, "too long a substitution");
}

/* Behind the name, within braces. @value NULL: not set. */
static int modify(struct cursor *c, const char *name, const char *value, char **ret)
{
	char *word, *with = "";
	bool colon = *c->at == ':';
	char op = c->at[colon];
	if (colon && !strchr("-+?", op))
		return bad(c, "unsupported modifier");
	if (op && strchr("-+?", op)) {
		c->at += colon + 1;
		bool there = value && (!colon || *value);
		int r = inner(c, "}", &word);
		if (r == 0 && op == '?' && !there)
			return err_set(c->e, EINVAL, ERR_INVALID, "%.64s: %.200s", name,
				       *word ? word : "not set");
		*ret = op == '+' ? (there ? word : "") : there ? (char *)value : word;
		return r;
	}
	if (!op || !strchr("#%/", op))
		return bad(c, "unsupported modifier");
	bool twice = c->at[1] == op;
	c->at += 1 + twice;
	/* Patterns keep their backslashes: they have a meaning in them. */
	int r = inner(c, op == '/' ? "/}" : "}", &word);
	if (r == 0 && op == '/' && *c->at == '/') {
		c->at++;
		r = inner(c, "}", &with);
	}
	if (r < 0)
		return r;
	if (strlen(value ? value : "") > EXPAND_MATCH_MAX)
		return bad(c, "too long a value to match");
	if (op == '/')
		return replace(c, value ? value : "", word, with, twice, ret);
	*ret = trim(c->x->a, value ? value : "", word, op == '%', twice);
	return 0;
}

static size_t name_len(const char *s)
{
	size_t n = 0;
	if (isdigit((unsigned char)*s) || (*s && strchr("@*#?-$!", *s)))
		return 1;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* At "$". */
static int variable(struct cursor *c, struct strbuf *out)
{
	bool braces = c->at[1] == '{';
	const char *at = c->at + 1 + braces;
	size_t n = name_len(at);
	if (!n && !braces) {
		strbuf_putc(out, '$');
		c->at++;
		return 0;
	}
	if (!n)
		return bad(c, "bad substitution");
	char *name = arena_strndup(c->x->a, at, n), *text = "";
	const char *value = lookup(c->x, name);
	c->at = at + n;
	int r = 0;
	if (!braces || *c->at == '}') {
		if (!value)
			note_missing(c->x, name);
		text = (char *)(value ? value : "");
	} else {
		r = modify(c, name, value, &text);
	}
	if (r < 0)
		return r;
	if (braces && *c->at++ != '}') {
		c->at--;
		return bad(c, "syntax error: missing '}'");
	}
	strbuf_puts(out, text);
	return 0;
}

static int single_quoted(struct cursor *c, struct strbuf *out)
{
	const char *end = strchr(c->at + 1, '\'');
	if (!end)
		return bad(c,
			   "unexpected end of statement while looking for matching single-quote");
	strbuf_add(out, c->at + 1, (size_t)(end - c->at - 1));
	c->at = end + 1;
	return 0;
}

static int double_quoted(struct cursor *c, struct strbuf *out)
{
	for (c->at++; *c->at != '"';) {
		if (!*c->at)
			return bad(c, "unexpected end of statement while looking for matching "
				      "double-quote");
		if (*c->at == '$') {
			int r = variable(c, out);
			if (r < 0)
				return r;
			continue;
		}
		if (*c->at == c->x->escape && c->at[1] &&
		    (strchr("\"$", c->at[1]) || c->at[1] == c->x->escape))
			c->at++;
		strbuf_putc(out, *c->at++);
	}
	c->at++;
	return 0;
}

static int words_until(struct cursor *c, const char *stops, struct strbuf *out)
{
	int r = 0;
	while (r == 0 && *c->at && !strchr(stops, *c->at)) {
		if (*c->at == '$')
			r = variable(c, out);
		else if (!c->raw && *c->at == '\'')
			r = single_quoted(c, out);
		else if (!c->raw && *c->at == '"')
			r = double_quoted(c, out);
		else if (*c->at == c->x->escape && c->at[1] && (!c->raw || c->at[1] == '$'))
			strbuf_putc(out, c->at[1]), c->at += 2;
		else
			strbuf_putc(out, *c->at++);
	}
	if (r == 0 && !strbuf_ok(out))
		r = bad(c, "too long a result");
	return r;
}

static int expand(const struct expand *x, const char *text, bool raw, char **ret, struct err *e)
{
	struct cursor c = {.x = x, .at = text, .raw = raw, .e = e};
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(EXPAND_MAX);
	int r = words_until(&c, "", &out);
	if (r == 0)
		*ret = arena_strdup(x->a, strbuf_text(&out));
	return r;
}

int expand_word(const struct expand *x, const char *text, char **ret, struct err *e)
{
	return expand(x, text, false, ret, e);
}

int expand_text(const struct expand *x, const char *text, char **ret, struct err *e)
{
	return expand(x, text, true, ret, e);
}

int expand_split(const char *text, char escape, struct arena *a, struct strv *ret, struct err *e)
{
	text += strspn(text, " \t\r\n");
	while (*text) {
		char quote = 0;
		size_t n = 0;
		for (; text[n] && (quote || !isspace((unsigned char)text[n])); n++) {
			if (text[n] == escape && quote != '\'' && text[n + 1])
				n++;
			else if (quote ? text[n] == quote : text[n] == '"' || text[n] == '\'')
				quote = quote ? 0 : text[n];
		}
		if (ret->count == WORDS_MAX)
			return err_set(e, E2BIG, ERR_INVALID, "more than %d words", WORDS_MAX);
		strv_push(a, ret, arena_strndup(a, text, n));
		text += n;
		text += strspn(text, " \t\r\n");
	}
	return 0;
}

/* ---- patterns of paths ---- */

/* At "[" of Go's path.Match: the length of the class, 0 if it is malformed. */
static size_t class_matches(const char *p, char c, bool *ret)
{
	size_t i = 1;
	bool negated = p[i] == '^', found = false;
	i += negated;
	for (bool any = false; p[i] != ']' || !any; any = true) {
		if (p[i] == '\\')
			i++;
		if (!p[i])
			return 0;
		char low = p[i++], high = low;
		if (p[i] == '-' && p[i + 1] && p[i + 1] != ']') {
			i += p[i + 1] == '\\' ? 2 : 1;
			if (!p[i])
				return 0;
			high = p[i++];
		}
		found |= (unsigned char)low <= (unsigned char)c &&
			 (unsigned char)c <= (unsigned char)high;
	}
	*ret = found != negated;
	return i + 1;
}

/* One character of the pattern against one of the text: what the pattern takes, 0: no match. */
static size_t step(const char *p, char c)
{
	bool in;
	switch (*p) {
	case '?':
		return c != '/';
	case '[': {
		size_t n = class_matches(p, c, &in);
		return n && in && c != '/' ? n : 0;
	}
	case '\\':
		return p[1] && p[1] == c ? 2 : 0;
	default:
		return *p && *p == c;
	}
}

/* Two stars to go back to: "*" within a component, "**" over all. "**" has priority to fail last.
 */
bool pattern_matches(const char *p, const char *text, bool prefix)
{
	const char *star = NULL, *star_at = NULL, *deep = NULL, *deep_at = NULL;
	for (;;) {
		if (p[0] == '*' && p[1] == '*') {
			p += 2;
			if (*p == '/') /* "**" with its slash may be nothing at all */
				p++;
			else if (!*p)
				return true;
			deep = p;
			deep_at = text;
			star = NULL;
			continue;
		}
		if (*p == '*') {
			star = ++p;
			star_at = text;
			continue;
		}
		size_t n = *text ? step(p, *text) : 0;
		if (n) {
			p += n;
			text++;
			continue;
		}
		if (!*p && (!*text || (prefix && *text == '/')))
			return true;
		if (star && *star_at && *star_at != '/') {
			p = star;
			text = ++star_at;
			continue;
		}
		/* "**" gives one component more, or one character where no slash followed it. */
		if (!deep || !*deep_at)
			return false;
		if (deep[-1] == '/') {
			deep_at += strcspn(deep_at, "/");
			if (!*deep_at)
				return false;
		}
		p = deep;
		text = ++deep_at;
		star = NULL;
	}
}

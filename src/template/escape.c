/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping. Sources: the documentation of Go's encoding/json (Marshal), text/template (html, js,
 * urlquery), RFC 8259, RFC 3986 section 2.3. Read escape.h first.
 */
#include "template/escape.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/format.h"
#include "template/quote.h"

enum { DEPTH_MAX = 128 };

/* --- JSON --- */

static void json_rune(struct strbuf *out, uint32_t r)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *known = r && r < 0x80 ? strchr(plain, (int)r) : NULL;
	if (known)
		strbuf_printf(out, "\\%c", letters[known - plain]);
	else if (r < 0x20 || r == 0x2028 || r == 0x2029)
		strbuf_printf(out, "\\u%04x", r);
	else
		template_rune_put(out, r);
}

static void json_string(struct strbuf *out, struct span s)
{
	size_t width = 0;
	strbuf_putc(out, '"');
	for (; s.len; s.s += width, s.len -= width) {
		uint32_t r = template_rune(s, &width);
		if (r == RUNE_ERROR && width == 1)
			strbuf_puts(out, "\\ufffd");
		else
			json_rune(out, r);
	}
	strbuf_putc(out, '"');
}

static void json_value(struct strbuf *out, struct arena *scratch, const struct value *v, int depth);

static void json_list(struct strbuf *out, struct arena *scratch, const struct value *v, int depth)
{
	strbuf_putc(out, '[');
	for (size_t i = 0; i < v->count && strbuf_ok(out); i++) {
		struct value element = value_element(v, i);
		strbuf_puts(out, i ? "," : "");
		json_value(out, scratch, &element, depth);
	}
	strbuf_putc(out, ']');
}

static void json_map(struct strbuf *out, struct arena *scratch, const struct value *v, int depth)
{
	bool sorted = v->type && v->type->kind == TEMPLATE_MAP;
	const char **keys = sorted ? value_keys(v, scratch) : value_keys_unsorted(v, scratch);
	strbuf_putc(out, '{');
	for (size_t i = 0; keys[i] && strbuf_ok(out); i++) {
		struct value member = {0};
		struct span key = value_span(keys[i]);
		value_member(v, key, &member);
		strbuf_puts(out, i ? "," : "");
		json_string(out, key);
		strbuf_putc(out, ':');
		json_value(out, scratch, &member, depth);
	}
	strbuf_putc(out, '}');
}

static void json_container(struct strbuf *out, struct arena *scratch, const struct value *v,
			   int depth)
{
	bool typed = v->type && v->type->kind != TEMPLATE_STRUCT;
	if (depth >= DEPTH_MAX || (typed && !v->json)) /* a nil slice or map */
		strbuf_puts(out, "null");
	else if (v->kind == VALUE_LIST)
		json_list(out, scratch, v, depth + 1);
	else
		json_map(out, scratch, v, depth + 1);
}

static void json_value(struct strbuf *out, struct arena *scratch, const struct value *v, int depth)
{
	switch (v->kind) {
	case VALUE_BOOL:
		strbuf_puts(out, v->truth ? "true" : "false");
		break;
	case VALUE_INT:
		strbuf_printf(out, "%lld", (long long)v->integer);
		break;
	case VALUE_UINT:
		strbuf_printf(out, "%llu", (unsigned long long)v->natural);
		break;
	case VALUE_FLOAT:
		template_format_real(out, v->real, true);
		break;
	case VALUE_STRING:
		json_string(out, v->text);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		json_container(out, scratch, v, depth);
		break;
	default:
		strbuf_puts(out, "null");
	}
}

void template_escape_json(struct strbuf *out, struct arena *scratch, const struct value *v)
{
	json_value(out, scratch, v, 0);
}

/* --- HTML, JavaScript, URLs --- */

static const struct {
	char c;
	const char *html;
	const char *js;
} escapes[] = {
	{'\0', "\xEF\xBF\xBD", "\\u0000"},
	{'"', "&#34;", "\\\""},
	{'\'', "&#39;", "\\'"},
	{'&', "&amp;", "\\u0026"},
	{'<', "&lt;", "\\u003C"},
	{'>', "&gt;", "\\u003E"},
	{'\\', NULL, "\\\\"},
	{'=', NULL, "\\u003D"},
};

static size_t escape_of(char c)
{
	size_t i = 0;
	while (i < ARRAY_LEN(escapes) && escapes[i].c != c)
		i++;
	return i;
}

void template_escape_html(struct strbuf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		size_t e = escape_of(s.s[i]);
		if (e < ARRAY_LEN(escapes) && escapes[e].html)
			strbuf_puts(out, escapes[e].html);
		else
			strbuf_putc(out, s.s[i]);
	}
}

void template_escape_js(struct strbuf *out, struct span s)
{
	size_t width = 0;
	for (; s.len; s.s += width, s.len -= width) {
		uint32_t r = template_rune(s, &width);
		size_t e = escape_of(s.s[0]);
		if (e < ARRAY_LEN(escapes))
			strbuf_puts(out, escapes[e].js);
		else if (r >= 0x20 && (r < 0x80 || template_rune_printable(r)))
			strbuf_add(out, s.s, width);
		else
			strbuf_printf(out, "\\u%04X", r);
	}
}

void template_escape_url(struct strbuf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		if (c == ' ')
			strbuf_putc(out, '+');
		else if (c && c < 0x80 && (isalnum(c) || strchr("-_.~", c)))
			strbuf_putc(out, (char)c);
		else
			strbuf_printf(out, "%%%02X", c);
	}
}

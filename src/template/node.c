/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes written back as text, for messages; looking up definitions. Read node.h first. */
#include "template/node.h"

#include <string.h>

#include "base/cleanup.h"
#include "template/quote.h"

bool template_span_equal(struct span a, struct span b)
{
	return a.len == b.len && !memcmp(a.s, b.s, a.len);
}

const struct definition *template_definition(const struct template *t, struct span name)
{
	for (const struct definition *d = t->definitions; d; d = d->next)
		if (template_span_equal(d->name, name))
			return d;
	return NULL;
}

bool template_node_empty(const struct node *n)
{
	if (n->type == NODE_LIST) {
		for (const struct node *m = n->first; m; m = m->next)
			if (!template_node_empty(m))
				return false;
		return true;
	}
	if (n->type != NODE_TEXT)
		return false;
	for (size_t i = 0; i < n->text.len; i++)
		if (!n->text.s[i] || !strchr(" \t\r\n\v\f", n->text.s[i]))
			return false;
	return true;
}

static void print_members(const struct node *n, const char *between, struct strbuf *out)
{
	for (const struct node *m = n->first; m; m = m->next) {
		if (m != n->first)
			strbuf_puts(out, between);
		bool paren = m->type == NODE_PIPE && n->type != NODE_LIST;
		strbuf_puts(out, paren ? "(" : "");
		template_node_print(m, out);
		strbuf_puts(out, paren ? ")" : "");
	}
}

static void print_names(const struct node *n, const char *before, struct strbuf *out)
{
	for (size_t i = 0; i < n->name_count; i++) {
		strbuf_puts(out, i || n->type != NODE_PIPE ? before : "");
		strbuf_add(out, n->names[i].s, n->names[i].len);
	}
}

static void print_pipe(const struct node *n, struct strbuf *out)
{
	print_names(n, ", ", out);
	if (n->name_count)
		strbuf_puts(out, n->assign ? " = " : " := ");
	print_members(n, " | ", out);
}

static void print_template(const struct node *n, struct strbuf *out)
{
	strbuf_puts(out, "{{template ");
	template_quote(out, n->text, false);
	if (n->pipe) {
		strbuf_putc(out, ' ');
		print_pipe(n->pipe, out);
	}
	strbuf_puts(out, "}}");
}

static void print_action(const struct node *n, struct strbuf *out)
{
	static const char *const words[] = {
		[NODE_ACTION] = "{{",    [NODE_IF] = "{{if ",      [NODE_RANGE] = "{{range ",
		[NODE_WITH] = "{{with ", [NODE_BREAK] = "{{break", [NODE_CONTINUE] = "{{continue",
	};
	strbuf_puts(out, words[n->type]);
	if (n->pipe)
		print_pipe(n->pipe, out);
	strbuf_puts(out, "}}");
}

void template_node_print(const struct node *n, struct strbuf *out)
{
	switch (n->type) {
	case NODE_LIST:
		print_members(n, "", out);
		break;
	case NODE_PIPE:
		print_pipe(n, out);
		break;
	case NODE_COMMAND:
		print_members(n, " ", out);
		break;
	case NODE_TEMPLATE:
		print_template(n, out);
		break;
	case NODE_BOOL:
		strbuf_puts(out, n->truth ? "true" : "false");
		break;
	case NODE_DOT:
		strbuf_putc(out, '.');
		break;
	case NODE_NIL:
		strbuf_puts(out, "nil");
		break;
	case NODE_NUMBER:
	case NODE_STRING:
		strbuf_add(out, n->source.s, n->source.len);
		break;
	case NODE_TEXT:
	case NODE_IDENTIFIER:
		strbuf_add(out, n->text.s, n->text.len);
		break;
	case NODE_VARIABLE:
		strbuf_add(out, n->text.s, n->text.len);
		print_names(n, ".", out);
		break;
	case NODE_CHAIN:
		print_members(n, "", out);
		print_names(n, ".", out);
		break;
	case NODE_FIELD:
		print_names(n, ".", out);
		break;
	default:
		print_action(n, out);
	}
}

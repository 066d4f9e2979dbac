/* SPDX-License-Identifier: Apache-2.0 */
/* The template's life: parse, execute, free, and what fields it uses. Read template.h first. */
#include "template/template.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "template/exec.h"
#include "template/parse.h"

int template_parse(const char *text, size_t len, struct template **ret, struct err *e)
{
	if (len > TEMPLATE_TEXT_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "template: longer than %d bytes",
			       TEMPLATE_TEXT_MAX);
	CLEANUP_TEMPLATE struct template *t = calloc(1, sizeof(*t));
	if (!t)
		return err_errno(e, ENOMEM, "template");
	t->text = (struct span){arena_strndup(&t->arena, text, len), len};
	int r = template_parse_text(t, e);
	if (r)
		return r;
	*ret = ptr_steal(t);
	return 0;
}

static void exec_end(struct exec *x)
{
	for (struct exec_object *o = x->objects; o; o = o->next)
		json_object_put(o->json);
	strbuf_free(&x->line);
	arena_free(&x->arena);
}

int template_execute(const struct template *t, const struct template_data *data,
		     template_write_fn out, void *ctx, struct err *e)
{
	assert(t && data && out && e);
	size_t max = data->output_max ? data->output_max : TEMPLATE_OUTPUT_MAX;
	/* Large, and mostly never read: not worth zeroing. */
	__attribute__((cleanup(exec_end))) struct exec x;
	x.t = t;
	x.data = data;
	x.definition = t->main;
	x.at = NULL;
	x.arena = (struct arena){0};
	x.scratch = 0;
	x.objects = NULL;
	x.line = (struct strbuf)STRBUF_MAX(max);
	x.var_first = x.var_count = 0;
	x.steps = 0;
	x.calls = x.nesting = 0;
	x.reason[0] = '\0';
	x.write = out;
	x.write_ctx = ctx;
	x.written = 0;
	x.output_max = max;
	x.out_len = 0;
	x.err = e;
	return template_exec_run(&x);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_free(&t->arena);
	free(t);
}

void template_freep(struct template **t)
{
	template_free(*t);
}

struct finder {
	void (*found)(void *ctx, const char *name);
	void *ctx;
	struct arena names;
	bool whole;
};

static void find_in(struct finder *f, const struct node *n, bool dot_is_root);

static void find_in_all(struct finder *f, const struct node *first, bool dot_is_root)
{
	for (const struct node *n = first; n; n = n->next)
		find_in(f, n, dot_is_root);
}

/* Inside {{with}} and {{range}} dot is something else; "$" stays what it was. */
static void find_in(struct finder *f, const struct node *n, bool dot_is_root)
{
	bool dollar = n->type == NODE_VARIABLE && n->text.len == 1;
	bool field = (n->type == NODE_FIELD && dot_is_root) || (dollar && n->name_count);
	bool moves = n->type == NODE_WITH || n->type == NODE_RANGE;
	if (field)
		f->found(f->ctx, arena_strndup(&f->names, n->names[0].s, n->names[0].len));
	else if (dollar || (n->type == NODE_DOT && dot_is_root))
		f->whole = true;
	if (n->first)
		find_in_all(f, n->first, dot_is_root);
	if (n->pipe)
		find_in(f, n->pipe, dot_is_root);
	if (n->body)
		find_in(f, n->body, dot_is_root && !moves);
	if (n->otherwise)
		find_in(f, n->otherwise, dot_is_root);
}

static void finder_end(struct finder *f)
{
	arena_free(&f->names);
}

bool template_fields(const struct template *t, void (*found)(void *ctx, const char *name),
		     void *ctx)
{
	__attribute__((cleanup(finder_end))) struct finder f = {.found = found, .ctx = ctx};
	find_in(&f, t->main->body, true);
	return f.whole;
}

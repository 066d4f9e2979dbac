/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows to text: each row becomes a JSON object of the columns that the template asks for, and
 * the template is executed over it; the header is the same template over the columns' titles. Read
 * listing.h first.
 */
#include "cli/listing.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/shape.h"
#include "cli/table.h"
#include "cli/text.h"

void listing_free(struct listing_out *o)
{
	template_free(o->template);
	strbuf_free(&o->text);
}

/* docker replaces \t and \n in formats: shells do not. */
static void unescape(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' && (text[1] == 't' || text[1] == 'n'))
			strbuf_putc(out, *++text == 't' ? '\t' : '\n');
		else
			strbuf_putc(out, *text);
	}
}

static void want(void *ctx, const char *name)
{
	struct listing_out *o = ctx;
	for (size_t i = 0; i < o->listing->count; i++)
		if (!strcmp(o->listing->columns[i].name, name))
			o->wanted |= UINT32_C(1) << i;
}

/* The title of {{.Label "com.example.some-key"}} is "some key". */
static int label_header(void *ctx, const char *key, struct strbuf *out, struct err *e)
{
	const char *dot = strrchr(key, '.');
	for (key = dot ? dot + 1 : key; *key; key++)
		strbuf_putc(out, *key == '-' || *key == '_' ? ' ' : *key);
	return 0;
}

static int label_value(void *ctx, const char *key, struct strbuf *out, struct err *e)
{
	const char *value = kvs_get(ctx, key);
	strbuf_puts(out, value ? value : "");
	return 0;
}

static int execute(struct listing_out *o, struct json_object *row, const void *labels, bool header,
		   struct err *e)
{
	const struct template_method label = {"Label", header ? label_header : label_value};
	struct template_data data = {.root = row,
				     .type = header ? NULL : &o->type,
				     .methods = &label,
				     .method_count = o->listing->labels != NULL,
				     .method_ctx = (void *)labels,
				     .header = header};
	int r = template_execute(o->template, &data, &o->text, e);
	strbuf_putc(&o->text, '\n');
	return r;
}

static int put_header(struct listing_out *o, struct err *e)
{
	CLEANUP_JSON struct json_object *titles = json_object_new_object();
	for (size_t i = 0; i < o->listing->count; i++)
		json_object_object_add(titles, o->listing->columns[i].name,
				       json_object_new_string(o->listing->columns[i].header));
	return execute(o, titles, NULL, true, e);
}

const char *listing_quiet(bool quiet, const char *id, const char *format)
{
	return quiet && (!format || !strcmp(format, "table")) ? id : format;
}

int listing_open(struct listing_out *o, const struct listing *l, const char *format,
		 const char *standard, const struct listing_view *view, struct err *e)
{
	assert(l->count <= LISTING_COLUMNS_MAX);
	*o = (struct listing_out){
		.listing = l, .view = *view, .text = STRBUF_MAX(LISTING_OUTPUT_MAX)};
	for (size_t i = 0; i < l->count; i++)
		o->fields[i].name = l->columns[i].name;
	o->type = (struct template_type){TEMPLATE_STRUCT, true, l->type, NULL, o->fields};
	struct strbuf text CLEANUP_STRBUF = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	o->table = !format || !*format || !strcmp(format, "table") || !strncmp(format, "table ", 6);
	bool plain = o->table &&
		     (!format || strlen(format) < 6 || !*(format + strspn(format + 6, " ") + 6));
	if (plain)
		strbuf_puts(&text, standard);
	else if (!strcmp(format, "json"))
		strbuf_puts(&text, "{{json .}}");
	else
		unescape(&text, o->table ? format + 6 : format);
	if (!strbuf_ok(&text))
		return err_set(e, E2BIG, ERR_INVALID, "--format is too long");
	int r = template_parse(strbuf_text(&text), text.len, &o->template, e);
	if (r < 0)
		return err_context(e, "template parsing error");
	if (template_fields(o->template, want, o))
		o->wanted = UINT32_MAX;
	return o->table ? put_header(o, e) : 0;
}

static const char *column_text(const struct listing_out *o, const struct listing_column *c,
			       const void *row)
{
	const char *text =
		c->get ? c->get(row, &o->view) : *(char *const *)((const char *)row + c->offset);
	/* Tables go to terminals; what an image says of itself may not command them. */
	return !text ? "" : o->table ? text_plain(o->view.arena, text) : text;
}

int listing_row(struct listing_out *o, const void *row, struct err *e)
{
	const struct listing *l = o->listing;
	CLEANUP_JSON struct json_object *fields = json_object_new_object();
	for (size_t i = 0; i < l->count; i++)
		if (o->wanted >> i & 1)
			json_object_object_add(
				fields, l->columns[i].name,
				json_object_new_string(column_text(o, &l->columns[i], row)));
	return execute(o, fields, l->labels ? l->labels(row) : NULL, false, e);
}

int listing_print(struct listing_out *o, FILE *out, struct err *e)
{
	const char *text = strbuf_text(&o->text);
	if (o->table)
		return table_print(out, text, o->text.len, TABLE_WIDTH_MIN, e);
	fwrite(text, 1, o->text.len, out);
	return 0;
}

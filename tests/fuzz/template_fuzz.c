/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: parse and execute a template, strict and lenient. The first line of the input may
 * be the JSON data; the rest is the template. Nothing may crash, leak or run long.
 */
#include <json-c/json.h>
#include <stdint.h>
#include <string.h>

#include "template/template.h"

static const char fallback[] = "{\"s\":\"text\",\"i\":3,\"f\":1.5,\"n\":null,\"b\":true,\"l\":["
			       "\"a\",\"b\"],\"x\":[1,null,{}],"
			       "\"m\":{\"k\":\"v\"},\"d\":{\"e\":{\"f\":[1,2]}}}";

static int answer(void *ctx, const char *key, struct strbuf *out, struct err *e)
{
	(void)ctx;
	(void)e;
	strbuf_puts(out, key);
	return 0;
}

static void found(void *ctx, const char *name)
{
	*(size_t *)ctx += strlen(name);
}

/* Data in front, as JSON and a newline; else the fallback, and all is template. */
static struct json_object *take_data(const char **text, size_t *len)
{
	const char *end = memchr(*text, '\n', *len);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *json = NULL;
	if (end && **text == '{')
		json = json_tokener_parse_ex(tokener, *text, (int)(end - *text));
	json_tokener_free(tokener);
	if (!json)
		return json_tokener_parse(fallback);
	*len -= (size_t)(end - *text) + 1;
	*text = end + 1;
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct template_method methods[] = {{"Label", answer}};
	const char *text = (const char *)bytes;
	struct template *t = NULL;
	struct err e;
	size_t total = 0;
	if (!size)
		return 0;
	struct json_object *json = take_data(&text, &size);
	struct strbuf out = STRBUF_MAX(1 << 20);
	struct template_data data = {.root = json, .methods = methods, .method_count = 1};
	if (!template_parse(text, size, &t, &e)) {
		template_execute(t, &data, &out, &e);
		strbuf_free(&out);
		data.strict = data.header = true;
		template_execute(t, &data, &out, &e);
		template_fields(t, found, &total);
	}
	strbuf_free(&out);
	template_free(t);
	json_object_put(json);
	return 0;
}

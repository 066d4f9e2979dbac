/* SPDX-License-Identifier: Apache-2.0 */
/* Values and strings made safe for another language: JSON, HTML, JavaScript, URLs. */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/value.h"

/**
 * As Go's encoding/json with SetEscapeHTML(false), which is docker's "json" function. Keys: sorted
 * for a TEMPLATE_MAP, as Go does; in the given order for a struct and for what has no type, so that
 * {{json .}} shows an object as the API does.
 */
void template_escape_json(struct strbuf *out, struct arena *scratch, const struct value *v);
void template_escape_html(struct strbuf *out, struct span s);
void template_escape_js(struct strbuf *out, struct span s);
void template_escape_url(struct strbuf *out, struct span s);

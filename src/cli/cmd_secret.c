/* SPDX-License-Identifier: Apache-2.0 */
/* hull secret create, exists, ls, rm. Read listing.h first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/resource_option.h"
#include "cli/text.h"
#include "engine/filters.h"
#include "engine/secret.h"

struct create_values {
	char *driver;
	struct strv labels;
	bool env, replace;
};
struct ls_values {
	bool quiet;
	char *format;
	struct strv filters;
};
struct rm_values {
	bool all, ignore;
};

/* One byte more than it may be, where it is too long: the engine says so. */
static int read_data(const struct create_values *v, const char *from, struct arena *a, char **ret,
		     size_t *ret_len, struct err *e)
{
	if (!from)
		return err_set(e, EINVAL, ERR_INVALID, "secret file is required");
	if (v->env) {
		*ret = getenv(from);
		*ret_len = *ret ? strlen(*ret) : 0;
		return *ret_len ? 0
				: err_set(e, ENOENT, ERR_NOT_FOUND,
					  "cannot create store secret data: environment variable "
					  "%s is not set",
					  from);
	}
	const bool named = strcmp(from, "-") != 0;
	int r = 0;
	if (named) {
		r = file_read_named(from, SECRET_SIZE_END, a, ret, ret_len, e);
		if (r == -EFBIG)
			*ret_len = SECRET_SIZE_END;
		r = r == -EFBIG ? 0 : r;
	} else { /* not by name: a socket cannot be opened */
		*ret = arena_alloc(a, SECRET_SIZE_END);
		ssize_t n = fd_read_full(STDIN_FILENO, *ret, SECRET_SIZE_END);
		*ret_len = n < 0 ? 0 : (size_t)n;
		r = n < 0 ? err_errno(e, (int)n, "error reading from STDIN") : 0;
	}
	if (r == 0 && !*ret_len)
		r = err_set(e, EINVAL, ERR_INVALID, "error reading from %s: data is empty",
			    named ? from : "STDIN");
	return r;
}

static int create_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct create_values *v = values;
	struct kvs labels = {0};
	char id[SECRET_ID_LEN + 1], *data = NULL;
	size_t len = 0;
	if (v->driver && strcmp(v->driver, "file") != 0)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "secret driver %s: hull keeps secrets in files of its own only",
			       v->driver);
	for (size_t i = 0; i < v->labels.count; i++)
		kvs_set_pair(&cli->arena, &labels, v->labels.items[i]);
	int r = read_data(v, args->count > 1 ? args->items[1] : NULL, &cli->arena, &data, &len, e);
	if (r == 0)
		r = secret_create(&cli->engine, args->items[0], &labels, data, len, v->replace, id,
				  e);
	if (r == 0)
		puts(id);
	return r;
}

static const char *get_nothing(const void *row, const struct listing_view *view)
{
	return "";
}

static const char *get_created(const void *row, const struct listing_view *view)
{
	return text_ago(view->arena, ((const struct secret *)row)->created);
}

static const char *get_updated(const void *row, const struct listing_view *view)
{
	return text_ago(view->arena, ((const struct secret *)row)->updated);
}

static const struct kvs *row_labels(const void *row)
{
	return &((const struct secret *)row)->labels;
}

static const char *get_labels(const void *row, const struct listing_view *view)
{
	return text_labels(view->arena, row_labels(row));
}

static const struct listing_column columns[] = {
	{"CreatedAt", "CREATED", get_created},
	{"Driver", "DRIVER", get_nothing},
	{"ID", "ID", LISTING_MEMBER(struct secret, id)},
	{"Labels", "LABELS", get_labels},
	{"Name", "NAME", LISTING_MEMBER(struct secret, name)},
	{"UpdatedAt", "UPDATED", get_updated},
};
static const struct listing secret_listing = {"*secret.secretContext", columns, ARRAY_LEN(columns),
					      row_labels};

static int ls_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct ls_values *v = values;
	struct listing_out out CLEANUP_LISTING = {0};
	struct secret *list;
	size_t count = 0;
	const struct secret none = {.id = "", .name = ""};
	int r = filters_check(&v->filters, secret_filter_matches, &none, e);
	if (r >= 0)
		r = secret_list(&cli->engine, &cli->arena, &list, &count, e);
	if (r == 0)
		r = listing_open(&out, &secret_listing,
				 listing_quiet(v->quiet, "{{.ID}}", v->format),
				 "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}",
				 &(struct listing_view){.arena = &cli->arena}, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (filters_all_match(&v->filters, secret_filter_matches, &list[i], e) > 0)
			r = listing_row(&out, &list[i], e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

static int exists_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct secret s;
	int r = secret_find(&cli->engine, args->items[0], &cli->arena, &s, e);
	return r == -ENOENT ? 1 : r;
}

static int rm_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rm_values *v = values;
	int r = secret_remove(&cli->engine, name, e);
	return r == -ENOENT && v->ignore ? 1 : r;
}

static int rm_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct rm_values *v = values;
	struct strv names = *args;
	struct secret *list;
	size_t count = 0;
	if (v->all == (args->count > 0))
		return err_set(e, EINVAL, ERR_INVALID,
			       "'hull secret rm' requires at least 1 argument, or --all");
	int r = v->all ? secret_list(&cli->engine, &cli->arena, &list, &count, e) : 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		strv_push(&cli->arena, &names, list[i].name);
	return r < 0 ? r : cli_each(cli, &names, values);
}

#define O(of, member) .offset = offsetof(struct of, member)
static const struct option create_options[] = {
	{"driver", 'd', OPTION_STR, O(create_values, driver),
	 .help = "Secret driver (file, and no other)"},
	{"driver-opts", 0, OPTION_REFUSED, .help = "hull has no secret drivers"},
	{"env", 0, OPTION_BOOL, O(create_values, env),
	 .help = "Read secret data from an environment variable: its name is given as FILE"},
	{"label", 'l', OPTION_CUSTOM, O(create_values, labels), .arg = "list",
	 .set = option_set_label, .help = "Secret labels"},
	{"replace", 0, OPTION_BOOL, O(create_values, replace),
	 .help = "If a secret of the name exists, put this one in its place"},
	{"template-driver", 0, OPTION_REFUSED, .help = "hull has no template drivers"},
};
static const struct option ls_options[] = {
	{"filter", 'f', OPTION_LIST, O(ls_values, filters), .arg = "filter",
	 .help = "Filter output based on conditions provided (id label name)"},
	{"format", 0, OPTION_STR, O(ls_values, format), .help = LISTING_FORMAT_HELP},
	{"quiet", 'q', OPTION_BOOL, O(ls_values, quiet), .help = "Only display IDs"},
};
static const struct option rm_options[] = {
	{"all", 'a', OPTION_BOOL, O(rm_values, all), .help = "Remove all secrets"},
	{"ignore", 'i', OPTION_BOOL, O(rm_values, ignore),
	 .help = "Say nothing of a secret that is not there"},
};

const struct command command_secret_create = {
	.names = NAMES("secret create"),
	.synopsis = "[OPTIONS] SECRET FILE|-",
	.summary = "Create a secret from a file or STDIN as content",
	.text = "It is kept in a file that root (or the user) alone can read, not encrypted, and "
		"given to containers by --secret of run and create: as a file below /run/secrets, "
		"or "
		"as a variable. A container has a copy from the moment when it is made: it starts "
		"again when the secret was removed or replaced. Nothing that hull shows or makes "
		"of "
		"the container has it.",
	.options = OPTIONS_FOR(struct create_values, create_options),
	.args = {1, 2},
	.run = create_run,
};

const struct command command_secret_exists = {
	.names = NAMES("secret exists"),
	.synopsis = "SECRET",
	.summary = "Say by the exit code whether there is a secret",
	.text = "0: there is, 1: there is none.",
	.args = {1, 1},
	.complete = COMPLETE_SECRETS | COMPLETE_ONCE,
	.run = exists_run,
};

const struct command command_secret_ls = {
	.names = NAMES("secret ls", "secret list"),
	.synopsis = "[OPTIONS]",
	.summary = "List secrets",
	.text = "The fields of a format: .CreatedAt .Driver .ID .Labels .Label \"key\" .Name "
		".UpdatedAt",
	.options = OPTIONS_FOR(struct ls_values, ls_options),
	.run = ls_run,
};

const struct command command_secret_rm = {
	.names = NAMES("secret rm", "secret remove"),
	.synopsis = "[OPTIONS] SECRET [SECRET...]",
	.summary = "Remove one or more secrets",
	.text = "A secret is its name, its id, or the beginning of an id that no other has. "
		"Containers keep the copies that they have.",
	.options = OPTIONS_FOR(struct rm_values, rm_options),
	.args = {0, ANY_NUMBER},
	.complete = COMPLETE_SECRETS,
	.run = rm_run,
	.each = rm_one,
};

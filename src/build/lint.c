/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is legal in a Dockerfile and seldom meant: BuildKit's rules by their names, and some of
 * hull's. Told after a build in a line each, at length by --check. Nothing is built for it, and
 * nothing pulled. "# check=skip=NAME,...;error=true" is heeded. Read internal.h first.
 */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "build/internal.h"
#include "build/pid1.h"

struct finding {
	const char *rule;
	char *text;
	int first, last;
};

struct lint {
	struct build *b;
	struct array findings;
	struct strv skipped; /* names of rules, in small letters; "all" */
	bool error;
};

static void __attribute__((format(printf, 4, 5)))
find(struct lint *l, const char *rule, const struct instruction *in, const char *fmt, ...)
{
	va_list ap;
	for (size_t i = 0; i < l->skipped.count; i++)
		if (!strcasecmp(l->skipped.items[i], rule) || !strcmp(l->skipped.items[i], "all"))
			return;
	va_start(ap, fmt);
	struct finding *f = array_push(l->b->a, &l->findings, sizeof(*f));
	*f = (struct finding){rule, arena_vprintf(l->b->a, fmt, ap), in->first, in->last};
	va_end(ap);
}

/* ---- rules that look at one instruction ---- */

static void shell_form(struct lint *l, const struct instruction *in)
{
	struct strv ignored = {0};
	if ((in->kind == INSTRUCTION_CMD || in->kind == INSTRUCTION_ENTRYPOINT) &&
	    !image_exec_form(in->rest, l->b->a, &ignored))
		find(l, "JSONArgsRecommended", in,
		     "JSON arguments recommended for %s: PID 1 would be a shell, which passes no "
		     "signal on, so that a stop takes all of its time and then kills",
		     in->name);
}

/* All large or all small, as the first one. */
static void casing(struct lint *l, const struct instruction *in)
{
	bool small = islower((unsigned char)l->b->file.items[0].typed[0]);
	for (const char *p = in->typed; *p; p++)
		if (small != (islower((unsigned char)*p) != 0)) {
			find(l, "ConsistentInstructionCasing", in,
			     "Command '%s' should match the case of the command majority (%s)",
			     in->typed, small ? "lowercase" : "uppercase");
			return;
		}
}

static void from(struct lint *l, const struct instruction *in)
{
	const char *platform = instruction_flag(in, "platform");
	const char *rest = in->rest + strcspn(in->rest, " \t");
	rest += strspn(rest, " \t");
	if (in->kind != INSTRUCTION_FROM)
		return;
	if (*rest && !strncmp(in->typed, "FROM", 4) && strncmp(rest, "AS", 2))
		find(l, "FromAsCasing", in, "'%.2s' and 'FROM' keywords' casing do not match",
		     rest);
	if (platform &&
	    (!strcmp(platform, "$TARGETPLATFORM") || !strcmp(platform, "${TARGETPLATFORM}")))
		find(l, "RedundantTargetPlatform", in,
		     "Setting platform to predefined %s in FROM is redundant as this is the "
		     "default behavior",
		     platform);
}

static void old_forms(struct lint *l, const struct instruction *in)
{
	size_t n = strcspn(in->rest, " \t=");
	if (in->kind == INSTRUCTION_MAINTAINER)
		find(l, "MaintainerDeprecated", in,
		     "Maintainer instruction is deprecated in favor of using label");
	if ((in->kind == INSTRUCTION_ENV || in->kind == INSTRUCTION_LABEL) && in->rest[n] != '=')
		find(l, "LegacyKeyValueFormat", in,
		     "\"%s key=value\" should be used instead of legacy \"%s key value\" format",
		     in->name, in->name);
	if (in->gap)
		find(l, "NoEmptyContinuation", in, "Empty continuation line");
}

static void secrets(struct lint *l, const struct instruction *in)
{
	static const char *const words[] = {"apikey", "auth",  "credential", "credentials",
					    "key",    "pword", "password",   "passwd",
					    "secret", "token"};
	struct strv pairs = {0};
	if ((in->kind != INSTRUCTION_ARG && in->kind != INSTRUCTION_ENV) ||
	    expand_split(in->rest, l->b->file.escape, l->b->a, &pairs, ERR_IGNORED) < 0)
		return;
	for (size_t i = 0; i < pairs.count; i++) {
		char *name = arena_strndup(l->b->a, pairs.items[i], strcspn(pairs.items[i], "="));
		char *rest = arena_strdup(l->b->a, name);
		bool is = false;
		for (char *part; (part = strsep(&rest, "_"));)
			for (size_t k = 0; k < ARRAY_LEN(words); k++)
				is |= !strcasecmp(part, words[k]);
		if (is && !strcasestr(name, "public"))
			find(l, "SecretsUsedInArgOrEnv", in,
			     "Do not use ARG or ENV instructions for sensitive data (%s \"%s\"); "
			     "use "
			     "RUN --mount=type=secret",
			     in->name, name);
	}
}

static void (*const single[])(struct lint *l, const struct instruction *in) = {
	shell_form, casing, from, old_forms, secrets,
};

/* ---- rules that look at a stage ---- */

static void repeated(struct lint *l, const struct build_stage *s)
{
	static const enum instruction_kind once[] = {INSTRUCTION_CMD, INSTRUCTION_ENTRYPOINT,
						     INSTRUCTION_HEALTHCHECK};
	for (size_t k = 0; k < ARRAY_LEN(once); k++) {
		const struct instruction *seen = NULL;
		for (size_t i = 0; i < s->count; i++) {
			if (s->items[i].kind != once[k])
				continue;
			if (seen)
				find(l, "MultipleInstructionsDisallowed", seen,
				     "Multiple %s instructions should not be used in the same "
				     "stage "
				     "because only the last one will be used",
				     seen->name);
			seen = &s->items[i];
		}
	}
}

static void stage_name(struct lint *l, const struct build_stage *s)
{
	if (!s->name)
		return;
	if (!strcasecmp(s->name, "scratch") || !strcasecmp(s->name, "context"))
		find(l, "ReservedStageName", s->from,
		     "Stage name should not use the same name as reserved stage \"%s\"", s->name);
	for (const char *p = s->name; *p; p++)
		if (isupper((unsigned char)*p)) {
			find(l, "StageNameCasing", s->from, "Stage name '%s' should be lowercase",
			     s->name);
			break;
		}
	if (build_find_stage(l->b, s->name, s->index))
		find(l, "DuplicateStageName", s->from,
		     "Duplicate stage name \"%s\", stage names should be unique", s->name);
}

static void add_names(struct lint *l, const struct instruction *in, struct strv *vars)
{
	struct strv words = {0};
	size_t n = strcspn(in->rest, " \t=");
	if (in->kind != INSTRUCTION_ENV && in->kind != INSTRUCTION_ARG)
		return;
	if (in->kind == INSTRUCTION_ENV && in->rest[n] != '=')
		strv_push(l->b->a, &words, arena_strndup(l->b->a, in->rest, n));
	else
		expand_split(in->rest, l->b->file.escape, l->b->a, &words, ERR_IGNORED);
	for (size_t i = 0; i < words.count; i++)
		strv_set_env(l->b->a, vars,
			     arena_printf(l->b->a, "%.*s=x", (int)strcspn(words.items[i], "="),
					  words.items[i]));
}

static bool expands(enum instruction_kind kind)
{
	static const enum instruction_kind kinds[] = {
		INSTRUCTION_ADD,   INSTRUCTION_COPY,   INSTRUCTION_ENV,        INSTRUCTION_EXPOSE,
		INSTRUCTION_LABEL, INSTRUCTION_USER,   INSTRUCTION_STOPSIGNAL, INSTRUCTION_VOLUME,
		INSTRUCTION_ARG,   INSTRUCTION_WORKDIR};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i] == kind)
			return true;
	return false;
}

/* The names that are set at the end of @s; what is used before it is set is told. */
static struct strv variables(struct lint *l, const struct build_stage *s, bool tell)
{
	struct strv vars = {0};
	struct build_stage *base;
	struct image image;
	struct err ignored;
	bool known = build_known_base(l->b, s, &image, &base);
	if (base)
		vars = variables(l, base, false);
	else if (known)
		strv_push_all(l->b->a, &vars, &image.config.config.env);
	strv_set_env(l->b->a, &vars, "PATH=x");
	for (size_t i = 0; i < s->count; i++) {
		const struct instruction *in = &s->items[i];
		struct strv missing = {0};
		const struct expand x = {{&vars}, l->b->file.escape, &missing, l->b->a};
		char *text;
		if (expands(in->kind) && known && tell)
			expand_word(&x, in->rest, &text, &ignored);
		for (size_t k = 0; k < missing.count; k++)
			find(l, "UndefinedVar", in, "Usage of undefined variable '$%s'",
			     missing.items[k]);
		add_names(l, in, &vars);
	}
	return vars;
}

static void relative_workdir(struct lint *l, const struct build_stage *s)
{
	struct build_stage *base;
	struct image image;
	bool known = build_known_base(l->b, s, &image, &base);
	const char *dir = known && !base ? image.config.config.working_dir : NULL;
	for (size_t i = 0; i < s->count && !base && !(dir && *dir); i++) {
		const struct instruction *in = &s->items[i];
		if (in->kind != INSTRUCTION_WORKDIR)
			continue;
		if (*in->rest != '/' && *in->rest != '$')
			find(l, "WorkdirRelativePath", in,
			     "Relative workdir \"%s\" can have unexpected results if the base "
			     "image "
			     "changes",
			     in->rest);
		return;
	}
}

static void (*const of_stage[])(struct lint *l, const struct build_stage *s) = {
	repeated,
	stage_name,
	relative_workdir,
};

/* ---- rules that look at all ---- */

static void root_user(struct lint *l)
{
	const struct build_stage *s = l->b->target;
	const struct instruction *last = s->from;
	struct build_stage *base;
	struct image image;
	for (;; s = base) {
		for (size_t i = s->count; i-- > 0;)
			if (s->items[i].kind == INSTRUCTION_USER) {
				const char *user = s->items[i].rest;
				if (!strcmp(user, "root") || !strcmp(user, "0"))
					last = &s->items[i];
				else
					return;
				s = NULL;
				break;
			}
		if (!s || !build_known_base(l->b, s, &image, &base) || !base)
			break;
	}
	if (s && !base && image.config.config.user && *image.config.config.user &&
	    strcmp(image.config.config.user, "root"))
		return;
	find(l, "RootUser", last,
	     "No USER: the command will be root in its containers; a USER with no more rights than "
	     "it needs limits what a break-in can do");
}

static void no_handler(struct lint *l)
{
	char *text;
	const struct instruction *in = pid1_hears_nothing(l->b, &text);
	if (in)
		find(l, "NoSignalHandler", in, "%s", text);
}

static void missing_ignore(struct lint *l)
{
	static const char *const large[] = {".git", "node_modules", "target", ".venv"};
	const struct build_stage *s = l->b->target;
	if (l->b->context < 0 || l->b->ignore.patterns.count)
		return;
	for (size_t i = 0; i < s->count; i++) {
		const struct instruction *in = &s->items[i];
		if ((in->kind != INSTRUCTION_COPY && in->kind != INSTRUCTION_ADD) ||
		    instruction_flag(in, "from") ||
		    (strncmp(in->rest, ". ", 2) && strncmp(in->rest, "./ ", 3)))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(large); k++) {
			CLEANUP_FD int there =
				path_open_in_root(l->b->context, large[k], O_PATH | O_DIRECTORY, 0);
			if (there >= 0)
				find(l, "MissingDockerignore", in,
				     "There is no .dockerignore: %s is copied, too, and each "
				     "change "
				     "in it repeats what follows",
				     large[k]);
		}
	}
}

static void read_directive(struct lint *l)
{
	char *rest = arena_strdup(l->b->a, l->b->file.check ? l->b->file.check : "");
	for (char *part; (part = strsep(&rest, ";"));) {
		if (!strncasecmp(part, "skip=", 5)) {
			part += 5;
			for (char *rule; (rule = strsep(&part, ","));)
				strv_push(l->b->a, &l->skipped, rule);
		} else if (!strcasecmp(part, "error=true")) {
			l->error = true;
		}
	}
}

static void look(struct lint *l)
{
	struct build *b = l->b;
	for (size_t i = 0; i < b->file.count; i++)
		for (size_t k = 0; k < ARRAY_LEN(single); k++)
			single[k](l, &b->file.items[i]);
	for (size_t i = 0; i < b->stage_count; i++) {
		for (size_t k = 0; k < ARRAY_LEN(of_stage); k++)
			of_stage[k](l, &b->stages[i]);
		variables(l, &b->stages[i], true);
	}
	root_user(l);
	no_handler(l);
	missing_ignore(l);
	b->at = NULL;
}

int lint_tell(struct build *b, bool whole, struct err *e)
{
	struct lint l = {.b = b};
	read_directive(&l);
	look(&l);
	const struct finding *f = l.findings.items;
	size_t n = l.findings.count;
	if (whole)
		printf("%s\n\n", n ? "Check found what may not be meant:"
				   : "Check complete, no warnings found.");
	else if (n && !b->q->quiet)
		fprintf(stderr, "\n %zu warning%s found (use --check to expand):\n", n,
			n == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++) {
		if (whole) {
			printf("WARNING: %s\n%s\n", f[i].rule, f[i].text);
			dockerfile_show(&b->file, f[i].first, f[i].last, stdout);
			putchar('\n');
		} else if (!b->q->quiet) {
			fprintf(stderr, " - %s: %s (line %d)\n", f[i].rule, f[i].text, f[i].first);
		}
	}
	if (n && l.error && !whole)
		return err_set(e, EINVAL, ERR_INVALID,
			       "lint violation found for rules: %s (# check=error=true)",
			       f[0].rule);
	return n > 0;
}

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

enum { SCRIPT_MAX = 64 << 10 };

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
	struct err ignored;
	if ((in->kind != INSTRUCTION_ARG && in->kind != INSTRUCTION_ENV) ||
	    expand_split(in->rest, l->b->file.escape, l->b->a, &pairs, &ignored) < 0)
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

/* What the stage begins with, if it can be known without a registry. */
static bool base_config(struct lint *l, const struct build_stage *s, struct image *ret,
			struct build_stage **ret_stage)
{
	const char *name;
	struct err ignored;
	*ret_stage = NULL;
	if (build_base_name(l->b, s, &name, &ignored) < 0)
		return false;
	*ret_stage = build_find_stage(l->b, name, s->index);
	return *ret_stage ||
	       image_find_config(&l->b->en->images, name, l->b->a, ret, &ignored) == 0;
}

static void add_names(struct lint *l, const struct instruction *in, struct strv *vars)
{
	struct strv words = {0};
	struct err ignored;
	size_t n = strcspn(in->rest, " \t=");
	if (in->kind != INSTRUCTION_ENV && in->kind != INSTRUCTION_ARG)
		return;
	if (in->kind == INSTRUCTION_ENV && in->rest[n] != '=')
		strv_push(l->b->a, &words, arena_strndup(l->b->a, in->rest, n));
	else
		expand_split(in->rest, l->b->file.escape, l->b->a, &words, &ignored);
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
	bool known = base_config(l, s, &image, &base);
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
	bool known = base_config(l, s, &image, &base);
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
		if (!s || !base_config(l, s, &image, &base) || !base)
			break;
	}
	if (s && !base && image.config.config.user && *image.config.config.user &&
	    strcmp(image.config.config.user, "root"))
		return;
	find(l, "RootUser", last,
	     "No USER: the command will be root in its containers; a USER with no more rights than "
	     "it needs limits what a break-in can do");
}

/* ---- who would be PID 1 ---- */

static const struct instruction *last_of(const struct build_stage *s, enum instruction_kind kind,
					 size_t before)
{
	for (size_t i = before; i-- > 0;)
		if (s->items[i].kind == kind)
			return &s->items[i];
	return NULL;
}

/* The words of the command, and the instruction that has the first of them. NULL: it is not known,
 * or in shell form, which is told by itself. */
static const struct instruction *command(struct lint *l, struct strv *ret)
{
	const struct instruction *cmd = NULL, *entry = NULL;
	struct build_stage *base = NULL;
	struct image image;
	for (const struct build_stage *s = l->b->target; s && !entry; s = base) {
		cmd = cmd ?: last_of(s, INSTRUCTION_CMD, s->count);
		entry = last_of(s, INSTRUCTION_ENTRYPOINT, s->count);
		base = NULL;
		if (!entry && (!base_config(l, s, &image, &base) ||
			       (!base && image.config.config.entrypoint.count)))
			return NULL;
	}
	const struct instruction *first = entry ?: cmd;
	struct strv args = {0};
	if (!first || !image_exec_form(first->rest, l->b->a, ret))
		return NULL;
	if (entry && cmd && image_exec_form(cmd->rest, l->b->a, &args))
		strv_push_all(l->b->a, ret, &args);
	return ret->count ? first : NULL;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = {"sh", "bash", "dash", "ash", "ksh"};
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (!strcmp(name_of(program), shells[i]))
			return true;
	return false;
}

/* @path upon the working directory of the stage at that step; NULL: that is not known. */
static char *absolute(struct lint *l, const struct build_stage *s, size_t at, const char *path)
{
	const struct instruction *dir = last_of(s, INSTRUCTION_WORKDIR, at);
	while (!strncmp(path, "./", 2) || !strcmp(path, "."))
		path += path[1] ? 2 : 1;
	if (strchr(path, '$') ||
	    (*path != '/' && (!dir || *dir->rest != '/' || strchr(dir->rest, '$'))))
		return NULL;
	char *all = *path == '/' ? arena_strdup(l->b->a, path)
				 : arena_printf(l->b->a, "%s/%s", dir->rest, path);
	for (size_t n = strlen(all); n && all[n - 1] == '/'; n--)
		all[n - 1] = '\0';
	return all;
}

/* The beginning of a file of the context; NULL: it is none. */
static char *read_context(struct lint *l, const char *path)
{
	char *text = arena_alloc(l->b->a, SCRIPT_MAX + 1);
	CLEANUP_FD int fd = path_open_in_root(l->b->context, path, O_RDONLY | O_NONBLOCK, 0);
	ssize_t n = fd < 0 ? -1 : read(fd, text, SCRIPT_MAX);
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return text;
}

/* The text of what COPY or ADD brings to @path; NULL: none does. */
static char *copied(struct lint *l, const struct build_stage *s, const char *path)
{
	for (size_t i = s->count; i-- > 0;) {
		const struct instruction *in = &s->items[i];
		struct strv words = {0};
		struct err ignored;
		if ((in->kind != INSTRUCTION_COPY && in->kind != INSTRUCTION_ADD) ||
		    instruction_flag(in, "from") ||
		    (!image_exec_form(in->rest, l->b->a, &words) &&
		     expand_split(in->rest, l->b->file.escape, l->b->a, &words, &ignored) < 0) ||
		    words.count < 2)
			continue;
		const char *to = absolute(l, s, i, words.items[words.count - 1]);
		size_t len = to ? strlen(to) : 0;
		for (size_t k = 0; to && k + 1 < words.count; k++) {
			const char *from = words.items[k], *rest = path + len + 1;
			char *text = NULL;
			if (!strcmp(path, to))
				text = read_context(l, from);
			else if (!strncmp(path, to, len) && path[len] == '/')
				text = !strcmp(name_of(from), rest)
					       ? read_context(l, from)
					       : read_context(l, arena_printf(l->b->a, "%s/%s",
									      from, rest));
			if (text)
				return text;
		}
	}
	return NULL;
}

static char *find_script(struct lint *l, const char *word)
{
	static const char *const path[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					   "/usr/bin",        "/sbin",          "/bin"};
	const struct build_stage *s = l->b->target;
	if (l->b->context < 0)
		return NULL;
	if (strchr(word, '/')) {
		const char *at = absolute(l, s, s->count, word);
		return at ? copied(l, s, at) : NULL;
	}
	char *text = NULL;
	for (size_t i = 0; i < ARRAY_LEN(path) && !text; i++)
		text = copied(l, s, arena_printf(l->b->a, "%s/%s", path[i], word));
	return text;
}

/* A shell's script that never becomes another program, nor hears a signal itself; not one that
 * reads others, which may. */
static bool only_waits(char *text, bool shell)
{
	static const char *const words[] = {"exec", "trap", "source", ". "};
	if (!strncmp(text, "#!", 2)) {
		char *line = text + 2, *program = strsep(&line, "\n");
		char *end = program + strcspn(program, "\r");
		while (end > program && end[-1] == ' ')
			end--;
		*end = '\0';
		const char *arg = strrchr(program, ' ');
		shell = is_shell(program) ||
			(arg && !strcmp(name_of(strsep(&program, " ")), "env") &&
			 is_shell(arg + 1));
		text = line;
	}
	for (char *line; shell && (line = strsep(&text, "\n"));)
		for (size_t i = 0; line[strspn(line, " \t")] != '#' && i < ARRAY_LEN(words); i++)
			if (strstr(line, words[i]))
				return false;
	return shell;
}

/* As PID 1 a program gets no signal that it has no handler for (pid_namespaces(7)). Only what is
 * certain is told: of a program that is known to have none, and of a script that can be read. */
static void no_handler(struct lint *l)
{
	static const char *const none[] = {"sleep", "tail", "cat"};
	static const char why[] =
		"so that a stop takes all of its time and then kills; run it with --init";
	struct strv words = {0};
	const struct instruction *in = command(l, &words);
	if (!in)
		return;
	const char *program = words.items[0], *script = program;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		if (!strcmp(name_of(program), none[i]))
			find(l, "NoSignalHandler", in,
			     "PID 1 would be %s, which has no handler for a signal, %s", program,
			     why);
	bool shell = is_shell(program);
	if (shell && (words.count < 2 || *(script = words.items[1]) == '-'))
		return;
	char *text = find_script(l, script);
	if (text && only_waits(text, shell))
		find(l, "NoSignalHandler", in,
		     "PID 1 would be a shell that waits for its child: %s has neither exec nor "
		     "trap, "
		     "%s, or let its last command be: exec PROGRAM",
		     script, why);
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

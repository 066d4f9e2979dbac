/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As PID 1 a program gets no signal that it has no handler for (pid_namespaces(7)). Told of is only
 * what is certain: of a few programs that are known to have none, and of a script of the context
 * that can be read. Whatever may have brought another file to its place, or changed it, ends that.
 * Read pid1.h first.
 */
#include "build/pid1.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "linux/signals.h"

enum { SCRIPT_MAX = 64 << 10 };
enum brought { NOT_BROUGHT, BROUGHT, UNKNOWN };

static const char *const search_path[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					  "/usr/bin",        "/sbin",          "/bin"};

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
static const struct instruction *command(struct build *b, struct strv *ret)
{
	const struct instruction *cmd = NULL, *entry = NULL;
	struct build_stage *base = NULL;
	struct image image;
	for (const struct build_stage *s = b->target; s && !entry; s = base) {
		cmd = cmd ?: last_of(s, INSTRUCTION_CMD, s->count);
		entry = last_of(s, INSTRUCTION_ENTRYPOINT, s->count);
		base = NULL;
		if (!entry && (!build_known_base(b, s, &image, &base) ||
			       (!base && image.config.config.entrypoint.count)))
			return NULL;
	}
	const struct instruction *first = entry ?: cmd;
	struct strv args = {0};
	if (!first || !image_exec_form(first->rest, b->a, ret))
		return NULL;
	if (entry && cmd && image_exec_form(cmd->rest, b->a, &args))
		strv_push_all(b->a, ret, &args);
	return ret->count ? first : NULL;
}

/* SIGKILL needs no handler; true as well where the signal is not known. */
static bool stop_may_be_heard(struct build *b)
{
	const struct instruction *in = NULL;
	struct build_stage *base = NULL;
	struct image image = {0};
	const char *name = NULL;
	for (const struct build_stage *s = b->target; s && !in; s = base) {
		in = last_of(s, INSTRUCTION_STOPSIGNAL, s->count);
		if (!in && !build_known_base(b, s, &image, &base))
			return true; /* not known */
		if (in)
			name = in->rest;
		else if (!base)
			name = image.config.config.stop_signal;
	}
	const int signal = name && *name ? signal_parse(name) : SIGTERM;
	return signal <= 0 || signal == SIGKILL;
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
static char *absolute(struct build *b, const struct build_stage *s, size_t at, const char *path)
{
	const struct instruction *dir = last_of(s, INSTRUCTION_WORKDIR, at);
	while (!strncmp(path, "./", 2) || !strcmp(path, "."))
		path += path[1] ? 2 : 1;
	if (strchr(path, '$') ||
	    (*path != '/' && (!dir || *dir->rest != '/' || strchr(dir->rest, '$'))))
		return NULL;
	char *all = *path == '/' ? arena_strdup(b->a, path)
				 : arena_printf(b->a, "%s/%s", dir->rest, path);
	for (size_t n = strlen(all); n && all[n - 1] == '/'; n--)
		all[n - 1] = '\0';
	return all;
}

/* ---- what the steps of a stage do to a file ---- */

/* The file of the context at @from, which goes to @rest in its target: the file itself ("" or its
 * name), or what is there below the folder that @from is. */
static enum brought read_source(struct build *b, const char *from, const char *rest, char **ret)
{
	struct stat st;
	CLEANUP_FD int fd = path_open_in_root(b->context, from, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return UNKNOWN;
	if (S_ISDIR(st.st_mode)) {
		from = arena_printf(b->a, "%s/%s", from, rest);
		fd_drop(&fd);
		fd = *rest ? path_open_in_root(b->context, from, O_RDONLY | O_NONBLOCK, 0) : -1;
		if (fd < 0)
			return *rest && errno == ENOENT ? NOT_BROUGHT : UNKNOWN;
	} else if (*rest && strcmp(name_of(from), rest)) {
		return NOT_BROUGHT;
	}
	while (!strncmp(from, "./", 2) || *from == '/')
		from += *from == '/' ? 1 : 2;
	char *text = arena_alloc(b->a, SCRIPT_MAX + 1);
	const ssize_t n = read(fd, text, SCRIPT_MAX);
	if (n < 0 || n == SCRIPT_MAX || ignore_matches(&b->ignore, from))
		return UNKNOWN; /* there is more */
	text[n] = '\0';
	*ret = text;
	return BROUGHT;
}

/* Of COPY or ADD. */
static enum brought copied(struct build *b, const struct build_stage *s, size_t at,
			   const char *path, char **ret)
{
	const struct instruction *in = &s->items[at];
	struct strv words = {0};
	if ((!image_exec_form(in->rest, b->a, &words) &&
	     expand_split(in->rest, b->file.escape, b->a, &words, ERR_IGNORED) < 0) ||
	    words.count < 2)
		return UNKNOWN;
	const char *to = absolute(b, s, at, words.items[words.count - 1]);
	if (!to)
		return UNKNOWN;
	const size_t len = strlen(to);
	if (strncmp(path, to, len) || (path[len] && path[len] != '/'))
		return NOT_BROUGHT;
	if (instruction_flag(in, "from") || instruction_flag(in, "exclude") ||
	    instruction_has(in, "parents"))
		return UNKNOWN;
	enum brought r = NOT_BROUGHT;
	for (size_t i = 0; r == NOT_BROUGHT && i + 1 < words.count; i++) {
		const char *from = words.items[i], *rest = path + len + (path[len] == '/');
		r = strpbrk(from, "*?[$<:") ? UNKNOWN : read_source(b, from, rest, ret);
		if (r == NOT_BROUGHT && in->kind == INSTRUCTION_ADD)
			r = UNKNOWN; /* an archive is unpacked */
	}
	return r;
}

/* RUN: whether it speaks of the file, and not for its mode alone. */
static bool may_change(struct build *b, const struct instruction *in, const char *name)
{
	const struct heredoc *docs = in->heredocs.items;
	for (size_t i = 0; i < in->heredocs.count; i++)
		if (strstr(docs[i].text, name))
			return true;
	char *rest = arena_strdup(b->a, in->rest);
	for (char *part; (part = strsep(&rest, "&;|\n"));)
		if (strstr(part, name) && strncmp(part + strspn(part, " \t"), "chmod ", 6) != 0)
			return true;
	return false;
}

/* What the last step that has to do with it made of @path, with its text where that is of the
 * context. */
static enum brought bring(struct build *b, const struct build_stage *s, const char *path,
			  char **ret)
{
	enum brought r = NOT_BROUGHT;
	for (size_t i = s->count; r == NOT_BROUGHT && i-- > 0;) {
		const struct instruction *in = &s->items[i];
		if (in->kind == INSTRUCTION_RUN && may_change(b, in, name_of(path)))
			r = UNKNOWN;
		else if (in->kind == INSTRUCTION_COPY || in->kind == INSTRUCTION_ADD)
			r = copied(b, s, i, path, ret);
	}
	return r;
}

static bool sets_path(const struct build_stage *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].kind == INSTRUCTION_ENV && strstr(s->items[i].rest, "PATH"))
			return true;
	return false;
}

/* As bring(), for a word that is looked for in PATH where it is no path. */
static enum brought bring_word(struct build *b, const struct build_stage *s, const char *word,
			       char **ret)
{
	enum brought r = NOT_BROUGHT;
	if (strchr(word, '/')) {
		const char *at = absolute(b, s, s->count, word);
		return at ? bring(b, s, at, ret) : UNKNOWN;
	}
	if (sets_path(s))
		return UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(search_path) && r == NOT_BROUGHT; i++)
		r = bring(b, s, arena_printf(b->a, "%s/%s", search_path[i], word), ret);
	return r;
}

/* ---- who would be PID 1 ---- */

/* A program that everybody knows, in its usual place, which no step has to do with. */
static bool is_known(struct build *b, const char *program)
{
	static const char *const none[] = {"sleep", "tail", "cat"};
	const size_t folder = (size_t)(name_of(program) - program);
	bool known = false, usual = !folder;
	char *ignored;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		known |= !strcmp(name_of(program), none[i]);
	for (size_t i = 0; i < ARRAY_LEN(search_path); i++)
		usual |= folder == strlen(search_path[i]) + 1 &&
			 !strncmp(program, search_path[i], folder - 1);
	struct build_stage *base = NULL;
	struct image image;
	for (const struct build_stage *s = b->target; known && usual && s; s = base) {
		if (bring_word(b, s, program, &ignored) != NOT_BROUGHT)
			return false;
		build_known_base(b, s, &image, &base);
	}
	return known && usual;
}

/* A shell's script that never becomes another program, nor hears a signal itself; not one that
 * reads others, which may. */
static bool only_waits(char *text, bool shell)
{
	static const char *const words[] = {"exec", "trap", "source", ". ", ".\t"};
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

const struct instruction *pid1_hears_nothing(struct build *b, char **ret)
{
	static const char why[] =
		"so that a stop takes all of its time and then kills; run it with --init";
	struct strv words = {0};
	const struct instruction *in = command(b, &words);
	if (!in || stop_may_be_heard(b))
		return NULL;
	const char *program = words.items[0], *script = program;
	if (is_known(b, program)) {
		*ret = arena_printf(b->a,
				    "PID 1 would be %s, which has no handler for a signal, %s",
				    program, why);
		return in;
	}
	const bool shell = is_shell(program);
	char *text;
	if ((shell && (words.count < 2 || *(script = words.items[1]) == '-')) || b->context < 0 ||
	    bring_word(b, b->target, script, &text) != BROUGHT || !only_waits(text, shell))
		return NULL;
	*ret = arena_printf(b->a,
			    "PID 1 would be a shell that waits for its child: %s has neither exec "
			    "nor trap, %s, or let its last command be: exec PROGRAM",
			    script, why);
	return in;
}

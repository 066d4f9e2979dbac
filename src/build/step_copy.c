/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY, ADD and WORKDIR as steps: their words and flags, the cache, and a layer if they change
 * something. What is copied how is known in copy.h. --link is accepted, because what it changes for
 * BuildKit, the reuse of a layer upon another base, changes nothing in the result.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/units.h"
#include "build/internal.h"
#include "engine/files.h"

/* ---- WORKDIR ---- */

int step_workdir(struct build *b, struct build_stage *s, struct step_key *ret_key, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(1 << 20);
	const char *key = ret_key->key;
	struct layer *layer;
	bool empty;
	const char *path = s->image.config.working_dir;
	key_add(&text, "WORKDIR");
	key_add(&text, path);
	key_finish(s, &text, ret_key);
	int r = cache_use(b, s, ret_key, e);
	if (r != STEP_RUNS)
		return r;
	{
		CLEANUP_FD int tree = layer_mount(b, s, NULL, e);
		CLEANUP_FD int there =
			tree < 0 ? tree : path_open_in_root(tree, path, O_PATH | O_DIRECTORY, 0);
		if (tree < 0)
			return tree;
		if (there >= 0) {
			cache_note(b, s, key, NULL, NULL, "WORKDIR");
			return 0;
		}
	}
	r = layer_begin(b, &layer, e);
	if (r == 0) {
		CLEANUP_FD int tree = layer_mount(b, s, layer, e);
		CLEANUP_FD int made = tree < 0 ? tree : path_make_dirs_in_root(tree, path, 0, 0, e);
		r = made < 0 ? made : 0;
	}
	if (r == 0)
		r = layer_finish(b, layer, &empty, e);
	if (r == 0)
		cache_note(b, s, key, empty ? NULL : layer, key, "WORKDIR");
	return r;
}

/* ---- COPY, ADD ---- */

struct source {
	int root;                    /* the caller's, or -1 */
	char from[ID_LEN + 1];       /* the chain of the tree, or "" for a context */
	const struct ignore *ignore; /* of a context, or NULL */
};

/* What --from names: a stage before this one, or an image. */
static int open_from(struct build *b, const struct build_stage *s, const char *from,
		     struct source *ret, struct err *e)
{
	const struct named_context *context = build_named_context(b, from);
	if (context && context->folder >= 0) {
		ret->ignore = &context->ignore;
		ret->root = fcntl(context->folder, F_DUPFD_CLOEXEC, 0);
		return ret->root < 0 ? err_errno(e, errno, "--build-context %s", from) : 0;
	}
	struct build_stage *other = build_find_stage(b, from, s->index);
	struct build_stage image = {.platform = s->platform};
	int r = 0;
	if (!other && (r = build_from_image(b, other = &image, from, e)) < 0)
		return r;
	memcpy(ret->from, other->chain, sizeof(ret->from));
	ret->root = r = layer_mount(b, other, NULL, e);
	return r < 0 ? r : 0;
}

static int read_words(struct build *b, struct build_stage *s, const struct instruction *in,
		      struct strv *ret, struct err *e)
{
	int r = step_words(b, s, in, ret, e);
	if (r == 0 && ret->count < 2)
		r = err_set(e, EINVAL, ERR_INVALID,
			    "%s requires at least two arguments: a source and the destination",
			    in->name);
	return r;
}

static int read_flag(struct build *b, struct build_stage *s, const struct instruction *in,
		     const char *name, const char **ret, struct err *e)
{
	const struct expand x = step_expand(b, s);
	const char *value = instruction_flag(in, name);
	char *text = NULL;
	int r = value ? expand_word(&x, value, &text, e) : 0;
	*ret = text && *text ? text : NULL;
	return r;
}

/* The user's names are looked up in the stage's own tree. */
static int read_owner(struct build *b, struct build_stage *s, struct copy *c, const char *chown,
		      struct err *e)
{
	if (!chown)
		return 0;
	uint32_t owner[2];
	const char *colon = strchr(chown, ':');
	char *user = arena_strndup(b->a, chown, colon ? (size_t)(colon - chown) : strlen(chown));
	uint64_t uid, gid;
	/* A number without a group is both, as docker has it. */
	if (uint_parse(user, INT32_MAX, &uid) == 0 &&
	    uint_parse(colon ? colon + 1 : user, INT32_MAX, &gid) == 0) {
		owner[0] = (uint32_t)uid;
		owner[1] = (uint32_t)gid;
	} else {
		CLEANUP_FD int tree = layer_mount(b, s, NULL, e);
		int r = tree < 0 ? tree : file_owner(tree, chown, b->a, owner, e);
		if (r < 0)
			return err_context(e, "--chown=%s", chown);
	}
	c->uid = owner[0];
	c->gid = owner[1];
	c->chown = true;
	c->keep_owner = false;
	return 0;
}

static bool is_remote(const char *source)
{
	static const char *const starts[] = {"http://", "https://", "git@", "git://", "ssh://"};
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (!strncasecmp(source, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static int refuse_remote(const char *source, struct err *e)
{
	err_set(e, ENOTSUP, ERR_INVALID, "ADD %.200s: hull fetches nothing from the network",
		source);
	return err_hint(
		e, "fetch it before the build, or in a RUN with --network=host, where the digest "
		   "can be checked");
}

/* "<<NAME" among the words stands for the here-document. */
static const struct heredoc *find_heredoc(const struct instruction *in, const char *word)
{
	const struct heredoc *h = in->heredocs.items;
	if (strncmp(word, "<<", 2))
		return NULL;
	word += 2 + (word[2] == '-');
	for (size_t i = 0; i < in->heredocs.count; i++)
		if (!strcmp(h[i].name, word))
			return &h[i];
	return NULL;
}

static int add_heredoc(struct build *b, struct build_stage *s, struct copy *c,
		       const struct heredoc *h, struct err *e)
{
	const struct expand x = step_expand(b, s);
	char *text = h->text;
	int r = h->expand ? expand_text(&x, h->text, &text, e) : 0;
	return r < 0 ? r : copy_add_text(c, h->name, text, e);
}

static int find_sources(struct build *b, struct build_stage *s, const struct instruction *in,
			struct copy *c, const struct strv *words, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i + 1 < words->count; i++) {
		const char *word = words->items[i];
		const struct heredoc *h = find_heredoc(in, word);
		if (h)
			r = add_heredoc(b, s, c, h, e);
		else if (is_remote(word))
			r = refuse_remote(word, e);
		else if (c->root < 0 && (c->root = build_context(b, e)) < 0)
			r = c->root;
		else
			r = copy_find(c, word, e);
	}
	return r < 0 ? r : 0;
}

static int read_destination(struct build *b, const struct build_stage *s, const char *to,
			    size_t sources, const char *name, const char **ret, struct err *e)
{
	const char *dir = s->image.config.working_dir;
	size_t len = strlen(to);
	bool folder = !len || to[len - 1] == '/' || !strcmp(to, ".") ||
		      (len > 1 && !strcmp(to + len - 2, "/."));
	if (sources > 1 && !folder)
		return err_set(e, EINVAL, ERR_INVALID,
			       "When using %s with more than one source file, the destination must "
			       "be a directory and end with a /",
			       name);
	if (*to != '/')
		to = arena_printf(b->a, "%s/%s", dir && *dir ? dir : "/", to);
	const char *clean = path_clean(b->a, to);
	*ret = folder && strcmp(clean, "/") ? arena_printf(b->a, "%s/", clean) : clean;
	return 0;
}

static void copy_key(const struct build_stage *s, const struct instruction *in,
		     const struct copy *c, const char *digest, struct step_key *ret)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(1 << 20);
	key_add(&text, in->name);
	key_add(&text, c->to);
	key_add(&text, digest);
	strbuf_printf(&text, "%d %u %u %lld", c->chown, c->uid, c->gid, (long long)c->epoch);
	key_finish(s, &text, ret);
}

static int write_layer(struct build *b, struct build_stage *s, struct copy *c, struct layer **ret,
		       struct err *e)
{
	struct layer *layer;
	bool empty;
	int r = layer_begin(b, &layer, e);
	if (r < 0)
		return r;
	CLEANUP_FD int tree = layer_mount(b, s, layer, e);
	r = tree < 0 ? tree : copy_write(c, tree, e);
	fd_drop(&tree);
	if (r == 0)
		r = layer_finish(b, layer, &empty, e);
	*ret = r < 0 || empty ? NULL : layer;
	return r;
}

static int prepare(struct build *b, struct build_stage *s, const struct instruction *in,
		   struct copy *c, struct err *e)
{
	struct strv words = {0};
	const char *chown;
	int r = read_words(b, s, in, &words, e);
	if (r == 0)
		r = read_flag(b, s, in, "chown", &chown, e);
	if (r == 0)
		r = read_owner(b, s, c, chown, e);
	if (r == 0)
		r = read_flag(b, s, in, "chmod", &c->chmod, e);
	if (r == 0 && c->chmod)
		r = copy_check_mode(c->chmod, e);
	for (size_t i = 0; r == 0 && i < in->flags.count; i++)
		if (!strncmp(in->flags.items[i], "exclude=", 8))
			ignore_add(&c->exclude, in->flags.items[i] + 8, b->a);
	if (r == 0)
		r = read_destination(b, s, words.items[words.count - 1], words.count - 1, in->name,
				     &c->to, e);
	return r < 0 ? r : find_sources(b, s, in, c, &words, e);
}

/* Equal chains are equal trees: what is taken from one need not be looked at. */
static int signature(struct copy *c, const struct source *source, char ret[static ID_LEN + 1],
		     int64_t *ret_newest, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(64 << 20);
	const struct copy_source *s = c->sources.items;
	if (!*source->from)
		return copy_signature(c, ret, ret_newest, e);
	key_add(&text, source->from);
	key_add_all(&text, &c->exclude.patterns);
	key_add(&text, c->chmod ? c->chmod : "");
	strbuf_printf(&text, "%d %u %u", c->keep_owner, c->uid, c->gid);
	for (size_t i = 0; i < c->sources.count; i++) {
		key_add(&text, s[i].path);
		key_add(&text, s[i].name);
		key_add(&text, s[i].keep);
	}
	key_digest(&text, ret);
	*ret_newest = 0;
	return 0;
}

/* The digest of the sources, from before if nothing of them was touched since. */
static int digest(struct build *b, struct copy *c, const struct source *source,
		  char ret[static ID_LEN + 1], struct err *e)
{
	enum { SETTLED = 2 }; /* seconds after which a change shows in the time of an inode */
	char files[ID_LEN + 1];
	int64_t newest;
	int r = signature(c, source, files, &newest, e);
	if (r == 0)
		r = sum_find(b, files, ret, e);
	if (r != 0)
		return r < 0 ? r : 0;
	int64_t began = clock_real_ns();
	r = copy_digest(c, ret, e);
	if (r == 0 && newest < began - (int64_t)SETTLED * 1000000000)
		sum_note(b, files, ret);
	return r;
}

static int refuse_flags(const struct instruction *in, struct err *e)
{
	static const char *const flags[] = {"checksum", "keep-git-dir"};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (instruction_flag(in, flags[i]))
			return err_set(e, ENOTSUP, ERR_INVALID,
				       "ADD --%s: it is for URLs and git, from which hull fetches "
				       "nothing",
				       flags[i]);
	return 0;
}

int step_copy(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e)
{
	const char *from;
	struct source source = {.root = -1};
	char sum[ID_LEN + 1];
	struct step_key key;
	struct layer *layer = NULL;
	size_t before = s->layer_count;
	bool add = in->kind == INSTRUCTION_ADD;
	int r = refuse_flags(in, e);
	if (r == 0)
		r = read_flag(b, s, in, "from", &from, e);
	if (r == 0 && from)
		r = open_from(b, s, from, &source, e);
	if (r < 0)
		return r;
	CLEANUP_FD int tree = source.root;
	const char *unpack = instruction_flag(in, "unpack");
	struct copy c CLEANUP_COPY = {
		.root = from ? tree : b->context,
		.ignore = from ? source.ignore : &b->ignore,
		.keep_owner = from && !source.ignore,
		.parents = instruction_has(in, "parents"),
		.unpack = add && (!unpack || strcmp(unpack, "false") != 0),
		.libexec = b->en->libexec,
		.epoch = b->epoch,
		.a = b->a,
	};
	vertex_begin(b, s, in);
	r = prepare(b, s, in, &c, e);
	if (r == 0)
		r = digest(b, &c, &source, sum, e);
	if (r < 0)
		return r;
	copy_key(s, in, &c, sum, &key);
	r = cache_use(b, s, &key, e);
	const char *how = r == STEP_DONE ? "CACHED" : NULL;
	if (r == STEP_RUNS && (r = write_layer(b, s, &c, &layer, e)) == 0)
		cache_note(b, s, key.key, layer, key.key, in->text);
	if (r < 0)
		return r;
	vertex_end(b, s, how);
	step_history(b, s, in->text, &key, s->layer_count == before);
	return 0;
}

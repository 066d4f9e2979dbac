/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of steps: rows of the store (build_cache). A key is the sha256 of all that a step
 * depends on: the tree below it (its chain), its words after expansion, and what it reads. A step
 * whose result its inputs do not determine (RUN) gets a random chain with it, so that what was
 * cached upon another result of it is not used. Labels and the like change no tree, and no key.
 *
 * Rows come into the store at the end of a build. Until then they stand in its staging folder, too:
 * after a kill the next build takes over what is there, as pulls do with layers (image/stage.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "build/internal.h"
#include "image/digest.h"

void key_add(struct strbuf *key, const char *text)
{
	strbuf_printf(key, "%zu:%s", strlen(text), text);
}

void key_add_all(struct strbuf *key, const struct strv *texts)
{
	strbuf_printf(key, "[%zu]", texts->count);
	for (size_t i = 0; i < texts->count; i++)
		key_add(key, texts->items[i]);
}

void key_digest(const struct strbuf *key, char ret[static ID_LEN + 1])
{
	digest_sha256(strbuf_text(key), key->len, ret);
}

void key_finish(const struct build_stage *s, const struct strbuf *words, struct step_key *ret)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(1024);
	key_digest(words, ret->words);
	key_add(&text, s->chain);
	key_add(&text, ret->words);
	key_digest(&text, ret->key);
}

static int layer_is_there(struct build *b, const char *diff_id)
{
	char path[ID_LEN + 16];
	snprintf(path, sizeof(path), "layers/%s/fs", diff_id);
	return file_exists(b->en->root_fd, path);
}

/* What this build itself has done counts with --no-cache, too: equal steps of two stages are one.
 */
static bool use_own(struct build *b, struct build_stage *s, const char *key)
{
	for (size_t i = b->row_count; i-- > 0;) {
		const struct cache_row *row = &b->rows[i];
		if (strcmp(row->key, key))
			continue;
		if (row->layer)
			layer_push(b, s, row->layer);
		memcpy(s->chain, row->chain, sizeof(s->chain));
		s->created = row->created;
		return true;
	}
	return false;
}

/* ---- --cache-from ---- */

/* An image that cannot be had is no failure: there may not be one yet. */
static void open_sources(struct build *b)
{
	struct err why = {0};
	if (b->sources)
		return;
	b->sources = arena_array(b->a, b->q->cache_from.count, sizeof(*b->sources));
	for (size_t i = 0; i < b->q->cache_from.count; i++) {
		const char *name = b->q->cache_from.items[i];
		if (build_find_image(b, name, b->q->platform, &b->sources[b->source_count], &why) <
		    0)
			engine_warn(b->en, "--cache-from %s: %s", name, why.text);
		else
			b->source_count++;
	}
}

/* Does the image go on from the tree of @s with this step? Then with this layer, or NULL. What this
 * build has made itself is not looked for: nobody else has it. */
static bool goes_on(const struct build_stage *s, const struct image *im, const char *words,
		    const struct image_layer **ret)
{
	static const char mark[] = HISTORY_COMMENT " sha256:";
	const struct oci_history *h = im->config.history.items;
	size_t at = 0, count = s->layer_count;
	if (count > im->layer_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!s->layers[i]->stored ||
		    strcmp(s->layers[i]->diff_id, im->layers[im->layer_count - 1 - i].diff_id))
			return false;
	*ret = count < im->layer_count ? &im->layers[im->layer_count - 1 - count] : NULL;
	for (size_t i = 0; i < im->config.history.count && at <= count; i++) {
		bool same = at == count && h[i].comment &&
			    !strncmp(h[i].comment, mark, sizeof(mark) - 1) &&
			    !strcmp(h[i].comment + sizeof(mark) - 1, words);
		if (same && h[i].empty_layer)
			*ret = NULL;
		if (same)
			return h[i].empty_layer || *ret;
		at += !h[i].empty_layer;
	}
	return false;
}

static int use_sources(struct build *b, struct build_stage *s, const struct step_key *key)
{
	const struct image_layer *layer;
	if (b->q->cache_from.count)
		open_sources(b);
	for (size_t i = 0; i < b->source_count; i++)
		if (goes_on(s, &b->sources[i], key->words, &layer)) {
			cache_note(b, s, key->key,
				   layer ? layer_stored(b, layer->diff_id, layer->size) : NULL,
				   key->key, HISTORY_COMMENT);
			return STEP_DONE;
		}
	return STEP_RUNS;
}

/* --no-cache-filter */
static bool is_filtered(const struct build *b, const struct build_stage *s)
{
	const struct strv *names = &b->q->no_cache_stages;
	for (size_t i = 0; s->name && i < names->count; i++)
		if (!strcasecmp(names->items[i], s->name))
			return true;
	return false;
}

int cache_use(struct build *b, struct build_stage *s, const struct step_key *key, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	if (use_own(b, s, key->key))
		return STEP_DONE;
	if (step_run_any(b, key->key))
		return STEP_WAITS;
	if (b->q->no_cache || is_filtered(b, s))
		return STEP_RUNS;
	int r = db_first(
		&b->en->db, &q, e,
		"SELECT layer, chain, build_cache.created, size FROM build_cache LEFT JOIN "
		"layer ON layer = diff_id WHERE key = ?1",
		"s", key->key);
	if (r <= 0)
		return r < 0 ? r : use_sources(b, s, key);
	const char *diff_id = db_text(q, 0);
	if (diff_id) {
		if (!layer_is_there(b, diff_id))
			return use_sources(b, s, key);
		layer_push(b, s, layer_stored(b, diff_id, db_int(q, 3)));
	}
	snprintf(s->chain, sizeof(s->chain), "%s", db_text(q, 1));
	s->created = db_int(q, 2);
	strv_push(b->a, &b->hits, key->key);
	return STEP_DONE;
}

static void add_row(struct build *b, const struct cache_row *row)
{
	b->rows = arena_grow(b->a, b->rows, b->row_count, &b->row_room, sizeof(*b->rows));
	b->rows[b->row_count++] = *row;
}

/* ---- of builds that were killed ---- */

#define NOTES "rows"
enum { NOTES_MAX = 4 << 20 };

/* A line in the staging folder: key, chain, time, folder there or "-", and the text. */
static void note_for_heirs(struct build *b, const struct cache_row *row)
{
	CLEANUP_FD int fd = b->staging.fd < 0
				    ? -1
				    : openat(b->staging.fd, NOTES,
					     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || (row->layer && row->layer->stored))
		return;
	char *line = arena_printf(b->a, "%s %s %lld %s %.*s\n", row->key, row->chain,
				  (long long)row->created,
				  row->layer ? strchr(row->layer->folder, '/') + 1 : "-",
				  (int)strcspn(row->text, "\n"), row->text);
	fd_write_full(fd, line, strlen(line));
}

/* The folder of a layer, "N", moves into our own staging folder. */
static int take_layer(struct build *b, int orphan, const char *from, struct layer **ret,
		      struct err *e)
{
	char name[LAYER_NAME_SIZE];
	struct layer *l = *ret = layer_new(b, name, e);
	if (!l)
		return -e->number;
	if (renameat(orphan, from, b->staging.fd, name) < 0)
		return err_errno(e, errno, "a layer of a build that was killed");
	CLEANUP_FD int fs = dir_open(b->staging.fd, arena_printf(b->a, "%s/fs", name), e);
	return fs < 0 ? fs : layer_digest(b, l, fs, e);
}

/* What does not read as it was written ends the list: the last line may be half of one. */
static bool take_row(struct build *b, int orphan, char *line)
{
	struct cache_row row = {0};
	char folder[16];
	long long created;
	int text = 0;
	if (sscanf(line, "%64[0-9a-f] %64[0-9a-f] %lld %15[0-9-] %n", row.key, row.chain, &created,
		   folder, &text) != 4 ||
	    !text || strlen(row.chain) != ID_LEN)
		return false;
	row.created = created;
	row.text = line + text;
	if (*folder != '-' && take_layer(b, orphan, folder, &row.layer, ERR_IGNORED) < 0)
		return false;
	add_row(b, &row);
	note_for_heirs(b, &row);
	return true;
}

int cache_adopt(struct build *b, struct err *e)
{
	struct err ignored;
	CLEANUP_FD int layers = stage_open_layers(&b->en->images, e);
	if (layers < 0)
		return layers;
	CLEANUP_DIR DIR *d = dir_stream(layers);
	for (int fd; (fd = stage_next_orphan(layers, b->staging.name, d)) >= 0; close(fd)) {
		char *text, *line;
		if (file_read(fd, NOTES, NOTES_MAX, b->a, &text, NULL, &ignored) == 0)
			while (strchr(text, '\n') && (line = strsep(&text, "\n")) &&
			       take_row(b, fd, line))
				;
	}
	return 0;
}

void cache_note(struct build *b, struct build_stage *s, const char *key, struct layer *layer,
		const char *chain, const char *text)
{
	struct cache_row row = {
		.layer = layer, .text = arena_strdup(b->a, text), .created = clock_real_ns()};
	memcpy(row.key, key, sizeof(row.key));
	if (layer)
		layer_push(b, s, layer);
	if (!layer) /* the tree is what it was */
		memcpy(row.chain, s->chain, sizeof(row.chain));
	else if (chain)
		snprintf(row.chain, sizeof(row.chain), "%s", chain);
	else
		id_new(row.chain);
	memcpy(s->chain, row.chain, sizeof(s->chain));
	s->created = row.created;
	add_row(b, &row);
	note_for_heirs(b, &row);
}

int sum_find(struct build *b, const char *files, char ret[static ID_LEN + 1], struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	if (b->q->no_cache)
		return 0;
	int r = db_first(&b->en->db, &q, e, "SELECT chain FROM build_cache WHERE key = ?1", "s",
			 files);
	if (r <= 0)
		return r;
	snprintf(ret, ID_LEN + 1, "%s", db_text(q, 0));
	strv_push(b->a, &b->hits, files);
	return 1;
}

void sum_note(struct build *b, const char *files, const char *digest)
{
	strv_push(b->a, &b->sums, files);
	strv_push(b->a, &b->sums, digest);
}

/* The least recently used go first. Nobody waits for the disk. */
void cache_note_use(struct build *b)
{
	struct err ignored;
	int64_t now = clock_real_ns();
	if ((!b->hits.count && !b->sums.count) || db_begin(&b->en->db, false, &ignored) < 0)
		return;
	int r = 0;
	for (size_t i = 0; r >= 0 && i < b->hits.count; i++)
		r = db_run(&b->en->db, &ignored, "UPDATE build_cache SET used = ?2 WHERE key = ?1",
			   "si", b->hits.items[i], now);
	for (size_t i = 0; r >= 0 && i < b->sums.count; i += 2)
		r = db_run(&b->en->db, &ignored,
			   "INSERT OR REPLACE INTO build_cache VALUES (?1,NULL,?2,'files',?3,?3)",
			   "ssi", b->sums.items[i], b->sums.items[i + 1], now);
	db_end(&b->en->db, r, &ignored);
}

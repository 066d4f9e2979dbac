/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of steps: rows of the store (build_cache). A key is the sha256 of all that a step
 * depends on: the tree below it (its chain), its words after expansion, and what it reads. A step
 * whose result its inputs do not determine (RUN) gets a random chain with it, so that what was
 * cached upon another result of it is not used. Labels and the like change no tree, and no key.
 */
#include <string.h>

#include "base/clock.h"
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

static int layer_is_there(struct build *b, const char *diff_id)
{
	char path[ID_LEN + 16];
	snprintf(path, sizeof(path), "layers/%s/fs", diff_id);
	return file_exists(b->en->root_fd, path);
}

int cache_use(struct build *b, struct build_stage *s, const char *key, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *q = NULL;
	if (b->q->no_cache)
		return 0;
	int r = db_first(
		&b->en->db, &q, e,
		"SELECT layer, chain, build_cache.created, size FROM build_cache LEFT JOIN "
		"layer ON layer = diff_id WHERE key = ?1",
		"s", key);
	if (r <= 0)
		return r;
	const char *diff_id = db_text(q, 0);
	if (diff_id) {
		if (!layer_is_there(b, diff_id))
			return 0;
		struct layer *l = arena_new(b->a, struct layer);
		*l = (struct layer){.size = db_int(q, 3), .stored = true, .job = UNPACK_JOB_NONE};
		snprintf(l->folder, sizeof(l->folder), "%s", diff_id);
		snprintf(l->diff_id, sizeof(l->diff_id), "%s", diff_id);
		layer_push(b, s, l);
	}
	snprintf(s->chain, sizeof(s->chain), "%s", db_text(q, 1));
	s->created = db_int(q, 2);
	strv_push(b->a, &b->hits, key);
	return 1;
}

void cache_note(struct build *b, struct build_stage *s, const char *key, struct layer *layer,
		const char *chain, const char *text)
{
	b->rows = arena_grow(b->a, b->rows, b->row_count, &b->row_room, sizeof(*b->rows));
	struct cache_row *row = &b->rows[b->row_count++];
	*row = (struct cache_row){
		.layer = layer, .text = arena_strdup(b->a, text), .created = clock_real_ns()};
	memcpy(row->key, key, sizeof(row->key));
	if (layer)
		layer_push(b, s, layer);
	if (!layer) /* the tree is what it was */
		memcpy(row->chain, s->chain, sizeof(row->chain));
	else if (chain)
		snprintf(row->chain, sizeof(row->chain), "%s", chain);
	else
		id_new(row->chain);
	memcpy(s->chain, row->chain, sizeof(s->chain));
	s->created = row->created;
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
		r = db_run_kept(&b->en->db, &ignored,
				"UPDATE build_cache SET used = ?2 WHERE key = ?1", "si",
				b->hits.items[i], now);
	for (size_t i = 0; r >= 0 && i < b->sums.count; i += 2)
		r = db_run_kept(
			&b->en->db, &ignored,
			"INSERT OR REPLACE INTO build_cache VALUES (?1,NULL,?2,'files',?3,?3)",
			"ssi", b->sums.items[i], b->sums.items[i + 1], now);
	db_end(&b->en->db, r, &ignored);
}

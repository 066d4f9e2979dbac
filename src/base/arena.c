/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arenas, and the two collections that live in them: vectors of strings and small maps.
 * Rests on malloc(3). Read arena.h first: it says why running out of memory ends the process.
 */
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first chunk is small: most arenas hold a few strings. Each further one is twice as large. */
enum { CHUNK_FIRST = 2 * 1024, CHUNK_MAX = 32 * 1024, ALIGNMENT = 16 };

struct arena_chunk {
	struct arena_chunk *older;
	_Alignas(ALIGNMENT) char data[];
};

static void __attribute__((noreturn, cold)) out_of_memory(void)
{
	static const char text[] = "hull: out of memory\n";
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(125);
}

static struct arena_chunk *chunk_new(struct arena *a, size_t size)
{
	struct arena_chunk *c = malloc(sizeof(*c) + size);
	if (!c)
		out_of_memory();
	c->older = a->chunks;
	a->chunks = c;
	return c;
}

/* Not cleared: of a chunk only those pages are touched that something lies in. */
static void *take(struct arena *a, size_t size)
{
	size_t need;
	/* The chunk's own header has to fit on top. */
	if (__builtin_add_overflow(size, sizeof(struct arena_chunk) + ALIGNMENT - 1, &need))
		out_of_memory();
	need -= sizeof(struct arena_chunk);
	need &= ~((size_t)ALIGNMENT - 1);
	if (need > a->left && need > CHUNK_MAX / 2)
		return chunk_new(a, need)->data;
	if (need > a->left) {
		size_t room = a->size ? a->size : CHUNK_FIRST;
		while (room < need)
			room *= 2;
		a->next = chunk_new(a, room)->data;
		a->left = room;
		a->size = room < CHUNK_MAX ? room * 2 : CHUNK_MAX;
	}
	void *p = a->next;
	a->next += need;
	a->left -= need;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p = take(a, size);
	return size ? memset(p, 0, size) : p; /* of nothing it may be NULL */
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		out_of_memory();
	return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = take(a, len + 1);
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	/* Mostly there is room for it where the next one goes anyway. */
	int len = vsnprintf(a->next, a->left, fmt, again);
	va_end(again);
	if (len < 0)
		out_of_memory();
	bool whole = (size_t)len < a->left;
	char *text = take(a, (size_t)len + 1);
	if (!whole)
		vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

void arena_free(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;
		a->chunks = c->older;
		free(c);
	}
	*a = (struct arena){0};
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size)
{
	if (count + 1 < *room)
		return items;
	size_t bigger = *room ? *room * 2 : 8;
	void *copy = arena_array(a, bigger, size);
	if (count)
		memcpy(copy, items, count * size);
	*room = bigger;
	return copy;
}

void strv_push(struct arena *a, struct strv *v, const char *s)
{
	v->items = arena_grow(a, v->items, v->count, &v->room, sizeof(char *));
	v->items[v->count++] = arena_strdup(a, s);
	v->items[v->count] = NULL;
}

void strv_push_all(struct arena *a, struct strv *v, const struct strv *from)
{
	for (size_t i = 0; i < from->count; i++)
		strv_push(a, v, from->items[i]);
}

static size_t env_name_len(const char *assignment)
{
	return strcspn(assignment, "=");
}

char *strv_join(struct arena *a, const struct strv *items, const char *separator)
{
	size_t len = 1;
	for (size_t i = 0; i < items->count; i++)
		len += strlen(items->items[i]) + strlen(separator);
	char *out = arena_alloc(a, len), *p = out;
	for (size_t i = 0; i < items->count; i++) {
		p = stpcpy(p, i ? separator : "");
		p = stpcpy(p, items->items[i]);
	}
	return out;
}

void strv_set_env(struct arena *a, struct strv *v, const char *assignment)
{
	size_t len = env_name_len(assignment);
	for (size_t i = 0; i < v->count; i++) {
		if (env_name_len(v->items[i]) == len && !memcmp(v->items[i], assignment, len)) {
			v->items[i] = arena_strdup(a, assignment);
			return;
		}
	}
	strv_push(a, v, assignment);
}

const char *strv_get_env(const struct strv *v, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < v->count; i++)
		if (!strncmp(v->items[i], name, len) && v->items[i][len] == '=')
			return v->items[i] + len + 1;
	return NULL;
}

void kvs_set(struct arena *a, struct kvs *m, const char *key, const char *value)
{
	for (size_t i = 0; i < m->count; i++) {
		if (!strcmp(m->items[i].key, key)) {
			m->items[i].value = arena_strdup(a, value);
			return;
		}
	}
	m->items = arena_grow(a, m->items, m->count, &m->room, sizeof(struct kv));
	m->items[m->count++] = (struct kv){arena_strdup(a, key), arena_strdup(a, value)};
}

void kvs_set_pair(struct arena *a, struct kvs *m, const char *pair)
{
	size_t len = strcspn(pair, "=");
	kvs_set(a, m, arena_strndup(a, pair, len), pair[len] ? pair + len + 1 : "");
}

const char *kvs_get(const struct kvs *m, const char *key)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->items[i].key, key))
			return m->items[i].value;
	return NULL;
}

bool kvs_holds(const struct kvs *m, const char *want)
{
	size_t len = strcspn(want, "=");
	for (size_t i = 0; i < m->count; i++) {
		const struct kv *item = &m->items[i];
		if (!strncmp(item->key, want, len) && !item->key[len])
			return !want[len] || !strcmp(item->value, want + len + 1);
	}
	return false;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

void kvs_sort(struct kvs *m)
{
	if (m->count > 1)
		qsort(m->items, m->count, sizeof(struct kv), by_key);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: memory that is freed all at once, when its command or request ends.
 *
 * Everything that a command parses, looks up or formats lives in one arena, so no field of any
 * struct has an owner of its own and nothing is freed one by one. The long-lived processes
 * (hull-monitor, hull-init) use no arena at all.
 *
 * Running out of memory ends the process with exit code 125: hull is crash-only (HACKING.md), the
 * next command finishes or undoes what was begun, and a check of every allocation would be code
 * that never runs. Sizes that come from outside are limited before they reach an arena.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

/** Zero-initialise: `CLEANUP_ARENA struct arena a = {0};` */
struct arena {
	struct arena_chunk *chunks;
	char *next;
	size_t left, size; /* of the current chunk; of the next one, 0: the first */
};

/** Zeroed memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, alloc_size(2)));
/** @count * @size bytes, zeroed, overflow-checked. */
void *arena_array(struct arena *a, size_t count, size_t size) __attribute__((alloc_size(2, 3)));
/** A list in the arena, @count items of @size bytes with space for *@room: the same, or a larger
 * copy, with space for one more and for a zeroed one at its end. @items may be NULL, with *@room 0.
 */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *room, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
void arena_free(struct arena *a);

#define CLEANUP_ARENA __attribute__((cleanup(arena_free)))
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

/**
 * A NULL-terminated vector of strings that grows in an arena (argv, env, lists of names).
 * `items` is never NULL after the first push; an untouched vector has items == NULL, count 0.
 */
struct strv {
	char **items;
	size_t count;
	size_t room;
};

void strv_push(struct arena *a, struct strv *v, const char *s);
void strv_push_all(struct arena *a, struct strv *v, const struct strv *from);
/** The items with @separator between them. */
char *strv_join(struct arena *a, const struct strv *items, const char *separator);
/** Set "NAME=VALUE" in an environment-like vector, replacing an entry of the same NAME. */
void strv_set_env(struct arena *a, struct strv *v, const char *assignment);
/** The value of NAME in an environment-like vector, or NULL. */
const char *strv_get_env(const struct strv *v, const char *name);

/** An ordered string-to-string map (labels, options, sysctls). Small: looked up by scanning. */
struct kv {
	char *key;
	char *value;
};
struct kvs {
	struct kv *items;
	size_t count;
	size_t room;
};

void kvs_set(struct arena *a, struct kvs *m, const char *key, const char *value);
/** "KEY=VALUE", or "KEY" for an empty value. */
void kvs_set_pair(struct arena *a, struct kvs *m, const char *pair);
const char *kvs_get(const struct kvs *m, const char *key);
/** Whether it has @want, which is KEY or KEY=VALUE: what filters ask of labels. */
bool kvs_holds(const struct kvs *m, const char *want);
/** Order by key, as Go prints maps. */
void kvs_sort(struct kvs *m);

/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the builder share. Read build.h first, then build.c. */
#pragma once

#include "base/strbuf.h"
#include "build/build.h"
#include "build/copy.h"
#include "build/dockerfile.h"
#include "build/expand.h"
#include "image/stage.h"
#include "image/unpack_job.h"

/** Below --root: what builds have of their own, besides layers. */
#define BUILD_FOLDER "build"

/** The lock that builds share, and pruning has alone; a descriptor. -EBUSY with LOCK_NB. */
int build_lock(struct engine *en, int how, struct err *e);

/** What a step changed: a folder below layers/, in the staging folder at first. */
struct layer {
	char folder[80];
	char diff_id[ID_LEN + 1]; /* "" until it is known */
	int64_t size;
	bool stored;           /* in the store: folder is the diff id */
	struct unpack_job job; /* that computes it */
};

/* RUNs at the same time; lines of output that are kept of each. */
enum { BUILD_RUNS_MAX = 8, VERTEX_TAIL = 32 };

/** A step, as progress tells it. */
struct vertex {
	size_t number; /* 0: none */
	int64_t start;
	char *name;
	struct strbuf line; /* of its output, not ended yet */
	char *tail[VERTEX_TAIL];
	size_t lines; /* the last of which are in `tail`, at number % VERTEX_TAIL */
};

/** From one FROM to the next. */
struct build_stage {
	size_t index;
	char *name; /* AS, or NULL */
	const struct instruction *from;
	const struct instruction *items; /* behind it */
	size_t count;
	struct instruction *triggers; /* ONBUILD of the image, between the two */
	size_t trigger_count;
	struct build_stage *base; /* that FROM names, or NULL */
	const char *platform;     /* that its image must be for, or NULL: any */
	bool needed, done;
	size_t next;     /* 0: FROM, then triggers, then items */
	struct run *run; /* the step is a container that runs, or NULL */
	int awaited;     /* the folder of a cache that somebody has locked, or -1 */
	int awaited_how; /* to lock it, once it is free */
	struct vertex vertex;

	/* what it has come to */
	struct oci_image image; /* without rootfs.diff_ids */
	struct layer **layers;  /* the lowest first */
	size_t layer_count;
	size_t from_layers, from_history; /* how many of them the image has that it begins with */
	char chain[ID_LEN + 1];           /* stands for the tree: equal chains are equal trees */
	struct strv args;                 /* ARG, NAME=VALUE */
	struct strv declared;             /* ARG without a value too */
	bool cmd_set;
	int64_t created; /* of its newest step that made something; ns */
};

/** A row of the cache to be written. */
struct cache_row {
	char key[ID_LEN + 1], chain[ID_LEN + 1];
	struct layer *layer; /* NULL: the step changed nothing */
	char *text;
	int64_t created;
};

/** --build-context, opened. */
struct named_context {
	const struct build_named *of;
	int folder; /* or -1: an image */
	struct ignore ignore;
};

struct build {
	struct engine *en;
	const struct build_request *q;
	struct arena *a;
	struct dockerfile file;
	struct build_stage *stages;
	size_t stage_count;
	struct build_stage *target;
	struct strv globals; /* ARG before the first FROM, and the predefined ones */
	struct strv used_args;
	struct strv pulled; /* names that were, in this build */
	int context;        /* folder, or -1; build_context() where it may be the client's */
	int sent;           /* the folder of Dockerfile and .dockerignore of a client, or -1 */
	bool fetched;       /* the client was asked for its context */
	char trace_id[ID_LEN + 1];
	int stdin_text; /* the Dockerfile that came instead of one, or -1 */
	struct ignore ignore;
	struct named_context *contexts; /* as many as the request has */
	struct stage staging;           /* opened when it is needed */
	size_t folders;                 /* made in it */
	struct layer **fresh;           /* all layers of this build */
	size_t fresh_count, fresh_room;
	struct cache_row *rows;
	size_t row_count, row_room;
	struct image *sources; /* of --cache-from, once they are wanted */
	size_t source_count;
	struct strv hits; /* keys of the cache that served */
	struct strv sums; /* FILES, DIGEST, FILES, DIGEST ...: see sum_note() */
	int signals;      /* signalfd(2) of those that end a build */
	pid_t guard;
	int guard_pipe;
	char container[32];           /* names of its containers begin so */
	int64_t epoch;                /* SOURCE_DATE_EPOCH, seconds; -1: none */
	struct instruction const *at; /* what failed, if something does */
	struct build_stage *failed;   /* in which it did */
	const struct err *why;        /* and why */
	size_t vertex;                /* number of the last step, for progress */
	bool tty;
	size_t drawn;  /* lines that are written over */
	int64_t shown; /* ms since boot */
	int64_t started;
};

/* ---- cache.c: what steps came to before ---- */

/** What a step does, by itself and upon its tree. */
struct step_key {
	char words[ID_LEN + 1], key[ID_LEN + 1];
};
/** In the history of an image, before the words of a step: see struct build_request. */
#define HISTORY_COMMENT "hull build"

/** A key is made of texts, each with its length. */
void key_add(struct strbuf *key, const char *text);
void key_add_all(struct strbuf *key, const struct strv *texts);
void key_digest(const struct strbuf *key, char ret[static ID_LEN + 1]);
void key_finish(const struct build_stage *s, const struct strbuf *words, struct step_key *ret);
/** STEP_DONE: it served, and @s has its layer and chain; STEP_RUNS: it is to be done; STEP_WAITS:
 *  another stage does it just now. */
int cache_use(struct build *b, struct build_stage *s, const struct step_key *key, struct err *e);
/** Note what the step came to: @layer (or NULL) is put upon @s. @chain: NULL draws one. */
void cache_note(struct build *b, struct build_stage *s, const char *key, struct layer *layer,
		const char *chain, const char *text);
/** Take over the steps that builds had done which were killed since this boot. */
int cache_adopt(struct build *b, struct err *e);
/** What files came to that look like @files (copy_signature()). 1: @ret, 0: not known. */
int sum_find(struct build *b, const char *files, char ret[static ID_LEN + 1], struct err *e);
void sum_note(struct build *b, const char *files, const char *digest);
/** Note what of the cache was used, and sums. */
void cache_note_use(struct build *b);
/** Bring layers, rows and @image (or NULL) into the store. */
int build_commit(struct build *b, const struct stage_image *image, struct err *e);

/* ---- layer.c: folders that become layers ---- */

/** A layer of the store. */
struct layer *layer_stored(struct build *b, const char *diff_id, int64_t size);
/** One with a name of its own in the build's staging folder, which is opened with the first; NULL
 * with @e. The folder is the caller's to make. */
enum { LAYER_NAME_SIZE = 24 };
struct layer *layer_new(struct build *b, char name[static LAYER_NAME_SIZE], struct err *e);
/** The same, with its folder, and `upper` and `work` in that. */
int layer_begin(struct build *b, struct layer **ret, struct err *e);
/** The tree of @s with @layer (or NULL: read-only) upon it: a detached mount. */
int layer_mount(struct build *b, const struct build_stage *s, const struct layer *layer,
		struct err *e);
/** It is written: its digest is begun. @ret_empty: nothing was changed, and it is gone. */
int layer_finish(struct build *b, struct layer *layer, bool *ret_empty, struct err *e);
/** The folder @dir of @layer has all its files in `upper` (@upper): it becomes a layer's, and its
 *  digest is begun. */
int layer_seal(struct build *b, struct layer *layer, int dir, int upper, struct err *e);
/** Begin with the digest of the layer whose files are in @folder. */
int layer_digest(struct build *b, struct layer *layer, int folder, struct err *e);
/** Wait for all digests. */
int layers_await(struct build *b, struct err *e);
/** The folder of a layer that is not in the store yet. */
int layer_dir(struct build *b, const struct layer *layer, struct err *e);
/** The folders below layers/ of the layers of @s from the @first on, the topmost first. */
struct strv layer_names(struct build *b, const struct build_stage *s, size_t first);
void layer_push(struct build *b, struct build_stage *s, struct layer *layer);

/* ---- steps ---- */

/** How far a step is: a container of it runs, or it is to be tried again when another one ended, or
 *  after a while (build_stage.awaited). */
enum { STEP_DONE, STEP_RUNS, STEP_WAITS };

/** Carry out one instruction of a stage. */
int step_apply(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e);
int step_run(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e);
/** Where the output of the RUN comes from that @s is at. */
int step_run_output(const struct build_stage *s);
/** Take what has come, and see to its end. */
int step_run_hear(struct build *b, struct build_stage *s, const struct instruction *in,
		  struct err *e);
/** Kill it and wait for its end. */
void step_run_cancel(struct build *b, struct build_stage *s);
/** Is a RUN at work that has this key (NULL: any)? */
bool step_run_any(const struct build *b, const char *key);
int step_copy(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e);
int step_workdir(struct build *b, struct build_stage *s, struct step_key *ret_key, struct err *e);
/** ARG, in a stage or (@s NULL) before the first. */
int step_arg(struct build *b, struct build_stage *s, const struct instruction *in, struct err *e);
/** @key: NULL for what is no step of the cache. */
void step_history(struct build *b, struct build_stage *s, const char *text,
		  const struct step_key *key, bool empty);
/** Variables as an instruction of @s sees them. */
struct expand step_expand(struct build *b, const struct build_stage *s);
/** The words of an instruction in either form, expanded. */
int step_words(struct build *b, const struct build_stage *s, const struct instruction *in,
	       struct strv *ret, struct err *e);

/** Somebody wants it to end: -EINTR. */
int build_canceled(struct err *e);
/** The image that FROM or --from names, for @platform (or NULL), pulled if it is not here. */
int build_find_image(struct build *b, const char *name, const char *platform, struct image *ret,
		     struct err *e);
/** A stage by its name or number, or NULL; only those before @before count, and none that a
 *  --build-context stands in front of. */
struct build_stage *build_find_stage(struct build *b, const char *name, size_t before);
/** A stage that has the layers of an image, and its config. */
int build_from_image(struct build *b, struct build_stage *s, const char *name, struct err *e);

/** What FROM names, expanded. */
int build_base_name(struct build *b, const struct build_stage *s, const char **ret, struct err *e);
/** What the stage begins with, if it can be known without a registry: @ret_stage, or where that is
 *  NULL the image. */
bool build_known_base(struct build *b, const struct build_stage *s, struct image *ret,
		      struct build_stage **ret_stage);

/* ---- squash.c ---- */

/** The layers of @s above its image become one; no build of it may follow. */
int build_squash(struct build *b, struct build_stage *s, struct err *e);

/** The result as files, without an image. */
int output_write(struct build *b, struct err *e);

/* ---- lint.c ---- */

/** Tell what may not be meant: at length on stdout, or in short on stderr. 1: there is something.
 *  Negative errno where the Dockerfile wants that to be an error. */
int lint_tell(struct build *b, bool whole, struct err *e);

/* ---- context.c ---- */

int build_open_context(struct build *b, struct err *e);
void build_close_contexts(struct build *b);
/** The --build-context of that name, or NULL. */
const struct named_context *build_named_context(const struct build *b, const char *name);
int build_read_dockerfile(struct build *b, char **ret, size_t *ret_len, struct err *e);
int build_read_ignore(struct build *b, struct err *e);

/** A file of the staging folder, which is opened with it, without a name. */
int build_scratch(struct build *b, struct err *e);
/** A folder of the staging folder for files that are sent. Nobody says what mode it has: that of a
 *  folder as people make them, which COPY takes over. */
int build_context_folder(struct build *b, const char *name, struct err *e);
/** The folder, which a client sends now if he has not. -ENOENT: there is none. */
int build_context(struct build *b, struct err *e);

/* ---- client.c: of a client that has a session ---- */

/** Into a folder of the staging folder, from the one that he calls @from: what is @wanted, or all
 *  but what @unwanted says. Shown as @what. */
int client_fetch(struct build *b, const char *what, const char *from, const struct strv *wanted,
		 const struct strv *unwanted, struct err *e);
/** 1: @ret, in the arena; 0: he has no such secret. */
int client_secret(struct build *b, const char *id, char **ret, size_t *ret_len, struct err *e);
/** See struct image_registry; @ctx is the build. */
const struct credentials *client_credentials(void *ctx, const char *domain);
/** Who connects to @listener speaks with his agent, as long as the descriptor is open that this
 *  returns. -ENOENT: he has none. */
int client_agent(struct build *b, const char *id, int listener, struct err *e);

/* ---- status.c: progress for a program ---- */

/** Both do nothing where nobody wants it. A vertex that is begun gets its number and time. */
void status_begin(struct build *b, struct vertex *v);
void status_output(struct build *b, const struct vertex *v, const char *data, size_t len);
/** @how: "CACHED", "CANCELED", "ERROR" with @e, or NULL. */
void status_end(struct build *b, struct vertex *v, const char *how, const struct err *e);
/** A part of it is done: of so many bytes, or 0. */
void status_done(struct build *b, const struct vertex *v, const char *text, int64_t bytes);
/** Something is said that belongs to no step. */
void status_note(struct build *b, const char *text);
void status_image(struct build *b, const char *id);

/* ---- stages.c ---- */

int stages_cut(struct build *b, struct err *e);
/** Find the target, and what it needs. */
int stages_choose(struct build *b, struct err *e);
/** Until the target is done; or what fails first has failed, and nothing runs any more. */
int stages_work(struct build *b, struct err *e);
/** The number that the step @s is at has for people. */
size_t stage_step(const struct build_stage *s);

/* ---- progress.c ---- */

void progress_begin(struct build *b);
void vertex_begin(struct build *b, struct build_stage *s, const struct instruction *in);
void vertex_output(struct build *b, struct build_stage *s, const char *data, size_t len);
/** @how: "CACHED", "CANCELED", "ERROR", for which b->why is, or NULL. */
void vertex_end(struct build *b, struct build_stage *s, const char *how);
/** Show what runs, if it is time; after how many ms it is again, or -1. */
int vertex_tick(struct build *b);
void progress_image(struct build *b, const char *id);

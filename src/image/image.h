/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: what the engine, the command line and the API call.
 *
 * An image is a config (JSON, its sha256 is the image's id) and an ordered list of layers. A layer
 * is a file tree below <root>/layers/<diff id>/fs in the form that OverlayFS takes as a lower
 * folder, unpacked once and shared by all images that have it. The rows are in the state store;
 * compressed blobs are not kept. Names ("references") are rows of their own: an image may have
 * many, or none.
 *
 * Invariant: an image that is listed is whole on the disk, also after a power cut: layers are
 * synced before they are renamed into place, and renamed before the row is committed
 * (image/stage.h).
 *
 * Everything returned lives in the caller's arena. Functions return 0 or a negative errno with @e
 * filled. Read image/load.c next.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/db.h"
#include "base/err.h"
#include "base/id.h"
#include "spec/oci_image.h"

struct image_store {
	struct db *db;
	int root_fd;         /* the folder --root */
	const char *root;    /* its path, for messages */
	const char *libexec; /* folder of hull-unpack */
};

/* ---- references (image/reference.c) ---- */

enum { IMAGE_REFERENCE_MAX = 4096, IMAGE_NAME_MAX = 255, IMAGE_TAG_MAX = 128 };

/** [domain/]path[:tag][@digest], normalised as docker does: "busybox" is
 *  docker.io/library/busybox:latest. */
struct image_reference {
	char *domain; /* "docker.io", "localhost:5000" */
	char *path;   /* "library/busybox" */
	char *tag;    /* "latest" when neither tag nor digest was given, else as given or NULL */
	char *digest; /* "sha256:<64 hex>" (or sha512), or NULL */
};

/** -EINVAL with docker's words ("invalid reference format: ..."). */
int image_reference_parse(const char *text, struct arena *a, struct image_reference *ret,
			  struct err *e);
/** "docker.io/library/busybox:latest": the key in the state store. With a digest the tag is left
 *  out, as docker does. */
char *image_reference_full(const struct image_reference *r, struct arena *a);
/** "busybox:latest": as docker shows it. */
char *image_reference_familiar(const struct image_reference *r, struct arena *a);
/** The same without tag and digest: "busybox", "localhost:5000/x". */
char *image_reference_repository(const struct image_reference *r, struct arena *a);
/** True for "sha256:" and 64 lower-case hex digits, or "sha512:" and 128. Nothing else is a digest.
 */
bool image_digest_is_valid(const char *text);

/* ---- looking up (image/find.c, image/list.c) ---- */

struct image_layer {
	char *diff_id; /* 64 hex digits */
	int64_t size;  /* bytes of its regular files */
};

enum { IMAGE_LAYERS_MAX = 127 };

struct image {
	char id[ID_LEN + 1];
	char *config_text;          /* byte for byte as loaded */
	struct oci_image config;    /* the same, parsed */
	struct image_layer *layers; /* the topmost first */
	size_t layer_count;
	struct strv names;             /* full references, ordered */
	struct strv tags;              /* familiar: "busybox:latest" (docker's RepoTags) */
	struct strv digests;           /* "busybox@sha256:..." (docker's RepoDigests) */
	int64_t size, created, loaded; /* bytes; ns since 1970, 0: unknown */
};

/**
 * By name, name:tag, name@digest, full id, "sha256:<id>" or unique prefix of an id (a name wins, as
 * in docker). -ENOENT, kind ERR_NOT_FOUND, "No such image: NAME"; -EINVAL for an ambiguous prefix.
 */
int image_find(struct image_store *s, const char *name, struct arena *a, struct image *ret,
	       struct err *e);
/** The same without layers and names: all that making a container needs, in half the time. */
int image_find_config(struct image_store *s, const char *name, struct arena *a, struct image *ret,
		      struct err *e);
/** docker's inspect object (owned by the caller: json_object_put). Errors: as image_find(). */
int image_inspect(struct image_store *s, const char *name, struct json_object **ret, struct err *e);

struct image_filter {
	bool all;               /* hull keeps no intermediate images: the same as without */
	struct strv references; /* patterns: "busybox", "local*:v?" */
	struct kvs labels;      /* value "" matches any; all must match */
	struct opt_bool dangling;
	struct strv before, since; /* resolved names: created before, after that image */
	int64_t until;             /* created before, ns; 0: any */
};
/** Add one --filter KEY=VALUE (reference label dangling before since until). */
int image_filter_add(struct image_store *s, struct image_filter *f, const char *filter,
		     struct arena *a, struct err *e);
/** Newest first. @f may be NULL. */
int image_list(struct image_store *s, const struct image_filter *f, struct arena *a,
	       struct image **ret, size_t *ret_count, struct err *e);

struct image_history_row {
	char *id; /* image id for the newest row, else "<missing>" */
	int64_t created;
	char *created_by, *comment;
	int64_t size;
	struct strv tags; /* familiar, on the newest row only */
};
/** Newest first, as docker history. */
int image_history(struct image_store *s, const char *name, struct arena *a,
		  struct image_history_row **ret, size_t *ret_count, struct err *e);

/**
 * Descriptors (O_PATH) of the trees of the layers of image @id, the topmost first, as overlay_mount
 * takes them. The caller closes them (image_layers_close). Layers below one that hides all of them
 * are left out. An image without layers gives one empty folder. There is room for one more behind
 * them. -ENOENT names the layer that is missing on disk.
 */
int image_layers_open(struct image_store *s, const char *id, struct arena *a, int **ret_fds,
		      size_t *ret_count, struct err *e);
/** The same by the names of the folders below layers/, the topmost first: diff ids, or what a
 *  build has in its staging folder. */
int image_trees_open(struct image_store *s, const struct strv *names, struct arena *a,
		     int **ret_fds, size_t *ret_count, struct err *e);
void image_layers_close(int *fds, size_t count);

/* ---- changing (image/tag.c, image/remove.c) ---- */

/** Give @source one more name; a name that another image has moves over. */
int image_tag(struct image_store *s, const char *source, const char *target, struct err *e);

enum image_remove_flags { IMAGE_REMOVE_FORCE = 1, IMAGE_REMOVE_UNUSED = 2 };
/** Take @names from the image @name, all without any; the image stays. @ret: what docker's rmi
 * says. */
int image_untag(struct image_store *s, const char *name, const struct strv *names, struct arena *a,
		struct strv *ret, struct err *e);
/**
 * By name: remove that name, and the image with its last one. By id: the image with all its names;
 * refused (-EBUSY, ERR_CONFLICT, docker's words) when it has several names or a stopped container
 * uses it, unless forced; never while a running container uses it. An image that a container uses
 * loses its names at most, with IMAGE_REMOVE_UNUSED not even those (-EBUSY). @lines gets docker's
 * "Untagged: ..." and "Deleted: sha256:...". Layers that no image needs any more are gone from the
 * disk on return.
 */
int image_remove(struct image_store *s, const char *name, unsigned flags, struct arena *a,
		 struct strv *lines, struct err *e);

/* ---- bringing in (image/load.c, image/import.c) ---- */

/** Called now and then while layers are read; @total is 0 where the size is not known. Called from
 *  the loading thread. */
struct image_progress {
	const char *layer;      /* first 12 digits of the diff id, or the member's name */
	size_t index, count;    /* which of how many layers; count 0: not known (a stream) */
	uint64_t done, total;   /* bytes of the layer as stored in the archive */
	bool finished, existed; /* this layer is complete; was in the store before */
};
typedef void (*image_progress_fn)(const struct image_progress *p, void *ctx);
/** "[====>     ]  12.3MB/45.6MB", as docker draws it; of an unknown @total only what is done.
 * Returns @buf. */
enum { IMAGE_PROGRESS_BAR_SIZE = 128 };
char *image_progress_bar(uint64_t done, uint64_t total, char buf[static IMAGE_PROGRESS_BAR_SIZE]);
/** As docker's API has it: @status is docker's word, @bar: how far it is, too. Owned by the caller.
 */
struct json_object *image_progress_json(const struct image_progress *i, const char *status,
					bool bar);
/** The last line of what failed so. */
struct json_object *image_failed_json(const struct err *e);

/** Zero takes the default of the member. */
struct image_limits {
	uint64_t bytes;   /* unpacked, of one layer: 64 GiB */
	uint64_t entries; /* of one layer: 4 Mi */
	uint64_t ratio;   /* unpacked to packed, beyond the first GiB: 500 */
};

struct image_load {
	int fd;               /* archive, seekable or not; or a folder. -1: open @path */
	const char *path;     /* of an archive or a folder; in messages also with @fd */
	const char *platform; /* "linux/arm64" or NULL: this machine's */
	struct image_limits limits;
	image_progress_fn progress; /* or NULL */
	void *ctx;
};
struct image_loaded {
	char id[ID_LEN + 1];
	struct strv tags; /* familiar; without any, docker prints "Loaded image ID: sha256:..." */
};
/** docker-archive or OCI layout; tar (plain, gzip, zstd; from a pipe too) or folder. All or
 * nothing: on failure the store is as it was. */
int image_load(struct image_store *s, const struct image_load *req, struct arena *a,
	       struct image_loaded **ret, size_t *ret_count, struct err *e);

/* ---- from and to registries (image/registry/) ---- */

struct credentials;
/** Who we are at a registry. */
struct image_identity {
	const struct image_identity *next;
	const char *domain; /* "docker.io", "host:5000" */
	const struct credentials *credentials;
};
/** How a registry is spoken to, beyond registries.conf and config.json. */
struct image_registry {
	const char *cert_dir;                    /* instead of certs.d/HOST; or NULL */
	struct opt_bool tls_verify;              /* false: any certificate, and http */
	const struct image_identity *identities; /* instead of what is kept for them */
	/* Who knows of more of them, as they are needed; it returns NULL for nothing. */
	const struct credentials *(*ask)(void *ctx, const char *domain);
	void *ctx;
};

struct image_pull {
	const char *reference;
	const char *platform; /* or NULL */
	struct image_registry registry;
	struct image_limits limits;
	image_progress_fn progress; /* or NULL; names layers by their blobs */
	void *ctx;
};
struct image_pulled {
	char id[ID_LEN + 1];
	char *digest;          /* what the name stands for: of an index, or of a manifest */
	char *full, *familiar; /* the name */
	bool newer;            /* than what was here */
};
/** All or nothing, as image_load. -ENOENT, ERR_NOT_FOUND: the registry has no such thing. */
int image_pull(struct image_store *s, const struct image_pull *req, struct arena *a,
	       struct image_pulled *ret, struct err *e);
/** The names of all tags, "docker.io/library/busybox:1.36", of the repository that
 *  @req->reference names. */
int image_remote_tags(struct image_store *s, const struct image_pull *req, struct arena *a,
		      struct strv *ret, struct err *e);

/** The manifest or index that @req->reference stands for in its registry, as it is there. */
int image_remote_manifest(struct image_store *s, const struct image_pull *req, struct arena *a,
			  char **ret, struct err *e);

/** One image of a list of images, with its manifest as the registry has it. */
struct image_entry {
	char *ref;      /* the full name it was asked for by */
	char *manifest; /* text */
	struct oci_descriptor descriptor;
};
/** A list of images for several platforms, made here (image/registry/index.c). */
struct image_index {
	char *name;           /* full */
	struct array entries; /* of struct image_entry */
};
/** All that @req->reference stands for in its registry, of an index each of its images: @ret of
 *  struct image_entry. @ret_index: it is an index. */
int image_remote_entries(struct image_store *s, const struct image_pull *req, struct arena *a,
			 struct array *ret, bool *ret_index, struct err *e);
/** 1: there is a list of that name, 0: there is none. */
int image_index_find(struct image_store *s, const char *name, struct arena *a,
		     struct image_index *ret, struct err *e);
/** Make one of images that are in a registry; @amend: add them to one that may be there. */
int image_index_create(struct image_store *s, const char *name, const struct strv *members,
		       bool amend, const struct image_registry *how, struct arena *a,
		       struct err *e);
/** Change of @member what is set in @p. */
int image_index_annotate(struct image_store *s, const char *name, const char *member,
			 const struct oci_platform *p, struct arena *a, struct err *e);
/** -ENOENT when there is none. */
int image_index_remove(struct image_store *s, const char *name, struct arena *a, struct err *e);
/** The document that it is for a registry, and of which type. */
char *image_index_text(const struct image_index *i, struct arena *a, const char **ret_type);
struct image_pushed;
int image_index_push(struct image_store *s, const char *name, const struct image_registry *how,
		     struct arena *a, struct image_pushed *ret, struct err *e);

struct image_push {
	const char *reference; /* which is here */
	struct image_registry registry;
	/* Of each layer; "layer" is of its blob. `existed`: the registry had it. Or NULL. */
	image_progress_fn progress;
	void *ctx;
};
struct image_pushed {
	char *digest; /* of the manifest */
	uint64_t size;
	bool repacked; /* not the manifest that it was pulled by, as blobs of it are out of reach */
};
/** Its end, as docker's API has it. Owned by the caller. */
struct json_object *image_pushed_json(const struct image_pushed *pushed, const char *tag);
/** -ENOENT, ERR_NOT_FOUND: there is no image of that name. */
int image_push(struct image_store *s, const struct image_push *req, struct arena *a,
	       struct image_pushed *ret, struct err *e);
/** The full name of @ref, or with @all those of all tags of its repository. -ENOENT: none is here.
 */
int image_local_tags(struct image_store *s, const struct image_reference *ref, bool all,
		     struct arena *a, struct strv *ret, struct err *e);

enum { IMAGE_SEARCH_MAX = 100 };
struct image_search {
	const char *domain; /* of the registry */
	const char *term;
	int64_t limit; /* 1 to IMAGE_SEARCH_MAX */
	struct image_registry registry;
};
struct image_found {
	char *name, *description; /* the latter may be NULL */
	int64_t stars;
	bool official;
};
/** @ret of struct image_found. -ENOENT and the like: the registry cannot be searched. */
int image_search(struct image_store *store, const struct image_search *s, struct arena *a,
		 struct array *ret, struct err *e);

struct image_login {
	const char *domain;        /* "docker.io", "host:5000" */
	const char *user, *secret; /* NULL: those that are kept */
	bool check;                /* nothing is kept */
	struct image_registry registry;
};
/** Have the registry check them, and keep them where docker does. @ret_where: the file that has
 * them in the clear now, or NULL. */
int image_login(struct image_store *s, const struct image_login *l, struct arena *a,
		char **ret_where, struct err *e);
/** 1: there are credentials for it, and perhaps the user's name; 0: there are none. */
int image_login_known(const char *domain, struct arena *a, const char **ret_user, struct err *e);
/** 1: they are forgotten, 0: there were none. */
int image_logout(const char *domain, struct arena *a, struct err *e);
/** "host:5000" of "https://host:5000/v1/"; "docker.io" for all its names, and for "". */
char *image_registry_name(const char *given, struct arena *a);

/* ---- taking out (image/save.c) ---- */

struct image_save {
	struct strv names;    /* of images, or ids */
	const char *platform; /* each must be of it; or NULL */
	int fd;               /* where the archive goes: need not be seekable */
};
/** Is @image, which was asked for as @name, of @platform, "linux/arm64" (NULL: any)? -ENOENT. */
int image_platform_check(const struct image *image, const char *name, const char *platform,
			 struct err *e);
/** Look for it, and the same. NULL: nothing is looked for. */
int image_require_platform(struct image_store *s, const char *name, const char *platform,
			   struct arena *a, struct err *e);
/** docker's archive and an OCI layout in one. See repack.h for its layers. */
int image_save(struct image_store *s, const struct image_save *req, struct err *e);

struct unpack_job;
struct image_import {
	int fd;                /* tar of a root file system: plain, gzip, zstd; seekable or not */
	const char *reference; /* or NULL */
	struct strv changes;   /* Dockerfile instructions */
	const char *message;   /* NULL: "Imported from -", without @base */
	const char *platform;  /* or NULL */
	/* For commit: the image below, the tar being a layer upon it; what a container made of its
	 * config; who did what. All NULL otherwise. */
	const struct image *base;
	const struct oci_image_process *process;
	const char *author, *created_by;
	struct unpack_job *packer; /* that writes into the other end of the pipe @fd */
	struct image_limits limits;
	image_progress_fn progress;
	void *ctx;
};
int image_import(struct image_store *s, const struct image_import *req, char ret_id[ID_LEN + 1],
		 struct err *e);

/** Apply one Dockerfile instruction (CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL ONBUILD STOPSIGNAL
 *  USER VOLUME WORKDIR) as `import -c` and `commit -c` do. */
int image_change_apply(const char *instruction, struct oci_image_process *p, struct arena *a,
		       struct err *e);

/** True for the exec form, ["a", "b"], with its words in @ret. */
bool image_exec_form(const char *text, struct arena *a, struct strv *ret);

/* ---- checking (image/check.c) ---- */

/** One line in @problems for each image, and each result of a build, that is not whole on the disk;
 * with @repair it goes from the store, unless a container uses it. How many are left to be loaded
 * or pulled again then, or negative errno. */
int image_store_check(struct image_store *s, bool repair, struct arena *a, struct strv *problems,
		      struct err *e);
/** Bytes of the files of all layers. */
int image_store_size(struct image_store *s, int64_t *ret_bytes, struct err *e);
/** Remove what killed commands left below layers/; done by each load, too. */
int image_store_sweep(struct image_store *s, struct err *e);

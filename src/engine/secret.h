/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets: short bytes under a name that containers are given and nobody is shown. Each is a file
 * below --root/secrets (0700, 0600) of its id's name, with a row; what is in it never changes:
 * another content is another id.
 *
 * A container has copies of its own from the moment when it is made (files secret.N of its folder),
 * so that it starts again after they were removed or replaced, as with podman. In it they are files
 * of a tmpfs, or variables.
 */
#pragma once

#include "engine/engine.h"

struct spec_build;

/** Swarm's: at least one byte, and less than so many. */
enum { SECRET_SIZE_END = 500 * 1024, SECRET_NAME_MAX = 64, SECRET_ID_LEN = 25 };

struct secret {
	char *id, *name;
	struct kvs labels;
	int64_t created, updated; /* it has replaced another one of its name, or is as old as it */
};

/** Durable when it returns. -EEXIST where one of the name is there, unless @replace: that is gone
 *  then, and the new one was created when it was. Docker's texts. */
int secret_create(struct engine *en, const char *name, const struct kvs *labels, const void *data,
		  size_t len, bool replace, char ret_id[SECRET_ID_LEN + 1], struct err *e);
/** By id, name, or unique prefix of an id. */
int secret_find(struct engine *en, const char *ref, struct arena *a, struct secret *ret,
		struct err *e);
/** By name. */
int secret_list(struct engine *en, struct arena *a, struct secret **ret, size_t *ret_count,
		struct err *e);
int secret_remove(struct engine *en, const char *ref, struct err *e);
/** What is in it; a NUL follows. */
int secret_read(struct engine *en, const struct secret *s, struct arena *a, char **ret,
		size_t *ret_len, struct err *e);
/** docker's object, owned by the caller. */
struct json_object *secret_object(const struct secret *s);
/** The same as of container_inspect(); with @data also SecretData, as podman, if that is text. */
int secret_inspect(struct engine *en, const char *ref, bool data, struct json_object **ret,
		   struct err *e);

/** A new file, mode 0600; @durable: its bytes are on the disk when it returns. */
int secret_file_write(int dirfd, const char *path, const void *data, size_t len, bool durable,
		      struct err *e);
/** -EINVAL: what is in a secret cannot be this variable. */
int secret_variable_check(const char *secret, const char *variable, struct err *e);
/** A detached mount of a file of a tmpfs with @data in it, or negative errno. */
int secret_mount(const char *data, size_t len, uid_t uid, gid_t gid, mode_t mode, struct err *e);

/** Which secrets a container to be gets, and where: names become whole, places absolute. */
int secrets_plan(struct engine *en, struct hull_config *h, struct arena *a, struct err *e);
/** Put its copies into its folder; @durable: as its row will be. */
int secrets_keep(struct engine *en, struct container *c, bool durable, struct arena *kept,
		 struct err *e);
/** Those that are variables, "NAME=VALUE" each. */
int secrets_env(struct engine *en, const struct container *c, struct arena *a, struct strv *ret,
		struct err *e);
/** The others into the last mounts of the spec, which are theirs. */
int secrets_mount(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);

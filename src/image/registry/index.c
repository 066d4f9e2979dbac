/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of images for several platforms, as docker's `manifest` makes them: put together here of
 * images that are in a registry, and pushed there as an index. Each is one file below --root,
 * manifests/<sha256 of its name>, which is replaced whole; commands that change it hold a lock.
 * No image of such a list is in the store. Read remote.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "image/digest.h"
#include "image/registry/remote.h"
#include "image/repack.h"

#define FOLDER "manifests"
#define DOCKER_TYPE(what) "application/vnd.docker.distribution." what
enum { INDEX_FILE_MAX = 64 << 20, ENTRIES_MAX = 256 };

#define F(member, name, type, ...) FIELD(struct image_entry, member, name, type, ##__VA_ARGS__)
static const struct field entry_fields[] = {
	F(ref, "ref", FIELD_STR, .flags = FIELD_REQUIRED),
	F(manifest, "manifest", FIELD_STR, .flags = FIELD_REQUIRED),
	F(descriptor, "descriptor", FIELD_STRUCT, .shape = &oci_descriptor_shape),
};
#undef F
static const struct shape entry_shape = SHAPE(struct image_entry, entry_fields);
static const struct field index_fields[] = {
	FIELD(struct image_index, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct image_index, entries, "entries", FIELD_ARRAY, .shape = &entry_shape),
};
static const struct shape index_shape = SHAPE(struct image_index, index_fields);

/* ---- the file ---- */

static int full_name(const char *name, struct arena *a, char **ret, struct image_reference *ref,
		     struct err *e)
{
	int r = image_reference_parse(name, a, ref, e);
	if (r == 0 && ref->digest)
		return err_set(e, EINVAL, ERR_INVALID, "%.200s: a list has a tag, not a digest",
			       name);
	if (r == 0)
		*ret = image_reference_full(ref, a);
	return r;
}

/* The folder, locked. */
static int open_folder(struct image_store *s, struct err *e)
{
	int r = dir_make(s->root_fd, FOLDER, 0700, e);
	if (r < 0)
		return r;
	CLEANUP_FD int fd = dir_open(s->root_fd, FOLDER, e);
	if (fd >= 0 && TEMP_FAILURE_RETRY(flock(fd, LOCK_EX)) < 0)
		return err_errno(e, errno, "cannot lock the lists of images");
	return fd < 0 ? fd : fd_steal(&fd);
}

static void file_of(const char *full, char ret[static ID_LEN + 1])
{
	digest_sha256(full, strlen(full), ret);
}

static int find(struct image_store *s, const char *full, struct arena *a, struct image_index *ret,
		struct err *e)
{
	char file[ID_LEN + 1], *text;
	size_t len;
	file_of(full, file);
	*ret = (struct image_index){.name = (char *)full};
	int r = file_read(s->root_fd, arena_printf(a, FOLDER "/%s", file), INDEX_FILE_MAX, a, &text,
			  &len, e);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = shape_parse(&index_shape, text, len, ret, a, e);
	return r < 0 ? err_context(e, "list %s", full) : 1;
}

int image_index_find(struct image_store *s, const char *name, struct arena *a,
		     struct image_index *ret, struct err *e)
{
	struct image_reference ref;
	if (image_reference_parse(name, a, &ref, ERR_IGNORED) < 0 || ref.digest)
		return 0;
	return find(s, image_reference_full(&ref, a), a, ret, e);
}

static int not_there(const char *name, struct err *e)
{
	err_set(e, ENOENT, ERR_NOT_FOUND, "No such manifest: %.200s", name);
	return err_hint(e, "hull manifest create makes one");
}

static int find_existing(struct image_store *s, const char *name, struct arena *a,
			 struct image_index *ret, struct image_reference *ref, struct err *e)
{
	char *full;
	int r = full_name(name, a, &full, ref, e);
	if (r == 0)
		r = find(s, full, a, ret, e);
	return r ? r : not_there(full, e);
}

static int keep(int folder, const struct image_index *i, struct arena *a, struct err *e)
{
	char file[ID_LEN + 1];
	char *text = shape_print(&index_shape, i, false, a);
	file_of(i->name, file);
	if (strlen(text) > INDEX_FILE_MAX)
		return err_set(e, EFBIG, ERR_INVALID, "list %s would be too large", i->name);
	return file_replace(folder, file, text, strlen(text), false, e);
}

/* ---- making one ---- */

static struct image_entry *find_entry(const struct image_index *i, const char *full)
{
	struct image_entry *all = i->entries.items;
	for (size_t k = 0; k < i->entries.count; k++)
		if (!strcmp(all[k].ref, full))
			return &all[k];
	return NULL;
}

static int add_member(struct image_store *s, struct image_index *i, const char *member,
		      const struct image_registry *how, struct arena *a, struct err *e)
{
	struct image_pull req = {.reference = member, .registry = *how};
	struct array found = {0};
	bool index;
	int r = image_remote_entries(s, &req, a, &found, &index, e);
	if (r < 0)
		return r;
	if (index || found.count != 1) {
		err_set(e, EINVAL, ERR_INVALID, "%s is a list of images itself", member);
		return err_hint(
			e, "name one of its images by digest; `hull manifest inspect` shows them");
	}
	const struct image_entry *one = found.items;
	struct image_entry *old = find_entry(i, one->ref);
	if (!old && i->entries.count == ENTRIES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "a list has at most %d images", ENTRIES_MAX);
	if (!old)
		old = array_push(a, &i->entries, sizeof(*old));
	*old = *one;
	return 0;
}

int image_index_create(struct image_store *s, const char *name, const struct strv *members,
		       bool amend, const struct image_registry *how, struct arena *a, struct err *e)
{
	struct image_index i;
	struct image_reference ref;
	char *full;
	int r = full_name(name, a, &full, &ref, e);
	CLEANUP_FD int folder = r < 0 ? r : open_folder(s, e);
	r = folder < 0 ? folder : find(s, full, a, &i, e);
	if (r > 0 && !amend) {
		err_set(e, EEXIST, ERR_CONFLICT, "refusing to amend an existing manifest list: %s",
			full);
		return err_hint(e, "--amend adds to it, `hull manifest rm` removes it");
	}
	for (size_t k = 0; r >= 0 && k < members->count; k++)
		r = add_member(s, &i, members->items[k], how, a, e);
	return r < 0 ? r : keep(folder, &i, a, e);
}

int image_index_annotate(struct image_store *s, const char *name, const char *member,
			 const struct oci_platform *p, struct arena *a, struct err *e)
{
	struct image_index i;
	struct image_reference ref;
	CLEANUP_FD int folder = open_folder(s, e);
	int r = folder < 0 ? folder : find_existing(s, name, a, &i, &ref, e);
	if (r >= 0)
		r = image_reference_parse(member, a, &ref, e);
	if (r < 0)
		return r;
	struct image_entry *entry = find_entry(&i, image_reference_full(&ref, a));
	if (!entry)
		return err_set(e, ENOENT, ERR_NOT_FOUND,
			       "manifest for image %.200s does not exist in %s", member, i.name);
	struct oci_platform *to = entry->descriptor.platform;
	if (!to)
		to = entry->descriptor.platform = arena_new(a, struct oci_platform);
	to->os = p->os ?: to->os;
	to->architecture = p->architecture ?: to->architecture;
	to->variant = p->variant ?: to->variant;
	to->os_version = p->os_version ?: to->os_version;
	if (p->os_features.count)
		to->os_features = p->os_features;
	return keep(folder, &i, a, e);
}

int image_index_remove(struct image_store *s, const char *name, struct arena *a, struct err *e)
{
	struct image_reference ref;
	char *full, file[ID_LEN + 1];
	int r = full_name(name, a, &full, &ref, e);
	CLEANUP_FD int folder = r < 0 ? r : open_folder(s, e);
	if (folder < 0)
		return folder;
	file_of(full, file);
	if (unlinkat(folder, file, 0) == 0)
		return 0;
	return errno == ENOENT ? not_there(full, e) : err_errno(e, errno, "cannot remove %s", full);
}

/* docker's type where all are docker's, as old readers know no other. */
char *image_index_text(const struct image_index *i, struct arena *a, const char **ret_type)
{
	const struct image_entry *all = i->entries.items;
	bool docker = i->entries.count > 0;
	struct array list = {0};
	for (size_t k = 0; k < i->entries.count; k++) {
		const char *type = all[k].descriptor.media_type ?: "";
		docker &= !strncmp(type, DOCKER_TYPE(""), sizeof(DOCKER_TYPE("")) - 1);
		*(struct oci_descriptor *)array_push(a, &list, sizeof(struct oci_descriptor)) =
			all[k].descriptor;
	}
	*ret_type = docker ? DOCKER_TYPE("manifest.list.v2+json") : OCI_TYPE("index.v1+json");
	const struct oci_document doc = {
		.schema_version = 2, .media_type = (char *)*ret_type, .manifests = list};
	return shape_print(&oci_document_shape, &doc, false, a);
}

/* ---- pushing it ---- */

static int mount_blob(struct remote *to, const struct oci_descriptor *d, const char *path,
		      struct err *e)
{
	struct transport_request q;
	struct transport_message m;
	if (!image_digest_is_valid(d->digest) || d->size < 0 || strlen(path) >= sizeof(q.from) ||
	    strlen(d->digest) >= sizeof(q.digest))
		return err_set(e, EBADMSG, ERR_INVALID, "its manifest is malformed");
	remote_request(to, &q, TRANSPORT_HEAD, arena_printf(to->arena, "blobs/%s", d->digest));
	int r = transport_call(&to->job, &q, -1, &m, e);
	if (r == 0 || m.status != 404)
		return r;
	remote_request(to, &q, TRANSPORT_UPLOAD, "blobs/uploads/");
	q.size = (uint64_t)d->size;
	memcpy(q.digest, d->digest, strlen(d->digest) + 1);
	memcpy(q.from, path, strlen(path) + 1);
	r = transport_call(&to->job, &q, -1, &m, e);
	if (r < 0)
		err_hint(e, "the registry does not share blobs between repositories: push the "
			    "image into the repository of the list first");
	return r;
}

/* An image of another repository of the registry, by its digest. */
static int bring(struct remote *to, const struct image_entry *entry,
		 const struct image_reference *from, struct err *e)
{
	struct oci_document doc = {0};
	int r = shape_parse(&oci_document_shape, entry->manifest, strlen(entry->manifest), &doc,
			    to->arena, e);
	const struct oci_descriptor *layers = doc.layers.items;
	if (r == 0 && doc.config)
		r = mount_blob(to, doc.config, from->path, e);
	for (size_t i = 0; r == 0 && i < doc.layers.count; i++)
		r = mount_blob(to, &layers[i], from->path, e);
	if (r == 0)
		r = remote_put_manifest(to, entry->descriptor.digest,
					entry->descriptor.media_type
						?: OCI_TYPE("manifest.v1+json"),
					entry->manifest, e);
	return r < 0 ? err_context(e, "%s", entry->ref) : 0;
}

/* What tokens are asked for, and that all images are of that registry. */
static int make_scope(const struct image_index *i, const struct image_reference *ref,
		      const char *path, struct arena *a, char **ret, struct err *e)
{
	const struct image_entry *all = i->entries.items;
	char *scope = arena_printf(a, "repository:%s:pull,push", path);
	for (size_t k = 0; k < i->entries.count; k++) {
		struct image_reference from;
		int r = image_reference_parse(all[k].ref, a, &from, e);
		if (r < 0)
			return r;
		if (strcmp(from.domain, ref->domain))
			return err_set(e, EINVAL, ERR_INVALID,
				       "cannot use source images from a different registry than "
				       "the target image: %s != %s",
				       from.domain, ref->domain);
		char *more = arena_printf(a, "repository:%s:pull", from.path);
		if (strcmp(from.path, ref->path) && !strstr(scope, more) &&
		    strlen(scope) + strlen(more) + 1 < TRANSPORT_SCOPE_MAX)
			scope = arena_printf(a, "%s %s", scope, more);
	}
	*ret = scope;
	return 0;
}

static int open_remote(struct image_store *s, const struct image_index *i,
		       const struct image_reference *ref, const struct image_registry *how,
		       struct arena *a, struct remote *to, struct err *e)
{
	struct endpoint *at;
	char *scope;
	int r = registries_first(ref->domain, ref->path, true, &at, a, e);
	if (r == 0)
		r = make_scope(i, ref, at->path, a, &scope, e);
	return r < 0 ? r : remote_open(to, s, how, ref->domain, ref->path, at, scope, NULL, a, e);
}

int image_index_push(struct image_store *s, const char *name, const struct image_registry *how,
		     struct arena *a, struct image_pushed *ret, struct err *e)
{
	CLEANUP_REMOTE struct remote to = REMOTE_NONE;
	struct image_index i = {0};
	struct image_reference ref, from;
	char sum[ID_LEN + 1];
	const char *type;
	int r = find_existing(s, name, a, &i, &ref, e);
	if (r > 0)
		r = open_remote(s, &i, &ref, how, a, &to, e);
	const struct image_entry *all = i.entries.items;
	for (size_t k = 0; r == 0 && k < i.entries.count; k++) {
		r = image_reference_parse(all[k].ref, a, &from, e);
		if (r == 0 && strcmp(from.path, ref.path))
			r = bring(&to, &all[k], &from, e);
	}
	if (r < 0)
		return err_context(e, "cannot push %s", name);
	char *text = image_index_text(&i, a, &type);
	digest_sha256(text, strlen(text), sum);
	*ret = (struct image_pushed){.digest = arena_printf(a, "sha256:%s", sum),
				     .size = strlen(text)};
	r = remote_put_manifest(&to, ref.tag, type, text, e);
	return r < 0 ? err_context(e, "cannot push %s", name) : 0;
}

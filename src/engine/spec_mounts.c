/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts of a container in the order in which they are made: kernel file systems, what the user
 * and the image ask for, and the three files of /etc that an engine writes. Defaults:
 * docs/security.md.
 */
#include "engine/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/network.h"
#include "engine/secret.h"
#include "engine/user_network.h"
#include "linux/idmap.h"
#include "linux/namespaces.h"
#include "view/files.h"

enum { TTY = 5, HOSTS_MAX = 1 << 20 };

struct list {
	struct oci_mount *items;
	size_t count;
};

static void push(struct list *l, struct arena *a, const char *destination, const char *type,
		 const char *source, const char *options)
{
	struct oci_mount *m = &l->items[l->count++];
	*m = (struct oci_mount){.destination = arena_strdup(a, destination),
				.type = arena_strdup(a, type),
				.source = arena_strdup(a, source)};
	char *rest = arena_strdup(a, options);
	for (char *word; (word = strsep(&rest, ","));)
		if (*word)
			strv_push(a, &m->options, word);
}

/* The user's own mount at @destination replaces ours. */
static bool user_mounts(const struct spec_build *b, const char *destination)
{
	for (size_t i = 0; i < b->mount_count; i++)
		if (!strcmp(b->mounts[i].destination, destination))
			return true;
	return false;
}

static void kernel_mounts(const struct spec_build *b, struct list *l, struct arena *a)
{
	const struct docker_host_config *h = &b->container->config.host;
	const char *rw = h->privileged ? "rw" : "ro";
	/* Whose terminals are: group "tty", where there is one. */
	bool lone = namespace_caller_is_user() && idmap_highest_gid() < TTY;
	bool own_ipc = !h->ipc_mode || strcmp(h->ipc_mode, "host") != 0;
	const struct {
		const char *destination, *type, *source, *options;
	} table[] = {
		{"/proc", "proc", "proc", "nosuid,noexec,nodev"},
		{"/dev", "tmpfs", "tmpfs", "nosuid,noexec,strictatime,mode=755,size=65536k"},
		{"/dev/pts", "devpts", "devpts",
		 arena_printf(a, "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620%s",
			      lone ? "" : ",gid=5")},
		{"/sys", "sysfs", "sysfs", arena_printf(a, "nosuid,noexec,nodev,%s", rw)},
		{"/sys/fs/cgroup", "cgroup", "cgroup",
		 arena_printf(a, "nosuid,noexec,nodev,relatime,%s",
			      b->container->config.hull.systemd ? "rw" : rw)},
		{"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
		{"/dev/shm", "tmpfs", "shm",
		 arena_printf(a, "nosuid,noexec,nodev,mode=1777,size=%lld",
			      (long long)h->shm_size)},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (user_mounts(b, table[i].destination))
			continue;
		if (!own_ipc && !strcmp(table[i].destination, "/dev/shm"))
			push(l, a, "/dev/shm", "bind", "/dev/shm", "rbind,nosuid,noexec,nodev");
		else
			push(l, a, table[i].destination, table[i].type, table[i].source,
			     table[i].options);
	}
}

/* The address of this host: that of its end of the container's first bridge; of the default one, as
 * docker's, where it has none. */
static int host_gateway(struct engine *en, const struct spec_build *b, struct arena *a,
			struct ip *ret, struct err *e)
{
	const char *mode = b->container->config.host.network_mode;
	struct network own, *n = NULL;
	*ret = (struct ip){.family = AF_INET, .bytes = {127, 0, 0, 1}};
	if (user_network_is_mode(mode))
		return user_network_host(mode, ret, e);
	for (size_t i = 0; !n && b->net && i < b->net->count; i++)
		if (b->net->endpoints[i].network.bridge[0])
			n = &b->net->endpoints[i].network;
	int r = n || !strcmp(mode, "host") ? 0 : network_find(en, "bridge", a, &own, e);
	n = n || !strcmp(mode, "host") || r < 0 ? n : &own;
	if (n && n->subnet_count)
		*ret = n->subnets[0].gateway;
	return r;
}

/* "NAME:ADDRESS" or "NAME=ADDRESS". */
static int extra_host(struct engine *en, const struct spec_build *b, const char *item, char **hosts,
		      struct arena *a, struct err *e)
{
	char text[IP_TEXT_SIZE];
	size_t name = strcspn(item, ":=");
	const char *address = item + name + (item[name] != 0);
	if (!strcmp(address, "host-gateway")) {
		struct ip ip;
		int r = host_gateway(en, b, a, &ip, e);
		if (r < 0)
			return err_context(e, "extra host %s", item);
		address = ip_print(&ip, text);
	}
	*hosts = arena_printf(a, "%s%s\t%.*s\n", *hosts, address, (int)name, item);
	return 0;
}

/* The line of its own address @ip, by its own name. */
static char *own_host(const struct container *container, const struct ip *ip, struct arena *a)
{
	const struct docker_config *c = &container->config.config;
	const char *domain = c->domainname && *c->domainname ? c->domainname : NULL;
	char text[IP_TEXT_SIZE];
	return arena_printf(a, "%s\t%s%s%s%s%s\n", ip_print(ip, text), c->hostname,
			    domain ? "." : "", domain ? domain : "", domain ? " " : "",
			    domain ? c->hostname : "");
}

static char *own_hosts(const struct spec_build *b, char *hosts, struct arena *a)
{
	for (size_t i = 0; b->net && i < b->net->count; i++)
		for (size_t k = 0; k < b->net->endpoints[i].address_count; k++)
			hosts = arena_printf(
				a, "%s%s", hosts,
				own_host(b->container, &b->net->endpoints[i].addresses[k], a));
	return hosts;
}

/* Take a line out of a text; false: it has none such. */
static bool line_remove(char *text, const char *line)
{
	const size_t len = strlen(line);
	for (char *at = text; (at = strstr(at, line)); at++)
		if (at == text || at[-1] == '\n') {
			memmove(at, at + len, strlen(at + len) + 1);
			return true;
		}
	return false;
}

/* In place, as it is bound into the container, which may have changed it. */
int container_hosts_change(struct engine *en, const struct container *c, const struct endpoint *p,
			   bool add, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *path = arena_printf(&a, "containers/%s/hosts", c->id), *text;
	size_t had;
	CLEANUP_FD int fd = openat(en->root_fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? err_errno(e, errno, "its hosts")
		       : file_read(en->root_fd, path, HOSTS_MAX, &a, &text, &had, e);
	if (r >= 0 && memchr(text, '\0', had))
		r = err_set(e, EINVAL, ERR_INVALID,
			    "its hosts is left as it is, since it is no text: a NUL byte is in it");
	for (size_t i = 0; r >= 0 && i < p->address_count; i++) {
		const char *line = own_host(c, &p->addresses[i], &a);
		const size_t len = strlen(text);
		if (add)
			text = arena_printf(&a, "%s%s%s", text,
					    len && text[len - 1] != '\n' ? "\n" : "", line);
		else
			line_remove(text, line);
	}
	if (r < 0)
		return r;
	const size_t len = strlen(text);
	return pwrite(fd, text, len, 0) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0
		       ? err_errno(e, errno, "its hosts")
		       : 0;
}

/* A name server of the host's own loopback cannot be reached from another namespace. */
static bool is_out_of_reach(const char *line, bool host_network)
{
	return !host_network &&
	       (!strncmp(line, "nameserver 127.", 15) || !strncmp(line, "nameserver ::1", 14));
}

static char *resolv_lines(char *to, const char *word, const struct strv *values, struct arena *a)
{
	for (size_t i = 0; i < values->count; i++)
		if (strcmp(values->items[i], ".") != 0)
			to = arena_printf(a, "%s%s %s\n", to, word, values->items[i]);
	return to;
}

/* The first of its networks that has names. */
static const struct network *named_network(const struct spec_build *b)
{
	for (size_t i = 0; b->net && i < b->net->count; i++)
		if (network_has_names(&b->net->endpoints[i].network))
			return &b->net->endpoints[i].network;
	return NULL;
}

/* The host's, with what --dns, --dns-search and --dns-option put in the place of its lines. */
static char *resolv_text(const struct spec_build *b, struct arena *a)
{
	const struct docker_host_config *h = &b->container->config.host;
	const struct network *named = named_network(b);
	char gateway[IP_TEXT_SIZE];
	char *host = "", *text = "";
	struct strv search = {0}, options = {0};
	file_read(AT_FDCWD, "/etc/resolv.conf", 64 * 1024, a, &host, NULL, ERR_IGNORED);
	for (const char *line = host; *line;) {
		size_t len = strcspn(line, "\n");
		bool server = !strncmp(line, "nameserver ", 11);
		bool skip = server && (named || user_network_is_mode(h->network_mode));
		skip |= server &&
			(h->dns.count || is_out_of_reach(line, !strcmp(h->network_mode, "host")));
		skip |= !strncmp(line, "search ", 7) && h->dns_search.count;
		skip |= !strncmp(line, "options ", 8) && h->dns_options.count;
		if (!skip)
			text = arena_printf(a, "%s%.*s\n", text, (int)len, line);
		line += len + (line[len] != 0);
	}
	if (named) /* which asks those of --dns */
		text = arena_printf(a, "%snameserver %s\n", text,
				    ip_print(&named->subnets[0].gateway, gateway));
	else if (user_network_is_mode(h->network_mode) && !h->dns.count)
		text = arena_printf(a, "%snameserver %s\n", text,
				    user_network_dns(h->network_mode));
	else
		text = resolv_lines(text, "nameserver", &h->dns, a);
	if (h->dns_search.count)
		strv_push(a, &search, strv_join(a, &h->dns_search, " "));
	if (h->dns_options.count)
		strv_push(a, &options, strv_join(a, &h->dns_options, " "));
	text = resolv_lines(text, "search", &search, a);
	return resolv_lines(text, "options", &options, a);
}

/* /etc/hostname, hosts and resolv.conf: written to the container's folder (not below --runroot: the
 * container may write to them, and /run is the machine's memory), and bound in. */
static int write_etc(struct engine *en, const struct spec_build *b, struct arena *a, struct err *e)
{
	const struct container *c = b->container;
	const struct docker_config *config = &c->config.config;
	const struct docker_host_config *h = &c->config.host;
	char *hosts =
		arena_printf(a, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "
				"ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\n"
				"ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n");
	int r = 0;
	for (size_t i = 0; r == 0 && i < h->extra_hosts.count; i++)
		r = extra_host(en, b, h->extra_hosts.items[i], &hosts, a, e);
	if (r < 0)
		return r;
	const char *resolv = "";
	hosts = own_hosts(b, hosts, a);
	if (!strcmp(h->network_mode, "host") || user_network_is_mode(h->network_mode) ||
	    network_mode_is_network(h->network_mode) || h->dns.count || h->dns_search.count ||
	    h->dns_options.count)
		resolv = resolv_text(b, a);
	const struct {
		const char *name, *text;
	} files[] = {{"hostname", arena_printf(a, "%s\n", config->hostname)},
		     {"hosts", hosts},
		     {"resolv.conf", resolv}};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = arena_printf(a, "containers/%s/%s", c->id, files[i].name);
		CLEANUP_FD int fd =
			openat(en->root_fd, path,
			       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
		size_t len = strlen(files[i].text);
		if (fd < 0 || fchmod(fd, 0644) < 0 || write(fd, files[i].text, len) != (ssize_t)len)
			return err_errno(e, errno, "container %s: cannot write its %s", c->name,
					 files[i].name);
	}
	return 0;
}

static void etc_mounts(struct engine *en, const struct spec_build *b, struct list *l,
		       struct arena *a)
{
	static const char *const names[] = {"resolv.conf", "hostname", "hosts"};
	bool readonly = b->container->config.host.readonly_rootfs;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *destination = arena_printf(a, "/etc/%s", names[i]);
		if (!user_mounts(b, destination))
			push(l, a, destination, "bind",
			     arena_printf(a, "%s/containers/%s/%s", en->root, b->container->id,
					  names[i]),
			     readonly ? "rbind,rprivate,ro" : "rbind,rprivate");
	}
}

static void view_mounts(const struct spec_build *b, struct list *l, struct arena *a)
{
	for (size_t i = 0; b->container->config.hull.proc_view && i < VIEW_FILES; i++)
		if (!user_mounts(b, view_paths[i]))
			push(l, a, view_paths[i], "bind", PROC_VIEW_SOURCE, "bind,ro");
}

/* A bind's source must be there; -v makes a missing folder at the start, --mount does not. */
static int check_source(const struct mount_point *m, struct err *e)
{
	struct stat st;
	if (m->kind != MOUNT_BIND || stat(m->source, &st) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, errno, "bind source %s", m->source);
	if (m->create_source)
		return 0;
	return err_set(e, ENOENT, ERR_INVALID,
		       "invalid mount config for type \"bind\": bind source path does not "
		       "exist: %s",
		       m->source);
}

static int user_mount(const struct mount_point *m, struct list *l, struct arena *a, struct err *e)
{
	if (m->kind == MOUNT_TMPFS) {
		const char *own = m->tmpfs_options;
		/* The user's words come last, so that "exec" can undo our "noexec". */
		push(l, a, m->destination, "tmpfs", "tmpfs",
		     arena_printf(a, "nosuid,nodev,noexec%s%s%s", m->read_only ? ",ro" : "",
				  *own ? "," : "", own));
		return 0;
	}
	int r = check_source(m, e);
	if (r < 0)
		return r;
	char *source = m->source;
	if (m->subpath && *m->subpath)
		source = arena_printf(a, "%s/%s", source, m->subpath); /* to read: spec_close */
	/* No "rw": a source that is mounted read-only stays so, as with docker. */
	push(l, a, m->destination, "bind", source,
	     arena_printf(a, "%s,%s,%s", m->non_recursive ? "bind" : "rbind", m->propagation,
			  !m->read_only                              ? ""
			  : m->non_recursive || m->shallow_read_only ? "ro"
								     : "rro"));
	return 0;
}

/* Upon whatever else is there: the last. */
static int secret_mounts(const struct spec_build *b, struct list *l, struct arena *a, struct err *e)
{
	const struct hull_secret *s = b->container->config.hull.secrets.items;
	for (size_t i = 0; i < b->container->config.hull.secrets.count; i++) {
		if (s[i].variable)
			continue;
		for (size_t k = 0; k < l->count; k++)
			if (!strcmp(l->items[k].destination, s[i].target))
				return err_set(e, EINVAL, ERR_INVALID,
					       "secret %s: Duplicate mount point: %s", s[i].name,
					       s[i].target);
		push(l, a, s[i].target, "bind", "(secret)", "bind,rprivate,ro,nosuid,nodev,noexec");
	}
	return 0;
}

int spec_mounts(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	const struct container_folder *folders = b->folders.items;
	size_t secrets = b->container->config.hull.secrets.count;
	size_t room = b->mount_count + b->folders.count + secrets + 16 + VIEW_FILES;
	struct list l = {.items = arena_array(a, room, sizeof(struct oci_mount))};
	kernel_mounts(b, &l, a);
	etc_mounts(en, b, &l, a);
	view_mounts(b, &l, a);
	for (size_t i = 0; i < b->folders.count; i++) {
		push(&l, a, folders[i].destination, "bind", "(build)",
		     folders[i].read_only ? "rbind,rprivate,ro" : "rbind,rprivate");
		l.items[l.count - 1].fd = folders[i].mount;
	}
	int r = 0;
	for (size_t i = 0; r == 0 && i < b->mount_count; i++)
		r = user_mount(&b->mounts[i], &l, a, e);
	size_t last = l.count;
	if (r == 0)
		r = secret_mounts(b, &l, a, e);
	if (r < 0)
		return r;
	b->own_mounts = last - b->mount_count;
	b->spec.mounts = (struct array){l.items, l.count};
	return 0;
}

static int mount_source(struct engine *en, struct spec_build *b, const struct mount_point *m,
			struct oci_mount *to, struct arena *a, struct err *e)
{
	struct stat owner = {0};
	int r = 0;
	if (m->kind == MOUNT_VOLUME && (r = volume_mount(en, m, b->container->id, &b->lock, e)) > 0)
		to->fd = r;
	else if (m->kind == MOUNT_IMAGE && (r = image_mount(en, m, e)) > 0)
		to->fd = r;
	else if (m->kind == MOUNT_BIND && m->create_source &&
		 faccessat(AT_FDCWD, m->source, F_OK, 0) < 0)
		r = dir_make(AT_FDCWD, m->source, 0755, e);
	if (r < 0 || !m->idmap)
		return r;
	if (fstatat(to->fd ? to->fd : AT_FDCWD, to->fd ? "" : m->source, &owner, AT_EMPTY_PATH) < 0)
		return err_errno(e, errno, "bind source %s", m->source);
	return mount_idmap_plan(m, &b->spec.process.user, &owner, to, a, e);
}

int spec_mount_sources(struct engine *en, struct spec_build *b, struct arena *a, struct err *e)
{
	struct oci_mount *own = (struct oci_mount *)b->spec.mounts.items + b->own_mounts;
	int r = write_etc(en, b, a, e);
	for (size_t i = 0; r >= 0 && i < b->mount_count; i++)
		r = mount_source(en, b, &b->mounts[i], &own[i], a, e);
	return r < 0 ? r : secrets_mount(en, b, a, e);
}

void spec_close(struct spec_build *b)
{
	struct oci_mount *mounts = b->spec.mounts.items;
	for (size_t i = 0; i < b->spec.mounts.count; i++)
		if (mounts[i].fd)
			fd_drop(&mounts[i].fd);
	/* Explicitly: who was just forked may hold the same open folder still. */
	if (b->lock && flock(b->lock, LOCK_UN) == 0)
		fd_drop(&b->lock);
}

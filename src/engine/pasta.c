/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See pasta.h. pasta takes a namespace by a path: by a file of the container's run folder, on which
 * it is mounted in the mount namespace of this command, and of pasta alone. It says what went wrong
 * in a log of that folder, and writes its pid there; who cleans the folder ends it first.
 * Invariant: a process is ended only if its command line names that folder.
 */
#include "engine/pasta.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "engine/internal.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

enum { LOG_MAX = 64 << 10, END_MS = 2000 };

static const char *const programs[] = {"/usr/bin/pasta", "/bin/pasta", "/usr/local/bin/pasta"};

bool pasta_is_mode(const char *mode)
{
	return mode && !strcmp(mode, "pasta");
}

static const char *find_program(void)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (access(programs[i], X_OK) == 0)
			return programs[i];
	return NULL;
}

int pasta_allowed(struct err *e)
{
	if (namespace_owns_network()) {
		err_set(e, EPERM, ERR_INVALID, "network pasta is for users without root's rights");
		err_hint(e, "use --network bridge, which is faster");
		return -EPERM;
	}
	if (find_program())
		return 0;
	err_set(e, ENOENT, ERR_SYSTEM,
		"a user's container gets its network from pasta, which is not installed");
	err_hint(e, "as root: apt-get install passt; or use --network host or --network none");
	return -ENOENT;
}

/* ---- ports ---- */

int pasta_reserve(struct engine *en, const struct container *c, struct arena *a,
		  struct container_net *net, struct err *e)
{
	/* Any address of the container: it has those of the host. */
	struct endpoint any = {.addresses = {{.family = AF_INET}, {.family = AF_INET6}},
			       .address_count = 2};
	int r = ports_reserve_at(en, c, a, net, &any, e);
	for (size_t i = 0; r == 0 && i < net->port_count; i++)
		if (net->ports[i].protocol == IPPROTO_SCTP)
			r = err_set(e, EOPNOTSUPP, ERR_INVALID,
				    "port %u/sctp cannot be published: pasta carries tcp and udp",
				    net->ports[i].port);
	if (r == -EACCES)
		err_hint(e, "ports below net.ipv4.ip_unprivileged_port_start are root's: publish a "
			    "higher one, or have root lower that sysctl");
	return r;
}

/* "127.0.0.1/8080:80"; pasta binds both families where there is no address. */
static void port_arguments(const struct container_net *net, struct strv *argv, struct arena *a)
{
	char host[IP_TEXT_SIZE];
	bool any[2] = {false, false};
	for (size_t i = 0; i < net->port_count; i++) {
		const struct firewall_port *p = &net->ports[i];
		const bool udp = p->protocol == IPPROTO_UDP;
		if (!p->host.family && p->to.family == AF_INET6)
			continue;
		any[udp] = true;
		strv_push(a, argv, udp ? "-u" : "-t");
		strv_push(a, argv,
			  arena_printf(a, "%s%s%u:%u",
				       p->host.family ? ip_print(&p->host, host) : "",
				       p->host.family ? "/" : "", p->host_port, p->port));
	}
	for (int udp = 0; udp < 2; udp++)
		if (!any[udp]) {
			strv_push(a, argv, udp ? "-u" : "-t");
			strv_push(a, argv, "none");
		}
}

/* ---- starting ---- */

static int make_namespace(const void *unused)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int pasta_namespace(struct err *e)
{
	int fd = mount_by_child(make_namespace, NULL);
	return fd < 0 ? err_errno(e, fd, "cannot make a network namespace") : fd;
}

/* It gets a path, for us and for those that we start. */
static int bind_namespace(int folder, int netns, struct err *e)
{
	CLEANUP_FD int target =
		openat(folder, "netns", O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	CLEANUP_FD int mount = target < 0 ? -errno : mount_clone(netns, "", false);
	int r = mount < 0 ? mount : mount_attach(mount, target);
	return r < 0 ? err_errno(e, r, "cannot give the container's network namespace a path") : 0;
}

static struct strv arguments(const char *folder, const struct container_net *net, struct arena *a)
{
	struct strv argv = {0};
	const char *const words[] = {"pasta",
				     "--config-net",
				     "--netns-only",
				     "--netns",
				     arena_printf(a, "%s/netns", folder),
				     "--dns-forward",
				     PASTA_DNS,
				     "--no-map-gw",
				     "-T",
				     "none",
				     "-U",
				     "none",
				     "-P",
				     arena_printf(a, "%s/pasta.pid", folder),
				     "-l",
				     arena_printf(a, "%s/pasta.log", folder)};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		strv_push(a, &argv, words[i]);
	port_arguments(net, &argv, a);
	return argv;
}

static _Noreturn void become_pasta(const char *program, char *const argv[])
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close_range(3, ~0U, 0);
	execv(program, argv);
	_exit(127);
}

/* The last thing that it calls an error. */
static void explain(int folder, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	static const char mark[] = "ERROR:";
	struct err ignored;
	char *text, *last = NULL;
	if (file_read(folder, "pasta.log", LOG_MAX, &a, &text, NULL, &ignored) < 0)
		text = "";
	for (char *at = text; (at = strstr(at, mark)); at++)
		last = at + sizeof(mark) - 1;
	if (last)
		last[strcspn(last, "\n")] = '\0';
	err_set(e, EIO, ERR_SYSTEM, "pasta could not make the network: %s",
		last ? last + strspn(last, " ") : "it does not say why");
	if (last && strstr(last, "tun"))
		err_hint(e,
			 "it needs /dev/net/tun, readable and writable for the user (mode 0666)");
}

int pasta_start(struct engine *en, const struct container *c, const struct container_net *net,
		int netns, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *path = arena_printf(&a, "%s/containers/%s", en->runroot, c->id);
	CLEANUP_FD int folder = dir_open(AT_FDCWD, path, e);
	CLEANUP_FD int child = -1;
	int status = 0, r = folder < 0 ? folder : pasta_allowed(e);
	if (r == 0)
		r = bind_namespace(folder, netns, e);
	if (r < 0)
		return r;
	struct strv argv = arguments(path, net, &a);
	pid_t started = namespace_clone(0, -1, &child);
	if (started == 0)
		become_pasta(find_program(), argv.items);
	/* It goes on in the background as soon as all is set up. */
	r = started < 0 ? started : pidfd_wait_child(child, &status);
	if (r < 0)
		return err_errno(e, r, "cannot start pasta");
	if (status != 0)
		explain(folder, e);
	return status ? -e->number : 0;
}

/* ---- ending ---- */

static bool is_of(pid_t pid, const char *id)
{
	CLEANUP_ARENA struct arena a = {0};
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	for (ssize_t i = 0; i + 1 < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	return n > 0 && !strncmp(text, "pasta", 5) && strstr(text, id);
}

bool pasta_stop(struct engine *en, const char *id)
{
	char path[sizeof("containers//pasta.pid") + ID_LEN], text[32];
	snprintf(path, sizeof(path), "containers/%s/pasta.pid", id);
	if (!namespace_caller_is_user() ||
	    file_read_small(en->run_fd, path, text, sizeof(text)) <= 0)
		return false;
	const pid_t pid = (pid_t)strtol(text, NULL, 10);
	CLEANUP_FD int pidfd = pid > 1 ? pidfd_of(pid) : -1;
	if (pidfd < 0 || !is_of(pid, id))
		return true;
	/* Who starts the container again at once wants its ports free. */
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	pidfd_signal(pidfd, SIGTERM);
	if (poll(&end, 1, END_MS) == 0)
		pidfd_signal(pidfd, SIGKILL);
	return true;
}

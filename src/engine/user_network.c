/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See user_network.h. The program takes a namespace by a path: by a file of the container's run
 * folder, on which it is mounted in the mount namespace of this command, and of the program alone.
 * It says what went wrong in a log of that folder, and its pid is there; who cleans the folder ends
 * it first. Invariant: a process is ended only if its command line names that folder.
 */
#include "engine/user_network.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/internal.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/process.h"

enum { LOG_MAX = 64 << 10, END_MS = 2000 };

static const struct program {
	const char *mode, *dns, *paths[3];
	bool ipv6;
} programs[] = {
	{"pasta", "169.254.1.1", {"/usr/bin/pasta", "/bin/pasta", "/usr/local/bin/pasta"}, true},
	{"slirp4netns",
	 "10.0.2.3",
	 {"/usr/bin/slirp4netns", "/bin/slirp4netns", "/usr/local/bin/slirp4netns"},
	 false},
};

static const struct program *program_of(const char *mode)
{
	for (size_t i = 0; mode && i < ARRAY_LEN(programs); i++)
		if (!strcmp(mode, programs[i].mode))
			return &programs[i];
	return NULL;
}

static const char *installed(const struct program *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->paths); i++)
		if (access(p->paths[i], X_OK) == 0)
			return p->paths[i];
	return NULL;
}

bool user_network_is_mode(const char *mode)
{
	return program_of(mode) != NULL;
}

const char *user_network_default(void)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (installed(&programs[i]))
			return programs[i].mode;
	return programs[0].mode;
}

const char *user_network_dns(const char *mode)
{
	return program_of(mode)->dns;
}

int user_network_allowed(const char *mode, struct err *e)
{
	if (namespace_owns_network()) {
		err_set(e, EPERM, ERR_INVALID, "network %s is for users without root's rights",
			mode);
		return err_hint(e, "use --network bridge, which is faster");
	}
	if (installed(program_of(mode)))
		return 0;
	err_set(e, ENOENT, ERR_SYSTEM,
		"a user's container gets its network from %s, which is not installed", mode);
	return err_hint(e,
			"as root: apt-get install passt (or slirp4netns); or use --network host or "
			"--network none");
}

/* ---- the machine, seen from the container ---- */

/* Is there a default route by the device @name? @routes: /proc/net/route. */
static bool leads_out(const char *routes, const char *name)
{
	char device[IFNAMSIZ];
	unsigned to, mask;
	for (const char *line = routes; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%15s %x %*x %*x %*d %*d %*d %x", device, &to, &mask) == 3 &&
		    !to && !mask && !strcmp(device, name))
			return true;
	}
	return false;
}

/* The addresses of the device that leads out are, with pasta, the container's own. */
static bool find_host(const struct ifaddrs *list, bool pasta, const char *routes, struct ip *ret)
{
	bool found = false, routed = !pasta;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct ip ip = {.family = AF_INET};
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP))
			continue;
		memcpy(ip.bytes, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr,
		       ip_size(&ip));
		bool own = pasta && leads_out(routes, i->ifa_name);
		routed |= own;
		if (found || own || ip.bytes[0] == IN_LOOPBACKNET)
			continue;
		*ret = ip;
		found = true;
	}
	return found && routed;
}

int user_network_host(const char *mode, struct ip *ret, struct err *e)
{
	const bool pasta = program_of(mode) == &programs[0];
	char routes[16 << 10];
	struct ifaddrs *list;
	if (file_read_small(AT_FDCWD, "/proc/net/route", routes, sizeof(routes)) < 0)
		*routes = '\0';
	if (getifaddrs(&list) < 0)
		return err_errno(e, errno, "cannot list the machine's addresses");
	bool found = find_host(list, pasta, routes, ret);
	freeifaddrs(list);
	if (found)
		return 0;
	err_set(e, ENOENT, ERR_INVALID, "the machine has no address by which it is reached%s",
		pasta ? ": pasta gives the container the one that leads out" : "");
	return err_hint(e,
			"%sgive the machine an address more: as root, ip address add "
			"192.168.255.254/32 dev lo",
			pasta ? "use --network slirp4netns or host; or " : "");
}

/* ---- ports ---- */

int user_network_check_port(const char *mode, const struct port_request *p, struct err *e)
{
	char host[IP_TEXT_SIZE];
	if (p->protocol == IPPROTO_SCTP)
		return err_set(e, EOPNOTSUPP, ERR_INVALID,
			       "port %u/sctp cannot be published: a user's network carries tcp and "
			       "udp",
			       p->port);
	if (p->host.family != AF_INET6 || program_of(mode)->ipv6)
		return 0;
	err_set(e, EAFNOSUPPORT, ERR_INVALID,
		"port %u/%s cannot be published on %s: %s has no IPv6", p->port,
		protocol_name(p->protocol), ip_print(&p->host, host), mode);
	return err_hint(e, "publish it on an address of IPv4, or use --network pasta");
}

int user_network_reserve(struct engine *en, const struct container *c, struct arena *a,
			 struct container_net *net, struct err *e)
{
	/* Any address of the container: it has those of the host. */
	struct endpoint any = {.addresses = {{.family = AF_INET}, {.family = AF_INET6}},
			       .address_count = 1 + program_of(c->config.host.network_mode)->ipv6};
	int r = ports_reserve_at(en, c, a, net, &any, e);
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

int user_network_namespace(struct err *e)
{
	int fd = fd_from_child(make_namespace, NULL);
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
				     programs[0].dns,
				     "--no-map-gw",
				     "-T",
				     "none",
				     "-U",
				     "none",
				     "-P",
				     arena_printf(a, "%s/" NETWORK_PID, folder),
				     "-l",
				     arena_printf(a, "%s/" NETWORK_LOG, folder)};
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
	char *text, *last = NULL;
	if (file_read(folder, NETWORK_LOG, LOG_MAX, &a, &text, NULL, ERR_IGNORED) < 0)
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
	if (last && strstr(last, "interface"))
		err_hint(e, "it takes the device of the machine's default route, and there is none "
			    "(ip route); use --network slirp4netns, host or none");
	if (last && strstr(last, "bind"))
		err_hint(e, "it carries IPv4 and IPv6 where the machine has a default route for "
			    "it (ip -4 route, ip -6 route); or a program has the port "
			    "(ss -lntup)");
}

static int start_pasta(const char *program, int folder, const char *path,
		       const struct container_net *net, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_FD int child = -1;
	int status = 0;
	struct strv argv = arguments(path, net, &a);
	pid_t started = namespace_clone(0, -1, &child);
	if (started == 0)
		become_pasta(program, argv.items);
	/* It goes on in the background as soon as all is set up. */
	int r = started < 0 ? started : pidfd_wait_child(child, &status);
	if (r < 0)
		return err_errno(e, r, "cannot start pasta");
	if (status != 0)
		explain(folder, e);
	return status ? -e->number : 0;
}

int user_network_start(struct engine *en, const struct container *c,
		       const struct container_net *net, int netns, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *mode = c->config.host.network_mode;
	char *path = arena_printf(&a, "%s/containers/%s", en->runroot, c->id);
	CLEANUP_FD int folder = dir_open(AT_FDCWD, path, e);
	int r = folder < 0 ? folder : user_network_allowed(mode, e);
	if (r == 0)
		r = bind_namespace(folder, netns, e);
	if (r < 0)
		return r;
	const struct program *p = program_of(mode);
	r = (p == &programs[0] ? start_pasta : slirp_start)(installed(p), folder, path, net, e);
	/* A machine may have a route for one family alone; then pasta leaves the other one out. */
	if (r == 0)
		r = ports_keep_bound(en, c->id, net, e);
	/* In the namespace where it is mounted it could not be removed. */
	if (r < 0)
		umount2(arena_printf(&a, "%s/netns", path), MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}

/* ---- ending ---- */

static bool is_of(pid_t pid, const char *id)
{
	char text[4096];
	if (process_command_line(pid, text, sizeof(text)) <= 0)
		return false;
	char *rest = text + strcspn(text, " ");
	bool named = strstr(rest, id);
	*rest = '\0';
	return named && program_of(text);
}

/* A pidfd; -ESRCH: it has ended, -ENOENT: the container has none. */
static int open_of(struct engine *en, const char *id)
{
	char path[sizeof("containers//" NETWORK_PID) + ID_LEN], text[32];
	snprintf(path, sizeof(path), "containers/%s/" NETWORK_PID, id);
	if (!namespace_caller_is_user() ||
	    file_read_small(en->run_fd, path, text, sizeof(text)) <= 0)
		return -ENOENT;
	const pid_t pid = (pid_t)strtol(text, NULL, 10);
	CLEANUP_FD int pidfd = pid > 1 ? pidfd_of(pid) : -1;
	return pidfd >= 0 && is_of(pid, id) ? fd_steal(&pidfd) : -ESRCH;
}

bool user_network_stop(struct engine *en, const char *id)
{
	CLEANUP_FD int pidfd = open_of(en, id);
	if (pidfd < 0)
		return pidfd != -ENOENT;
	/* Who starts the container again at once wants its ports free. */
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	pidfd_signal(pidfd, SIGTERM);
	if (poll(&end, 1, END_MS) == 0)
		pidfd_signal(pidfd, SIGKILL);
	return true;
}

bool user_network_lives(struct engine *en, const char *id)
{
	CLEANUP_FD int pidfd = open_of(en, id);
	return pidfd >= 0;
}

/* ---- mending ---- */

static int mend_one(struct engine *en, const char *id, bool repair, struct arena *a,
		    struct strv *lost, struct err *e)
{
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	struct container_net net;
	/* Whoever holds it sees to its container himself. */
	int r = container_lock(en, id, false, &lock, e);
	if (r == 0)
		r = container_read(en, id, a, &c, e);
	if (r == 0)
		r = container_probe(en, &c, e);
	if (r < 0)
		return r == -EWOULDBLOCK || r == -ENOENT ? 0 : r;
	if (!c.pid || !user_network_is_mode(c.config.host.network_mode) ||
	    user_network_lives(en, id))
		return 0;
	if (lost)
		strv_push(a, lost,
			  arena_printf(a, "container %s has no network: its %s has ended", c.name,
				       c.config.host.network_mode));
	if (!repair)
		return 0;
	CLEANUP_FD int pidfd = pidfd_of_started(c.pid, c.pid_start);
	CLEANUP_FD int netns = pidfd < 0 ? pidfd : namespace_of_process(c.pid, pidfd, "net");
	if (netns < 0)
		return 0; /* it has just ended */
	r = endpoints_read(en, &c, a, &net, e);
	return r < 0 ? r : user_network_start(en, &c, &net, netns, e);
}

int user_networks_mend(struct engine *en, bool repair, struct arena *a, struct strv *lost,
		       struct err *e)
{
	struct strv ids = {0};
	int r = db_list(&en->db, a, &ids, e, "SELECT id FROM container WHERE status = 'running'",
			"");
	for (size_t i = 0; r == 0 && i < ids.count; i++)
		r = mend_one(en, ids.items[i], repair, a, lost, e);
	return r;
}

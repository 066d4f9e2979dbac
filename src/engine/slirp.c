/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slirp4netns, where there is no pasta. It stays in the foreground, so it becomes a grandchild
 * here; it says that its device is there by a descriptor, and takes ports by a socket, in JSON: one
 * request and one answer for each connection (slirp4netns(1), "API SOCKET"). Read user_network.h
 * first.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

enum { LOG_MAX = 64 << 10, ANSWER_MAX = 4096, READY_FD = 3, FOLDER_FD };

static _Noreturn void become_slirp(const char *program, char *const argv[], int folder, int ready)
{
	char pid[16];
	sigset_t none;
	if (fork() != 0) /* its parent is not who waits for programs of other kinds */
		_exit(0);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = openat(folder, NETWORK_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int note = openat(folder, NETWORK_PID, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (fd_write_full(note, pid, (size_t)n) < 0)
		_exit(1);
	dup2(null, 0);
	dup2(null, 1);
	dup2(log, 2);
	ready = fcntl(ready, F_DUPFD_CLOEXEC, FOLDER_FD + 1);
	folder = fcntl(folder, F_DUPFD_CLOEXEC, FOLDER_FD + 1);
	dup2(ready, READY_FD);
	dup2(folder, FOLDER_FD);
	close_range(FOLDER_FD + 1, ~0U, 0);
	execv(program, argv);
	_exit(127);
}

/* The last line that it wrote. */
static int explain(int folder, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *text = "";
	file_read(folder, NETWORK_LOG, LOG_MAX, &a, &text, NULL, ERR_IGNORED);
	size_t len = strlen(text);
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	const char *line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	err_set(e, EIO, ERR_SYSTEM, "slirp4netns could not make the network: %s",
		*line ? line : "it does not say why");
	if (strstr(text, "tun"))
		err_hint(e,
			 "it needs /dev/net/tun, readable and writable for the user (mode 0666)");
	return -EIO;
}

static int ask(int folder, const char *request, char answer[static ANSWER_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/slirp.sock", folder);
	if (s < 0 || connect(s, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	int r = fd_write_full(s, request, strlen(request));
	shutdown(s, SHUT_WR);
	size_t n = 0;
	for (ssize_t got = 1; r == 0 && got > 0 && n + 1 < ANSWER_MAX;
	     n += got > 0 ? (size_t)got : 0)
		got = read(s, answer + n, ANSWER_MAX - 1 - n);
	answer[n] = '\0';
	return r;
}

static int publish(int folder, const struct firewall_port *p, struct err *e)
{
	char host[IP_TEXT_SIZE], answer[ANSWER_MAX];
	CLEANUP_JSON struct json_object *q = json_object_new_object(), *said = NULL;
	struct json_object *arguments = json_object_new_object(), *error, *why;
	struct err ignored;
	json_add_string(q, "execute", "add_hostfwd");
	json_object_object_add(q, "arguments", arguments);
	json_add_string(arguments, "proto", p->protocol == IPPROTO_UDP ? "udp" : "tcp");
	json_add_string(arguments, "host_addr",
			p->host.family ? ip_print(&p->host, host) : "0.0.0.0");
	json_add_int(arguments, "host_port", p->host_port);
	json_add_int(arguments, "guest_port", p->port);
	int r = ask(folder, json_object_to_json_string(q), answer);
	if (r < 0)
		return err_errno(e, r, "cannot ask slirp4netns for port %u", p->host_port);
	if (json_parse(answer, strlen(answer), &said, &ignored) == 0 &&
	    !json_object_object_get_ex(said, "error", &error))
		return 0;
	const char *text = said && json_object_object_get_ex(error, "desc", &why)
				   ? json_object_get_string(why)
				   : answer;
	err_set(e, EADDRINUSE, ERR_CONFLICT, "slirp4netns does not publish port %u: %s",
		p->host_port, text);
	return err_hint(e, "the port may be taken (ss -lntup), or be root's "
			   "(net.ipv4.ip_unprivileged_port_start)");
}

static int run(const char *program, int folder, char *const argv[])
{
	CLEANUP_FD int child = -1, here = -1, there = -1;
	int status, ends[2];
	char byte;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	here = ends[0];
	there = ends[1];
	pid_t started = namespace_clone(0, -1, &child);
	if (started == 0)
		become_slirp(program, argv, folder, there);
	fd_drop(&there);
	int r = started < 0 ? (int)started : pidfd_wait_child(child, &status);
	/* A byte, or the end. */
	return r < 0 ? r : read(here, &byte, 1) == 1 ? 0 : -EIO;
}

int slirp_start(const char *program, int folder, const char *path, const struct container_net *net,
		struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *netns = arena_printf(&a, "%s/netns", path);
	/* The path of a socket is short. */
	char *const argv[] = {"slirp4netns",
			      "--configure",
			      "--mtu=65520",
			      "--disable-host-loopback",
			      "--enable-seccomp",
			      "--ready-fd=3",
			      "--api-socket=/proc/self/fd/4/slirp.sock",
			      "--netns-type=path",
			      netns,
			      "tap0",
			      NULL};
	unlinkat(folder, "slirp.sock", 0); /* of one that was killed */
	int r = run(program, folder, argv);
	if (r < 0)
		return r == -EIO ? explain(folder, e) : err_errno(e, r, "cannot start slirp4netns");
	for (size_t i = 0; r == 0 && i < net->port_count; i++)
		if (net->ports[i].to.family == AF_INET) /* it has no IPv6 */
			r = publish(folder, &net->ports[i], e);
	return r;
}

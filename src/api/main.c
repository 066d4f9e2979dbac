/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `hulld`: options, manual and completion from one table, then the listener. It stays
 * in the foreground. Read server.h next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server.h"
#include "base/cleanup.h"
#include "base/option_print.h"
#include "engine/rootless.h"
#include "linux/own_program.h"

#define O(member) .offset = offsetof(struct server_hosts, member)
static const struct option option_items[] = {
	{"group", 'G', OPTION_STR, O(group), .arg = "group",
	 .help = "Group that may use the socket, which is root's power; default docker, where it "
		 "exists. \"\" is nobody but root"},
	{"host", 'H', OPTION_LIST, O(hosts), .arg = "address",
	 .help = "Socket to listen on, unix://PATH or, with --tlsverify, tcp://ADDRESS[:2376]; may "
		 "be repeated. Default unix:///run/hulld.sock, of a user "
		 "unix://RUNROOT/hulld.sock. A "
		 "socket that systemd hands over comes in the place of unix://"},
	{"page", 0, OPTION_STR, O(page), .arg = "address:port",
	 .help = "Serve a page for people at this address of the loopback interface: containers, "
		 "what they use against their limits, why the last ones ended. Nothing can be "
		 "changed there, and any user of this machine may look"},
	{"read-only-group", 0, OPTION_STR, O(read_only_group), .arg = "group",
	 .help = "Group that may use the socket of --read-only-host"},
	{"read-only-host", 0, OPTION_LIST, O(read_only), .arg = "address",
	 .help = "Another socket, for who may look at what is there and change nothing: no "
		 "files, no processes in containers, no values of environment variables, "
		 "no arguments of commands"},
	{"read-only-tlscacert", 0, OPTION_STR, O(lookers_ca), .arg = "file",
	 .help = "Certificates of those who may sign for clients of --read-only-host tcp://, PEM; "
		 "default those of --tlscacert, and then who may look there is root at --host "
		 "tcp://"},
	{"tls", 0, OPTION_REFUSED_FLAG,
	 .help = "without a certificate of the client everybody would be root here; see "
		 "--tlsverify"},
	{"tlscacert", 0, OPTION_STR, O(ca), .arg = "file",
	 .help = "Certificates of those who may sign clients' certificates, PEM; default "
		 "/etc/hull/ca.pem"},
	{"tlscert", 0, OPTION_STR, O(cert), .arg = "file",
	 .help = "Certificate of this machine, PEM; default /etc/hull/cert.pem"},
	{"tlscrl", 0, OPTION_STR, O(crl), .arg = "file",
	 .help = "Revocation lists of those in --tlscacert, PEM: whose certificate is in them does "
		 "not come in. Read anew for each connection; one that is out of date lets in "
		 "nobody. Default: none"},
	{"tlskey", 0, OPTION_STR, O(key), .arg = "file",
	 .help = "Key of that certificate, PEM; default /etc/hull/key.pem"},
	{"tlsverify", 0, OPTION_BOOL, O(verify),
	 .help = "Clients of tcp:// show a certificate: who has one that --tlscacert signed is "
		 "root "
		 "on this machine"},
};
static const struct option_table options = OPTIONS(option_items);

static void print_help(void)
{
	fputs("Usage:  hulld [OPTIONS]\n\nServe the Docker Engine API\n\nOptions:\n", stdout);
	const struct option_table tables[] = {options, settings_options};
	for (size_t t = 0; t < ARRAY_LEN(tables); t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct option *o = &tables[t].items[i];
			char name[64];
			if (!option_is_shown(o))
				continue;
			snprintf(name, sizeof(name), "--%s %s", o->name, option_arg(o));
			printf("  %s%c%s %-34s %s\n", o->letter ? "-" : " ",
			       o->letter ? o->letter : ' ', o->letter ? "," : " ", name, o->help);
		}
}

static void print_man(void)
{
	const struct option_table tables[] = {options, settings_options};
	fputs(".TH HULLD 8 \"\" \"hull " HULL_VERSION "\" \"hull manual\"\n.SH NAME\n"
	      "hulld \\- serve the Docker Engine API\n.SH SYNOPSIS\n.B hulld\n"
	      "[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n",
	      stdout);
	roff_text(
		stdout,
		"The API of docker's engine, versions " API_VERSION_MIN " to " API_VERSION
		", on a Unix socket, or over TCP with TLS for clients that show a certificate, for "
		"the docker client and everything that is built on it. It "
		"holds no state: containers, their output and attached sessions go on when it "
		"ends, and hull and docker may be used in any mixture on the same containers. "
		"Each connection has a process of its own.\n");
	fputs(".PP\n", stdout);
	roff_text(stdout, "Whoever may connect to the socket is root on this machine: containers "
			  "may mount its files and have its rights.\n");
	roff_options(stdout, ".SH OPTIONS\n", tables, ARRAY_LEN(tables));
	fputs(".SH REQUESTS\n", stdout);
	for (size_t i = 0; i < route_count; i++) {
		fputs(".TP\n.B ", stdout);
		roff_text(stdout, routes[i].method);
		putchar(' ');
		roff_text(stdout, routes[i].path);
		putchar('\n');
		roff_text(stdout, routes[i].about);
		putchar('\n');
	}
	fputs(".SH FILES\n", stdout);
	roff_text(stdout,
		  "/etc/hull/hull.conf has the defaults of new containers, as for hull. The "
		  "certificates of a user's hulld are by default in ~/.config/hull.\n");
	fputs(".SH SEE ALSO\n.BR hull (1)\n", stdout);
}

/* The last word of "hulld __complete -- WORDS". */
static void complete(int argc, char **argv)
{
	const struct option_table tables[] = {options, settings_options};
	const char *typed = argc ? argv[argc - 1] : "";
	if (argc < 2 || !completion_wants_value(tables, ARRAY_LEN(tables), argv[argc - 2]))
		completion_offer_options(typed, tables, ARRAY_LEN(tables));
}

/* 1: done. What is not an option prints, as hull's other programs do it. */
static int print_instead(const struct settings *s, int argc, char **argv, struct err *e)
{
	const char *word = argc > 1 ? argv[1] : "";
	if (s->version)
		puts("hulld version " HULL_VERSION);
	else if (!strcmp(word, "man"))
		print_man();
	else if (!strcmp(word, "completion") && argc == 3)
		return completion_script("hulld", argv[2], e) < 0 ? -EINVAL : 1;
	else if (!strcmp(word, "__complete") && argc > 2)
		complete(argc - 3, argv + 3);
	else
		return 0;
	return 1;
}

static int hulld(int argc, char **argv, struct arena *a, struct err *e)
{
	struct settings settings = {0};
	struct server_hosts hosts = {0};
	struct strv args = {0};
	const struct option_table tables[] = {options, settings_options};
	void *fill[] = {&hosts, &settings};
	const struct option_request q = {tables, ARRAY_LEN(tables), fill, .stop_at_argument = true};
	int r = settings_read(&settings, a, e);
	if (r == 0)
		r = options_parse(&q, a, argv + 1, (size_t)argc - 1, &args, e);
	if (r == 1) {
		print_help();
		return 0;
	}
	if (r == 0)
		r = print_instead(&settings, argc, argv, e);
	if (r)
		return r < 0 ? r : 0;
	if (args.count)
		return err_set(e, EINVAL, ERR_USAGE, "hulld takes no arguments: %s", args.items[0]);
	r = settings_finish(&settings, a, e);
	if (r == 0)
		r = rootless_enter(&settings, argv, a, e);
	/* A container is entered from here, by exec and start. */
	if (r == 0)
		r = own_program_protect(argv, e);
	return r < 0 ? r : server_run(&settings, &hosts, a, e);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	CLEANUP_ARENA struct arena a = {0};
	umask(022);
	int r = hulld(argc, argv, &a, &e);
	if (r >= 0)
		return 0;
	fprintf(stderr, "hulld: %s\n", e.text);
	if (*e.hint)
		fprintf(stderr, "hint: %s\n", e.hint);
	return 1;
}

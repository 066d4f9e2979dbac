/* SPDX-License-Identifier: Apache-2.0 */
/* hull login, hull logout: who we are for a registry. Rests on termios(3) for a password that is
 * not shown. */
#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/registry_options.h"

enum { SECRET_MAX = 8192 };

struct login_values {
	struct image_registry registry;
	char *user, *password;
	bool password_stdin;
};

/* One line of the terminal; with @hidden not echoed. */
static int ask(struct arena *a, const char *prompt, bool hidden, const char **ret, struct err *e)
{
	struct termios before, silent;
	char line[SECRET_MAX];
	fprintf(stderr, "%s: ", prompt);
	fflush(stderr);
	bool off = hidden && tcgetattr(STDIN_FILENO, &before) == 0;
	if (off) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	bool there = fgets(line, sizeof(line), stdin);
	if (off) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	line[there ? strcspn(line, "\r\n") : 0] = '\0';
	*ret = arena_strdup(a, line);
	explicit_bzero(line, sizeof(line));
	return **ret ? 0 : err_set(e, EINVAL, ERR_INVALID, "%s is empty", prompt);
}

static int read_password(struct arena *a, const char **ret, struct err *e)
{
	char *text = arena_alloc(a, SECRET_MAX + 1);
	ssize_t n = fd_read_full(STDIN_FILENO, text, SECRET_MAX);
	if (n < 0)
		return err_errno(e, (int)n, "cannot read the password");
	text[strcspn(text, "\r\n")] = '\0';
	*ret = text;
	return *text ? 0 : err_set(e, EINVAL, ERR_INVALID, "the password is empty");
}

static int get_credentials(struct cli *cli, const struct login_values *v, struct image_login *l,
			   struct err *e)
{
	const char *kept = NULL;
	l->user = v->user;
	l->secret = v->password;
	if (v->password_stdin && !l->user)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Must provide --username with --password-stdin");
	if (v->password_stdin && v->password)
		return err_set(e, EINVAL, ERR_INVALID,
			       "--password and --password-stdin are mutually exclusive");
	if (v->password)
		cli_notice("WARNING! Using --password via the CLI is insecure. Use "
			   "--password-stdin.");
	if (v->password_stdin)
		return read_password(&cli->arena, &l->secret, e);
	if (!l->user && !l->secret) {
		int r = image_login_known(l->domain, &cli->arena, &kept, e);
		if (r != 0) {
			if (r > 0)
				cli_notice("Authenticating with existing credentials...");
			return r < 0 ? r : 0;
		}
	}
	if ((!l->user || !l->secret) && !isatty(STDIN_FILENO)) {
		err_set(e, EINVAL, ERR_INVALID,
			"Cannot perform an interactive login from a non TTY device");
		return err_hint(e, "hull login -u NAME --password-stdin %s < FILE", l->domain);
	}
	int r = l->user ? 0 : ask(&cli->arena, "Username", false, &l->user, e);
	return r < 0 || l->secret ? r : ask(&cli->arena, "Password", true, &l->secret, e);
}

static int login_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct login_values *v = values;
	struct image_login l = {.registry = v->registry};
	char *where;
	l.domain = image_registry_name(args->count ? args->items[0] : "", &cli->arena);
	int r = get_credentials(cli, v, &l, e);
	if (r == 0)
		r = image_login(&cli->engine.images, &l, &cli->arena, &where, e);
	if (r < 0)
		return r;
	if (where)
		cli_notice("WARNING! Your password will be stored unencrypted in %s.\nConfigure a "
			   "credential helper to remove this warning.",
			   where);
	puts("Login Succeeded");
	return 0;
}

static int logout_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const char *domain = image_registry_name(args->count ? args->items[0] : "", &cli->arena);
	int r = image_logout(domain, &cli->arena, e);
	if (r < 0)
		return r;
	printf(r ? "Removing login credentials for %s\n" : "Not logged in to %s\n", domain);
	return 0;
}

#define O(member) .offset = offsetof(struct login_values, member)
static const struct option options[] = {
	{"password", 'p', OPTION_STR, O(password),
	 .help = "Password or Personal Access Token (PAT); others can see it"},
	{"password-stdin", 0, OPTION_BOOL, O(password_stdin),
	 .help = "Take the Password or Personal Access Token (PAT) from stdin"},
	{"username", 'u', OPTION_STR, O(user), .help = "Username"},
};

const struct command command_login = {
	.names = NAMES("login"),
	.synopsis = "[OPTIONS] [SERVER]",
	.summary = "Authenticate to a registry",
	.text = "The registry checks user and password; then they are kept in config.json of "
		"$DOCKER_CONFIG or ~/.docker, or with the credential helper that is named there, "
		"and found by docker, too. Without a SERVER it is docker.io.",
	.options = OPTIONS_FOR(struct login_values, options),
	.more = {{&registry_option_table, offsetof(struct login_values, registry)}},
	.args = {0, 1},
	.run = login_run,
};

const struct command command_logout = {
	.names = NAMES("logout"),
	.synopsis = "[SERVER]",
	.summary = "Log out from a registry",
	.args = {0, 1},
	.run = logout_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* Raw terminals. Rests on termios(3), tty_ioctl(4). Read tty.h first. */
#include "linux/tty.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct termios raw_from(const struct termios *before)
{
	struct termios raw = *before;
	cfmakeraw(&raw);
	return raw;
}

int tty_raw_enter(int fd, struct tty_raw *ret, struct err *e)
{
	struct tty_raw t = {.fd = fd};
	ret->fd = -1;
	if (tcgetattr(fd, &t.before) < 0)
		return 0; /* no terminal: nothing to change */
	struct termios raw = raw_from(&t.before);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return err_errno(e, errno, "cannot make the terminal raw");
	*ret = t;
	return 0;
}

void tty_raw_again(const struct tty_raw *t)
{
	struct termios raw = raw_from(&t->before);
	if (t->fd >= 0)
		tcsetattr(t->fd, TCSADRAIN, &raw);
}

void tty_raw_leave(struct tty_raw *t)
{
	if (t->fd >= 0)
		tcsetattr(t->fd, TCSADRAIN, &t->before);
	t->fd = -1;
}

bool tty_size(unsigned *ret_rows, unsigned *ret_cols)
{
	struct winsize w;
	for (int fd = 0; fd < 3; fd++)
		if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col) {
			*ret_rows = w.ws_row;
			*ret_cols = w.ws_col;
			return true;
		}
	return false;
}

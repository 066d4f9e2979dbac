// SPDX-License-Identifier: Apache-2.0
/*
 * Signals by name and by number: signal(7).
 *
 * The numbers are those of x86_64 and aarch64, which agree. Real-time signals are counted from 34
 * as glibc does (it keeps 32 and 33 for its threads), because "RTMIN+3" in an image's STOPSIGNAL
 * was written by someone who uses systemd.
 *
 * Invariant: pure functions over one const table; they run in the unit tests on a host libc.
 */
#include "signal_names.h"
#include "text.h"

#define RTMIN 34

/* Indexed by number. */
static const char names[32][8] = {
	"0",    "HUP",  "INT",  "QUIT", "ILL",    "TRAP",   "ABRT",  "BUS",  "FPE",  "KILL", "USR1",
	"SEGV", "USR2", "PIPE", "ALRM", "TERM",   "STKFLT", "CHLD",  "CONT", "STOP", "TSTP", "TTIN",
	"TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF",   "WINCH", "IO",   "PWR",  "SYS",
};

/* Other names the same signals go by. */
static const struct {
	int signal;
	char name[8];
} aliases[] = {{6, "IOT"}, {17, "CLD"}, {29, "POLL"}, {31, "UNUSED"}};

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* The rest of text behind prefix in any case, or NULL. */
static const char *after(const char *text, const char *prefix)
{
	for (; *prefix; prefix++, text++)
		if (upper(*text) != *prefix)
			return NULL;
	return text;
}

static bool is_name(const char *text, const char *name)
{
	const char *rest = after(text, name);

	return rest && !*rest;
}

/* "RTMIN", "RTMIN+n" or "RTMAX", "RTMAX-n"; rest is what stands behind the first five. */
static int realtime(const char *rest, int base, char sign)
{
	int64_t offset;

	if (!*rest)
		return base;
	if (*rest++ != sign)
		return -1;
	offset = text_number(&rest, SIGNALS_MAX - RTMIN);
	if (offset < 0 || *rest)
		return -1;
	return sign == '+' ? base + (int)offset : base - (int)offset;
}

int signal_parse(const char *text)
{
	const char *rest = text;
	int64_t number = text_number(&rest, SIGNALS_MAX);

	if (number >= 0)
		return *rest ? -1 : (int)number;
	rest = after(text, "SIG");
	if (rest)
		text = rest;
	for (int sig = 1; sig < 32; sig++)
		if (is_name(text, names[sig]))
			return sig;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (is_name(text, aliases[i].name))
			return aliases[i].signal;
	rest = after(text, "RTMIN");
	if (rest)
		return realtime(rest, RTMIN, '+');
	rest = after(text, "RTMAX");
	return rest ? realtime(rest, SIGNALS_MAX, '-') : -1;
}

const char *signal_name(int sig, char buffer[SIGNAL_NAME_SIZE])
{
	char number[TEXT_NUMBER_SIZE];
	const char *digits = text_from_number(number, sig > RTMIN ? sig - RTMIN : sig);

	if (sig >= 0 && sig < 32)
		return names[sig];
	if (sig == RTMIN)
		return "RTMIN";
	if (sig < RTMIN) {
		memcpy(buffer, digits, text_length(digits) + 1);
		return buffer;
	}
	memcpy(buffer, "RTMIN+", 6);
	memcpy(buffer + 6, digits, text_length(digits) + 1);
	return buffer;
}

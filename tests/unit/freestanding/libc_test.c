/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/freestanding in place of a libc: the functions of text.c and memory.c against plain loops and
 * known answers, and of the system calls those that do more than pass their arguments on. No
 * cmocka: that wants a libc. Prints the line of each expectation that did not hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failed;

static void expect(bool holds, int line)
{
	char text[64];

	if (holds)
		return;
	failed = 1;
	int len = snprintf(text, sizeof(text), "libc_test.c:%d: not so\n", line);
	if (write(2, text, (size_t)len) < 0)
		_exit(2);
}
#define EXPECT(what) expect(what, __LINE__)

enum { AREA = 160, LONGEST = 70 };

static void fill(uint8_t *area)
{
	for (size_t i = 0; i < AREA; i++)
		area[i] = (uint8_t)(i * 37 + 1);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < AREA; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* Everything up to four blocks, at each distance to one: also where source and target overlap. */
static void test_copies(void)
{
	uint8_t got[AREA], want[AREA], before[AREA];

	fill(before);
	for (size_t len = 0; len <= LONGEST; len++) {
		for (size_t to = 0; to <= 40; to++) {
			fill(got);
			fill(want);
			for (size_t i = 0; i < len; i++)
				want[to + i] = before[20 + i];
			EXPECT(memmove(got + to, got + 20, len) == got + to && same(got, want));
			fill(got);
			EXPECT(memcpy(got + to, before + 20, len) == got + to && same(got, want));
			EXPECT(memcmp(got + to, before + 20, len) == 0);
			for (size_t i = 0; i < len; i++)
				want[to + i] = 0xfe;
			EXPECT(memset(got + to, 0x1fe, len) == got + to && same(got, want));
		}
	}
	EXPECT(memcmp("ab\x80", "ab\x01", 3) > 0 && memcmp("a", "b", 1) < 0);
}

static void test_searches(void)
{
	uint8_t area[AREA];

	fill(area);
	for (size_t len = 0; len <= LONGEST; len++) {
		for (size_t at = 0; at < len; at++) {
			uint8_t byte = area[3 + at];
			EXPECT(memchr(area + 3, byte | 0x100, len) == area + 3 + at);
			EXPECT(memrchr(area + 3, byte, len) == area + 3 + at);
		}
		EXPECT(!memchr(area + 3, area[3 + len], len));
		EXPECT(!memrchr(area + 3, area[3 + len], len));
	}
	EXPECT(memrchr("xaxa", 'x', 4) != NULL && *(char *)memchr("xaxb", 'b', 4) == 'b');
}

static void test_text(void)
{
	char text[16] = "";
	const char *path = "/a/b";

	EXPECT(strlen("") == 0 && strlen("hull") == 4);
	EXPECT(strnlen("hull", 2) == 2 && strnlen("hull", 9) == 4);
	EXPECT(strchr(path, '/') == path && strchr(path, 'b') == path + 3 && !strchr(path, 'c'));
	EXPECT(strchr(path, '\0') == path + 4 && strrchr(path, '/') == path + 2);
	EXPECT(!strrchr(path, 'c') && strrchr(path, '\0') == path + 4);
	EXPECT(strcmp("a", "a") == 0 && strcmp("a", "ab") < 0 && strcmp("\xff", "a") > 0);
	EXPECT(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
	EXPECT(strncmp("a", "a\0b", 4) == 0);
	EXPECT(stpcpy(text, "ab") == text + 2 && strcat(text, "cd") == text);
	EXPECT(strcmp(text, "abcd") == 0 && strcmp(strcpy(text, "e"), "e") == 0);
}

static void test_numbers(void)
{
	char text[12], *end;

	EXPECT(strtoull("18446744073709551615 x", &end, 10) == UINT64_MAX && *end == ' ');
	EXPECT(strtoull("x", NULL, 10) == 0);
	EXPECT(snprintf(text, sizeof(text), "%d,%u", -7, 70u) == 5 && !strcmp(text, "-7,70"));
	EXPECT(snprintf(text, sizeof(text), "%d", INT32_MIN) == 11);
	EXPECT(!strcmp(text, "-2147483648"));
	EXPECT(snprintf(text, sizeof(text), ".%s.%u", "0123456789", 1u) == 13);
	EXPECT(!strcmp(text, ".0123456789"));
	EXPECT(snprintf(NULL, 0, "%s", "abc") == 3);
}

static void test_dates(void)
{
	static const struct {
		time_t time;
		int year, month, day, hour, minute, second;
	} dates[] = {
		{0, 1970, 1, 1, 0, 0, 0},          {951782399, 2000, 2, 28, 23, 59, 59},
		{951782400, 2000, 2, 29, 0, 0, 0}, {1735689599, 2024, 12, 31, 23, 59, 59},
		{1740787200, 2025, 3, 1, 0, 0, 0}, {4107542399, 2100, 2, 28, 23, 59, 59},
		{4107542400, 2100, 3, 1, 0, 0, 0}, {9223372036, 2262, 4, 11, 23, 47, 16},
	};
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		struct tm tm;
		EXPECT(gmtime_r(&dates[i].time, &tm) == &tm);
		EXPECT(tm.tm_year + 1900 == dates[i].year && tm.tm_mon + 1 == dates[i].month);
		EXPECT(tm.tm_mday == dates[i].day && tm.tm_hour == dates[i].hour);
		EXPECT(tm.tm_min == dates[i].minute && tm.tm_sec == dates[i].second);
	}
}

static void test_calls(void)
{
	char byte = 0;
	int pair[2];

	EXPECT(close(-1) == -1 && errno == EBADF);
	EXPECT(open("/proc/nothing", O_RDONLY | O_CLOEXEC) == -1 && errno == ENOENT);
	EXPECT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	EXPECT(fcntl(pair[0], F_GETFD) == FD_CLOEXEC);
	EXPECT(recv(pair[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	struct pollfd p = {.fd = pair[0], .events = POLLIN};
	EXPECT(poll(&p, 1, 1) == 0);
	EXPECT(send(pair[1], "x", 1, MSG_NOSIGNAL) == 1);
	EXPECT(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	EXPECT(recv(pair[0], &byte, 1, 0) == 1 && byte == 'x');
	EXPECT(dup2(pair[0], pair[0]) == pair[0] && dup2(pair[0], pair[1]) == pair[1]);
	EXPECT(fcntl(pair[1], F_GETFD) == 0);
	EXPECT(close(pair[0]) == 0 && close(pair[1]) == 0);
	EXPECT(getauxval(AT_PAGESZ) >= 4096 && getauxval(AT_EUID) == geteuid());
	EXPECT(getauxval(12345) == 0);
}

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
}

static void raise_here(int signal)
{
	EXPECT(syscall(SYS_kill, getpid(), signal) == 0);
}

static void test_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct signalfd_siginfo info;
	sigset_t set;

	EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
	EXPECT(sigaction(SIGKILL, &action, NULL) == -1 && errno == EINVAL);
	raise_here(SIGUSR1);
	EXPECT(caught == SIGUSR1);
	EXPECT(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	caught = 0;
	raise_here(SIGUSR1);
	EXPECT(caught == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	EXPECT(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	raise_here(SIGUSR2);
	EXPECT(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR2);
	EXPECT(close(fd) == 0);
}

static __attribute__((noinline)) void spill(volatile char *buffer, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buffer[i] = 'x';
}

static __attribute__((noinline)) void overrun(size_t len)
{
	char buffer[16];

	spill(buffer, len);
}

/* What becomes of a child that runs @life. */
static siginfo_t child(void (*life)(size_t), size_t argument)
{
	siginfo_t info = {0};
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_DUMPABLE, 0); /* no core file */
		life(argument);
		_exit(7);
	}
	EXPECT(pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	return info;
}

static void test_processes(void)
{
	siginfo_t info = child(overrun, 16);
	EXPECT(info.si_code == CLD_EXITED && info.si_status == 7);
	info = child(overrun, 64);
	EXPECT(info.si_code != CLD_EXITED &&
	       (info.si_status == SIGILL || info.si_status == SIGTRAP));
	EXPECT(waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1 && errno == ECHILD);
}

int main(int argc, char **argv)
{
	EXPECT(argc == 1 && strrchr(argv[0], '/') && !argv[1]);
	test_copies();
	test_searches();
	test_text();
	test_numbers();
	test_dates();
	test_calls();
	test_signals();
	test_processes();
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Small facilities of src/linux: mount options, signal names, sysctls, limits, pidfds, overlay. */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "linux/network_ahead.h"
#include "linux/overlay.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/rlimit.h"
#include "linux/signals.h"
#include "linux/softnet.h"
#include "linux/sysctl.h"

static int parse(struct mount_options *m, struct err *e, const char *const *list, size_t count)
{
	struct strv v = {(char **)list, count, count};
	return mount_options_parse(&v, m, e);
}
#define PARSE(m, ...)                                                                              \
	parse(m, &e, (const char *const[]){__VA_ARGS__},                                           \
	      sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void options_are_sorted(void **state)
{
	(void)state;
	struct err e;
	struct mount_options m;
	for (size_t i = 1; mount_option_name(i); i++)
		assert_true(strcmp(mount_option_name(i - 1), mount_option_name(i)) < 0);
	assert_int_equal(PARSE(&m, "rbind", "ro", "nosuid", "rslave", "rnoexec"), 0);
	assert_true(m.bind && m.recursive && m.propagation_all);
	assert_int_equal(m.set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID);
	assert_int_equal(m.set_all, MOUNT_ATTR_NOEXEC);
	assert_int_equal(m.propagation, MS_SLAVE);
	assert_int_equal(PARSE(&m, "bind", "private"), 0);
	assert_true(m.bind && !m.recursive && !m.propagation_all);
}

static void last_option_wins(void **state)
{
	(void)state;
	struct err e;
	struct mount_options m;
	assert_int_equal(PARSE(&m, "ro", "rw"), 0);
	assert_int_equal(m.set, 0);
	assert_int_equal(m.clear, MOUNT_ATTR_RDONLY);
	assert_int_equal(PARSE(&m, "noatime", "strictatime"), 0);
	assert_int_equal(m.set, MOUNT_ATTR_STRICTATIME);
	assert_int_equal(PARSE(&m, "noatime", "relatime"), 0);
	assert_int_equal(m.set, 0);
}

static void other_options_are_data(void **state)
{
	(void)state;
	struct err e;
	struct mount_options m;
	assert_int_equal(PARSE(&m, "size=64m", "", "mode=755", "tmpcopyup"), 0);
	assert_int_equal(m.data_count, 2);
	assert_string_equal(m.data[1], "mode=755");
	assert_true(m.copy_up);
	const char *many[MOUNT_DATA_MAX + 1];
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "x=1";
	assert_int_equal(parse(&m, &e, many, MOUNT_DATA_MAX), 0);
	assert_int_equal(parse(&m, &e, many, MOUNT_DATA_MAX + 1), -E2BIG);
}

static void signals_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int number;
	} cases[] = {
		{"TERM", SIGTERM},
		{"SIGTERM", SIGTERM},
		{"sigterm", SIGTERM},
		{"15", SIGTERM},
		{"RTMIN", 34},
		{"SIGRTMIN+3", 37},
		{"rtmin+15", 49},
		{"RTMAX", 64},
		{"SIGRTMAX-1", 63},
		{"RTMAX-30", 34},
		{"RTMIN+30", 64},
		{"64", 64},
		{"1", 1},
		{"IOT", SIGABRT},
		{"CLD", SIGCHLD},
		{"POLL", SIGIO},
		{"0", -EINVAL},
		{"65", -EINVAL},
		{"", -EINVAL},
		{"SIG", -EINVAL},
		{"-1", -EINVAL},
		{"TERMX", -EINVAL},
		{"RTMIN+31", -EINVAL},
		{"RTMAX-31", -EINVAL},
		{"RTMIN-1", -EINVAL},
		{"RTMIN+", -EINVAL},
		{"+9", -EINVAL},
		{"9 ", -EINVAL},
		{"99999999999999999999", -EINVAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(signal_parse(cases[i].text), cases[i].number);
	char name[SIGNAL_NAME_SIZE];
	for (int n = 1; n <= 64; n++) {
		if (n == 32 || n == 33)
			continue;
		assert_int_equal(signal_parse(signal_name(n, name)), n);
	}
	assert_string_equal(signal_name(6, name), "SIGABRT");
	assert_string_equal(signal_name(37, name), "SIGRTMIN+3");
	assert_string_equal(signal_name(0, name), "");
	assert_string_equal(signal_name(65, name), "");
	assert_string_equal(signal_text(15, name), "SIGTERM");
	assert_string_equal(signal_text(65, name), "signal 65");
	assert_string_equal(signal_name(32, name), "");
}

static void ignored_signals_are_reset(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t set;
		struct sigaction now;
		signal(SIGTERM, SIG_IGN);
		sigfillset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		signal_reset_all();
		sigaction(SIGTERM, NULL, &now);
		sigprocmask(SIG_SETMASK, NULL, &set);
		_exit(now.sa_handler == SIG_DFL && !sigismember(&set, SIGTERM) ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void sysctl_list(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value;
		unsigned long own;
		int result;
	} cases[] = {
		{"net.ipv4.ip_forward", "1", CLONE_NEWNET, 0},
		{"net/ipv4/ip_forward", "1", CLONE_NEWNET, 0},
		{"net.ipv4.conf.eth0/100.forwarding", "1", CLONE_NEWNET, 0},
		{"net.ipv4.ip_forward", "1", CLONE_NEWIPC, -EPERM},
		{"kernel.shmmax", "1", CLONE_NEWIPC, 0},
		{"kernel.shmmaxx", "1", CLONE_NEWIPC, -EPERM},
		{"kernel.core_pattern", "|x", ~0UL, -EPERM},
		{"kernel.hostname", "x", ~0UL, -EPERM},
		{"kernel.domainname", "x", CLONE_NEWUTS, 0},
		{"fs.mqueue.msg_max", "1", CLONE_NEWIPC, 0},
		{"fs.file-max", "1", ~0UL, -EPERM},
		{"user.max_user_namespaces", "1", CLONE_NEWUSER, 0},
		{"net/../kernel/core_pattern", "1", ~0UL, -EINVAL},
		{"net/./x", "1", ~0UL, -EINVAL},
		{"net.", "1", ~0UL, -EINVAL},
		{"net", "1", ~0UL, -EPERM},
		{"net..x", "1", ~0UL, -EINVAL},
		{".net.x", "1", ~0UL, -EINVAL},
		{"/net/x", "1", ~0UL, -EINVAL},
		{"", "1", ~0UL, -EINVAL},
		{"net.x y", "1", ~0UL, -EINVAL},
		{"kernel.shmmax", "1\n2", ~0UL, -EINVAL},
	};
	struct err e;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(sysctl_check(cases[i].key, cases[i].value, cases[i].own, &e),
				 cases[i].result);
	char value[SYSCTL_VALUE_MAX + 2];
	memset(value, '1', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(sysctl_check("kernel.sem", value, ~0UL, &e), -EINVAL);
	value[SYSCTL_VALUE_MAX] = '\0';
	assert_int_equal(sysctl_check("kernel.sem", value, ~0UL, &e), 0);
}

static void limits_by_name(void **state)
{
	(void)state;
	assert_int_equal(rlimit_number("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_number("nofile"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_number("NPROC"), RLIMIT_NPROC);
	assert_int_equal(rlimit_number(""), -EINVAL);
	assert_int_equal(rlimit_number("RLIMIT_"), -EINVAL);
	for (int i = 0; rlimit_name(i); i++)
		assert_int_equal(rlimit_number(rlimit_name(i)), i);
	bool clamped;
	assert_int_equal(rlimit_set(RLIMIT_NOFILE, 20, 10, &clamped), -EINVAL);
}

static void processors_of_packets(void **state)
{
	(void)state;
#define ZEROS(n) n " 0 0 0 0 0 0 0 0 0 0 0 "
	struct softnet n;
	assert_true(softnet_parse(ZEROS("0000000a") "0\n" ZEROS("00000f00") "00000003 5\n", &n));
	assert_int_equal(n.processors, 2);
	assert_int_equal(n.busiest, 3);
	assert_int_equal(n.packets, 0xf0a);
	assert_int_equal(n.most, 0xf00);
	/* Before the 13th number there was. */
	assert_true(softnet_parse("1 0 0 0\nffffffff 0 0 0\n0 0 0 0", &n));
	assert_int_equal(n.processors, 3);
	assert_int_equal(n.busiest, 1);
	assert_int_equal(n.packets, 0x100000000);
	assert_true(softnet_parse(ZEROS("0") "2\n", &n));
	assert_int_equal(n.busiest, 2);
	assert_false(softnet_parse("", &n));
	assert_false(softnet_parse("what\n", &n));
#undef ZEROS
}

static void command_lines(void **state)
{
	(void)state;
	int in[2], out[2], status;
	char text[64], one;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("sh", "sh", "-c", "echo; read x", "a", "", "b c", NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_int_equal(read(out[0], &one, 1), 1); /* it is the program now */
	assert_int_equal(process_command_line(pid, text, sizeof(text)), 26);
	assert_string_equal(text, "sh -c echo; read x a  b c");
	close(in[1]);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(process_command_line(pid, text, sizeof(text)) < 0);
}

/* Another one than ours, with its loopback device up, and nobody is left who made it. */
/* PID 1 of a namespace whose last process cannot be gone, as we trace it and do not look. */
static void the_end_of_pid_1_takes_time(void **state)
{
	(void)state;
	int ready[2], fd = -1, status;
	char byte, path[64], children[32] = "";
	assert_int_equal(pipe(ready), 0);
	pid_t first = namespace_clone(CLONE_NEWPID, -1, &fd);
	if (first == 0) {
		if (fork() == 0 && write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (first == -EPERM)
		skip();
	assert_true(first > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)first, (int)first);
	assert_true(file_read_small(AT_FDCWD, path, children, sizeof(children)) > 0);
	pid_t second = (pid_t)strtol(children, NULL, 10);
	assert_int_equal(ptrace(PTRACE_SEIZE, second, NULL, NULL), 0);
	assert_false(pidfd_is_ending(fd));
	assert_int_equal(pidfd_signal(fd, SIGKILL), 0);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)second, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(pidfd_has_ended(fd), 0);
	assert_true(pidfd_is_ending(fd));
	assert_int_equal(waitpid(second, &status, __WALL), second);
	assert_int_equal(pidfd_wait_child(fd, &status), 0);
	assert_true(pidfd_is_ending(fd));
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

static void a_network_is_made_beside(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	struct network_ahead n;
	struct stat ours, theirs;
	network_ahead_begin(&n);
	int fd = network_ahead_wait(&n);
	assert_true(fd >= 0);
	assert_int_equal(waitpid(-1, NULL, __WALL), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(fstat(fd, &theirs), 0);
	assert_int_equal(stat("/proc/self/ns/net", &ours), 0);
	assert_int_not_equal(ours.st_ino, theirs.st_ino);
	CLEANUP_FD int sock = namespace_socket(fd, AF_INET, SOCK_DGRAM, 0);
	struct ifreq lo = {.ifr_name = "lo"};
	assert_int_equal(ioctl(sock, SIOCGIFFLAGS, &lo), 0);
	assert_true(lo.ifr_flags & IFF_UP);
	network_ahead_end(&n);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	network_ahead_end(&n);
}

static void pidfds(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	uint64_t start;
	int status = 0;
	assert_int_equal(pidfd_start_time(pid, &start), 0);
	assert_int_equal(pidfd_of_started(pid, start + 1), -ESRCH);
	CLEANUP_FD int fd = pidfd_of_started(pid, start);
	assert_true(fd >= 0);
	assert_int_equal(pidfd_pid(fd), pid);
	assert_int_equal(pidfd_has_ended(fd), 0);
	assert_int_equal(pidfd_signal(fd, SIGTERM), 0);
	assert_int_equal(pidfd_wait_child(fd, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(pidfd_has_ended(fd), 1);
	assert_int_equal(pidfd_signal(fd, SIGTERM), -ESRCH);
	int again = -1, r = pidfd_exit_status(fd, &again);
	assert_true(r == -ENOTSUP || (r == 0 && again == status));
	assert_int_equal(pidfd_of_started(pid, start), -ESRCH);
}

static void namespace_names(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(namespace_find("network")->flag, CLONE_NEWNET);
	assert_ptr_equal(namespace_find("net"), namespace_find("network"));
	assert_null(namespace_find("nose"));
	assert_int_equal(namespace_open(namespace_find("net"), "/proc/self/ns/uts", &e), -EINVAL);
	assert_int_equal(namespace_open(namespace_find("net"), "/dev/null", &e), -EINVAL);
	assert_int_equal(namespace_open(namespace_find("net"), "/nonexistent", &e), -ENOENT);
	int fd = namespace_open(namespace_find("net"), "/proc/self/ns/net", &e);
	assert_true(fd >= 0);
	close(fd);
}

static int make_dir(const char *base, const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", base, name);
	mkdir(path, 0755);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* More layers than one option holds, so that every way of naming them is taken. */
static void overlay_of_many_layers(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	struct err e = {0};
	char base[] = "/tmp/overlay-test-XXXXXX", name[16], command[64];
	int lowers[OVERLAY_LAYERS_MAX];
	assert_non_null(mkdtemp(base));
	for (size_t i = 0; i < ARRAY_LEN(lowers); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		lowers[i] = make_dir(base, name);
		assert_int_equal(mkdirat(lowers[i], name, 0755), 0);
	}
	static const size_t counts[] = {2, 14, 15, 40, OVERLAY_LAYERS_MAX};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct overlay o = {.lowers = lowers,
				    .lower_count = counts[i],
				    .upper = -1,
				    .work = -1,
				    .upper_mount = -1};
		int mount = overlay_mount(&o, &e);
		if (mount == -ENODEV || mount == -EPERM)
			break;
		assert_true(mount >= 0);
		snprintf(name, sizeof(name), "%zu", counts[i] - 1);
		assert_int_equal(faccessat(mount, name, F_OK, 0), 0);
		snprintf(name, sizeof(name), "%zu", counts[i]);
		assert_int_not_equal(faccessat(mount, name, F_OK, 0), 0);
		close(mount);
	}
	struct overlay none = {
		.lowers = lowers, .lower_count = 0, .upper = -1, .work = -1, .upper_mount = -1};
	assert_int_equal(overlay_mount(&none, &e), -EINVAL);
	none.lower_count = OVERLAY_LAYERS_MAX + 1;
	assert_int_equal(overlay_mount(&none, &e), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(lowers); i++)
		close(lowers[i]);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_sorted),
		cmocka_unit_test(last_option_wins),
		cmocka_unit_test(other_options_are_data),
		cmocka_unit_test(signals_by_name),
		cmocka_unit_test(ignored_signals_are_reset),
		cmocka_unit_test(sysctl_list),
		cmocka_unit_test(limits_by_name),
		cmocka_unit_test(pidfds),
		cmocka_unit_test(the_end_of_pid_1_takes_time),
		cmocka_unit_test(a_network_is_made_beside),
		cmocka_unit_test(processors_of_packets),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(namespace_names),
		cmocka_unit_test(overlay_of_many_layers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The program that the end-to-end tests run inside containers: static, one subcommand each. Those
 * that ask the kernel what they may do print one line per answer; those that play a part (listen to
 * signals, breed, eat memory) say "ready" first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_alg.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void note(int signal)
{
	got = signal;
}

static void on_signal(int signal, void (*handler)(int))
{
	struct sigaction a = {.sa_handler = handler};
	sigaction(signal, &a, NULL);
}

static void nap(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* Not pause(2): a signal may come before it. */
static void await(void)
{
	while (!got)
		nap(10);
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
}

/* fds: the numbers of the open descriptors. */
static int fds(char **args)
{
	(void)args;
	DIR *d = opendir("/proc/self/fd");
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d))
			printf("%s\n", e->d_name);
	return 0;
}

/* Touch so much memory and keep it. */
static int keep(size_t mib, int flags, int advice)
{
	size_t size = mib << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1,
		       0);
	if (p == MAP_FAILED) {
		puts(strerrorname_np(errno));
		return 1;
	}
	madvise(p, size, advice);
	for (size_t i = 0; i < size; i += 4096)
		p[i] = 1;
	ready();
	pause();
	return 0;
}

/* eat MIB, in ordinary pages. */
static int eat(char **args)
{
	return keep((size_t)atol(args[0]), 0, MADV_NORMAL);
}

/* huge hugetlb|transparent MIB: in huge pages of either kind. */
static int huge(char **args)
{
	bool set_aside = !strcmp(args[0], "hugetlb");
	return keep((size_t)atol(args[1]), set_aside ? MAP_HUGETLB : 0,
		    set_aside ? MADV_NORMAL : MADV_HUGEPAGE);
}

static int by_size(const void *x, const void *y)
{
	const int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return (a > b) - (a < b);
}

/* write FILE COUNT: blocks of 1 MiB through the page cache; how long the middle one took, and one
 * of a hundred, in microseconds. */
static int write_blocks(char **args)
{
	enum { BLOCK = 1 << 20, MOST = 1024 };
	static char block[BLOCK];
	static int64_t took[MOST];
	int n = atoi(args[1]), fd = open(args[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || n < 1 || n > MOST)
		return 2;
	for (int i = 0; i < n; i++) {
		struct timespec from, to;
		clock_gettime(CLOCK_MONOTONIC, &from);
		if (write(fd, block, BLOCK) != BLOCK)
			return 1;
		clock_gettime(CLOCK_MONOTONIC, &to);
		took[i] = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	}
	qsort(took, (size_t)n, sizeof(*took), by_size);
	printf("%lld %lld\n", (long long)took[n / 2], (long long)took[n - 1 - n / 100]);
	ready();
	pause();
	return 0;
}

/* eat-child MIB: a child does so and dies of it; we live on. */
static int eat_child(char **args)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(eat(args));
	waitpid(pid, NULL, 0);
	ready();
	for (;;)
		pause();
	return 0;
}

/* orphans N: that many double forks, whose ends somebody else must see. */
static int orphans(char **args)
{
	for (int i = 0; i < atoi(args[0]); i++) {
		pid_t pid = fork();
		if (pid == 0) {
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	ready();
	pause();
	return 0;
}

/* neglect: children that end and are never waited for, until fork fails. */
static int neglect(char **args)
{
	(void)args;
	int n = 0;
	pid_t pid;
	while (n < 100 && (pid = fork()) >= 0) {
		if (pid == 0)
			_exit(0);
		n++;
	}
	printf("%d children, then %s\n", n, pid < 0 ? strerrorname_np(errno) : "enough");
	ready();
	on_signal(SIGTERM, note);
	await();
	return 0;
}

/* again: three that end and are reaped, with 3 each; then zombies of the same number: of one that
 * ended with 4, and of two with 0, which nobody records. For root, and with the numbers of the
 * machine (--pid host). */
static int again(char **args)
{
	static const int codes[] = {4, 0, 0};
	(void)args;
	for (size_t i = 0; i < 3;) {
		pid_t number = fork();
		if (number == 0)
			_exit(3);
		waitpid(number, NULL, 0);
		nap(50); /* more than a tick, in which the kernel tells the start of a process */
		struct clone_args a = {.exit_signal = SIGCHLD,
				       .set_tid = (uint64_t)(uintptr_t)&number,
				       .set_tid_size = 1};
		pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
		if (pid == 0)
			_exit(codes[i]);
		if (pid < 0 && errno != EEXIST) {
			perror("clone3");
			return 1;
		}
		i += pid > 0;
	}
	ready();
	on_signal(SIGTERM, note);
	await();
	return 0;
}

/* breed: forks in all children until it cannot; never ends by itself. */
static int breed(char **args)
{
	(void)args;
	on_signal(SIGCHLD, SIG_IGN);
	for (;;) {
		pid_t pid = fork();
		if (pid < 0)
			nap(20);
	}
	return 0;
}

/* graceful FILE MS: on TERM take that long, leave a mark, exit 0. */
static int graceful(char **args)
{
	on_signal(SIGTERM, note);
	ready();
	await();
	nap(atol(args[1]));
	touch(args[0]);
	return 0;
}

static void start_graceful(const char *mark, long ms, int own_session)
{
	int p[2];
	char c;
	if (pipe2(p, O_CLOEXEC) != 0 || fork() != 0) {
		close(p[1]);
		(void)!read(p[0], &c, 1);
		return;
	}
	if (own_session)
		setsid();
	on_signal(SIGTERM, note);
	close(p[1]);
	await();
	nap(ms);
	touch(mark);
	_exit(0);
}

/* family DIR MS: graceful main, child in its group, and daemon in a session of its own. The child
 * is the first to end, the daemon the last. */
static int family(char **args)
{
	enum { LATER = 150 };
	long ms = atol(args[1]);
	char mark[512];
	on_signal(SIGTERM, note);
	snprintf(mark, sizeof(mark), "%s/child", args[0]);
	start_graceful(mark, ms, 0);
	snprintf(mark, sizeof(mark), "%s/daemon", args[0]);
	start_graceful(mark, ms + 2 * LATER, 1);
	ready();
	await();
	nap(ms + LATER);
	snprintf(mark, sizeof(mark), "%s/main", args[0]);
	touch(mark);
	return 0;
}

/* stubborn: a child that ignores TERM; the main process ends on it. */
static int stubborn(char **args)
{
	(void)args;
	on_signal(SIGTERM, SIG_IGN);
	if (fork() == 0) {
		prctl(PR_SET_NAME, "stubborn");
		ready();
		for (;;)
			pause();
	}
	on_signal(SIGTERM, note);
	await();
	return 0;
}

/* deaf: blocks and ignores all that can be. */
static int deaf(char **args)
{
	sigset_t all;
	(void)args;
	sigfillset(&all);
	for (int i = 1; i <= SIGRTMAX; i++)
		on_signal(i, SIG_IGN);
	sigprocmask(SIG_SETMASK, &all, NULL);
	ready();
	for (;;)
		pause();
	return 0;
}

/* handlers: catches USR1, TERM and RTMIN+3 and nothing else. */
static int handlers(char **args)
{
	(void)args;
	on_signal(SIGUSR1, note);
	on_signal(SIGTERM, note);
	on_signal(SIGRTMIN + 3, note);
	ready();
	await();
	printf("signal %d\n", got);
	return 0;
}

/* named NAME: as which /proc shows it. */
static int named(char **args)
{
	prctl(PR_SET_NAME, args[0]);
	ready();
	pause();
	return 0;
}

/* An extended attribute of a file: "set", "remove", or else asked for. */
static int attribute(char **args)
{
	static const char name[] = "user.probe";
	if (!strcmp(args[1], "set"))
		return setxattr(args[0], name, "1", 1, 0) < 0;
	if (!strcmp(args[1], "remove"))
		return removexattr(args[0], name) < 0;
	puts(getxattr(args[0], name, NULL, 0) < 0 ? "absent" : "present");
	return 0;
}

/* In vfork(2): not to be interrupted until the child executes, which it does not. */
static int vforked(char **args)
{
	(void)args;
	pid_t pid = vfork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	return 0;
}

/* calls32: system calls of the 32-bit ABI, by interrupt 0x80: mount, getpid, rt_sigaction; and
 * swapoff of the native one, whose number has another meaning there. "calls32 once": whether that
 * getpid had an answer. */
static int calls32(char **args)
{
#ifdef __x86_64__
	static const long numbers[] = {21, 20, 174};
	int answer = 0;
	ready();
	for (;;) {
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			long r = numbers[i];
			if (*args && i == 2 && answer <= 0)
				return 1;
			__asm__ volatile("int $0x80"
					 : "+a"(r)
					 : "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L)
					 : "memory", "r8", "r9", "r10", "r11");
			answer = (int)r;
		}
		syscall(SYS_swapoff, "/nowhere");
		if (*args)
			return 0;
		nap(20);
	}
#else
	return 1;
#endif
}

/* vforks: one such child after the other, of 30 ms each. */
static int vforks(char **args)
{
	(void)args;
	for (;;) {
		pid_t pid = vfork();
		if (pid == 0) {
			nap(30);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void *stay_alone(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	puts("alone");
	fflush(stdout);
	for (;;)
		pause();
}

/* leaderless: the first thread ends, another one stays. */
static int leaderless(char **args)
{
	static pthread_t first, other;
	(void)args;
	first = pthread_self();
	if (pthread_create(&other, NULL, stay_alone, &first) != 0)
		return 1;
	pthread_exit(NULL);
}

/* reload FILE: counts HUPs into FILE. */
static int reload(char **args)
{
	int count = 0;
	on_signal(SIGHUP, note);
	ready();
	for (;; got = 0) {
		await();
		FILE *f = fopen(args[0], "we");
		if (!f)
			return 1;
		fprintf(f, "%d %d\n", ++count, (int)getpid());
		fclose(f);
	}
	return 0;
}

/* count N [FILE]: N numbered lines, and on until FILE is there; the status tells of failed writes.
 */
static int count_lines(char **args)
{
	int failed = 0;
	on_signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < atoi(args[0]) || (args[1] && access(args[1], F_OK) < 0); i++) {
		char line[64];
		int n = snprintf(line, sizeof(line), "line %06d\n", i);
		if (write(1, line, (size_t)n) != n)
			failed++;
		if (i % 50 == 0)
			nap(5);
	}
	return failed ? 3 : 0;
}

static void report(const char *what, long r)
{
	printf("%s %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
}

/* calls: what the system call filter and the missing capabilities answer. */
static int calls(char **args)
{
	(void)args;
	report("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
	report("socket-vsock", socket(40, SOCK_STREAM, 0));
	report("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
	report("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
	report("userfaultfd", syscall(SYS_userfaultfd, 0));
	report("bpf", syscall(SYS_bpf, 0, NULL, 0));
	report("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	report("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	report("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -1));
	report("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	report("init_module", syscall(SYS_init_module, NULL, 0, ""));
	report("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
	report("unshare-user", syscall(SYS_unshare, CLONE_NEWUSER));
	report("setns", syscall(SYS_setns, -1, 0));
	report("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
	report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	report("clone3", syscall(SYS_clone3, NULL, 0));
	report("clone-newns", syscall(SYS_clone, CLONE_NEWNS, NULL, NULL, NULL, NULL));
	report("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
	report("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
	report("personality", syscall(SYS_personality, 0xffffffff));
	report("unknown-call", syscall(999));
	return 0;
}

/* devices: which of the device nodes can be made and opened. */
static int devices(char **args)
{
	static const struct {
		const char *name;
		mode_t type;
		unsigned major, minor;
	} table[] = {{"mem", S_IFCHR, 1, 1},     {"null", S_IFCHR, 1, 3},
		     {"kmsg", S_IFCHR, 1, 11},   {"loop0", S_IFBLK, 7, 0},
		     {"vda", S_IFBLK, 254, 0},   {"tun", S_IFCHR, 10, 200},
		     {"fuse", S_IFCHR, 10, 229}, {"rtc", S_IFCHR, 250, 0}};
	(void)args;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char path[64], what[64];
		snprintf(path, sizeof(path), "/tmp/%s", table[i].name);
		unlink(path);
		int r = mknod(path, table[i].type | 0600, makedev(table[i].major, table[i].minor));
		snprintf(what, sizeof(what), "mknod-%s", table[i].name);
		report(what, r);
		if (r < 0)
			continue;
		snprintf(what, sizeof(what), "open-%s", table[i].name);
		report(what, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
		unlink(path);
	}
	return 0;
}

/* limits: soft and hard of NOFILE and CORE. */
/* A filter of its own, which refuses mkdir; then it asks for that on and on. */
static int filtered(char **args)
{
	(void)args;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
		return 1;
	ready();
	for (;;) {
		mkdirat(AT_FDCWD, "/made", 0755);
		nap(20);
	}
}

static int limits(char **args)
{
	struct rlimit r;
	(void)args;
	getrlimit(RLIMIT_NOFILE, &r);
	printf("nofile %llu %llu\n", (unsigned long long)r.rlim_cur,
	       (unsigned long long)r.rlim_max);
	getrlimit(RLIMIT_CORE, &r);
	printf("core %llu %llu\n", (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	return 0;
}

/* tiocsti: pushes a character into the terminal. */
static int tiocsti(char **args)
{
	char c = 'x';
	(void)args;
	report("tiocsti", syscall(SYS_ioctl, 0, 0x5412, &c));
	return 0;
}

/* swap A B: has each in the other's place, again and again; where one is not there it waits. Others
 * are to get on as well. */
static int swap(char **args)
{
	enum { AT_ONCE = 51 };
	ready();
	for (unsigned n = 1;; n++)
		if (renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_EXCHANGE) < 0 ||
		    n % AT_ONCE == 0)
			nap(1);
}

/* 1: the program of process @pid is one of the container's, 0: it is another, which is noted. */
static int is_ours(int pid, const struct stat ours[2], FILE *seen)
{
	char path[64], name[256];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (st.st_ino == ours[i].st_ino && st.st_dev == ours[i].st_dev) {
			close(fd);
			return 1;
		}
	ssize_t n = readlink(path, name, sizeof(name) - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int writable = open(path, O_WRONLY | O_CLOEXEC); /* later it is, once nobody runs it */
	fprintf(seen, "exe of %d: %.*s, to write: %d\n", pid, n > 0 ? (int)n : 0, name, writable);
	return 0;
}

/* leave-project DIR: tries to take a folder out of the project whose quota limits it. (linux/fs.h
 * is at odds with sys/mount.h.) */
static int leave_project(char **args)
{
	struct {
		uint32_t flags, extent, extents, project, cow_extent, unused[2];
	} x = {0};
	enum { INHERIT = 0x200, INHERIT_FLAG = 0x20000000 };
	int flags = 0, fd = open(args[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 2;
	ioctl(fd, _IOR('X', 31, x), &x); /* FS_IOC_FSGETXATTR */
	x.project = 0;
	x.flags &= ~(uint32_t)INHERIT;
	ioctl(fd, _IOW('X', 32, x), &x);
	ioctl(fd, _IOR('f', 1, long), &flags); /* FS_IOC_GETFLAGS */
	flags &= ~INHERIT_FLAG;
	ioctl(fd, _IOW('f', 2, long), &flags);
	return 0;
}

/* thief FILE MS: gets hold of programs that are not the container's, and of the memory of processes
 * that run them; notes what it got. */
static int thief(char **args)
{
	struct stat ours[2];
	struct timespec t;
	char path[64], byte;
	FILE *seen = fopen(args[0], "w");
	long rounds = 0, refused = 0;
	if (!seen || stat("/proc/self/exe", &ours[0]) < 0 || stat("/bin/busybox", &ours[1]) < 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (long end = t.tv_sec * 1000 + t.tv_nsec / 1000000 + atol(args[1]);
	     t.tv_sec * 1000 + t.tv_nsec / 1000000 < end;
	     clock_gettime(CLOCK_MONOTONIC, &t), rounds++) {
		DIR *proc = opendir("/proc");
		for (struct dirent *d; proc && (d = readdir(proc));) {
			int pid = atoi(d->d_name);
			if (pid < 1 || is_ours(pid, ours, seen) == 1)
				continue;
			refused++;
			snprintf(path, sizeof(path), "/proc/%d/mem", pid);
			int fd = open(path, O_RDWR | O_CLOEXEC);
			/* It may have become the container's meanwhile, or have ended: then there
			 * is no program to compare, and the memory, if it was got, reads as empty.
			 */
			if (fd >= 0 && is_ours(pid, ours, seen) != 1 && pread(fd, &byte, 1, 0) != 0)
				fprintf(seen, "memory of %d\n", pid);
			if (fd >= 0)
				close(fd);
		}
		if (proc)
			closedir(proc);
	}
	fclose(seen);
	printf("looked %ld times, refused %ld times\n", rounds, refused);
	return 0;
}

/* crash: "abort", or "write" to where there is nothing. */
static int crash(char **args)
{
	static int *volatile nowhere;
	if (!strcmp(args[0], "write"))
		*nowhere = 1;
	abort();
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **args);
} table[] = {
	{"crash", 1, crash},
	{"fds", 0, fds},
	{"eat", 1, eat},
	{"eat-child", 1, eat_child},
	{"huge", 2, huge},
	{"write", 2, write_blocks},
	{"orphans", 1, orphans},
	{"neglect", 0, neglect},
	{"again", 0, again},
	{"breed", 0, breed},
	{"graceful", 2, graceful},
	{"family", 2, family},
	{"stubborn", 0, stubborn},
	{"deaf", 0, deaf},
	{"handlers", 0, handlers},
	{"reload", 1, reload},
	{"leaderless", 0, leaderless},
	{"count", 1, count_lines},
	{"calls", 0, calls},
	{"devices", 0, devices},
	{"filtered", 0, filtered},
	{"limits", 0, limits},
	{"tiocsti", 0, tiocsti},
	{"swap", 2, swap},
	{"thief", 2, thief},
	{"leave-project", 1, leave_project},
	{"vforked", 0, vforked},
	{"vforks", 0, vforks},
	{"calls32", 0, calls32},
	{"named", 1, named},
	{"attribute", 2, attribute},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(argv[1], table[i].name) && argc - 2 >= table[i].args)
			return table[i].run(argv + 2);
	fprintf(stderr, "probe: unknown subcommand, or too few arguments\n");
	return 2;
}

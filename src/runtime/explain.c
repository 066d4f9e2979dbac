/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a command cannot be executed. execve(2) has one errno for many causes: ENOENT also when only
 * the interpreter is missing, EACCES also for a mount that is noexec. Here the file is looked at
 * the way the kernel does (fs/binfmt_script.c, fs/binfmt_elf.c), and the user reads the cause.
 * Invariant: reads at most one page of the file; never waits for it (O_NONBLOCK, regular files).
 * Read runtime.h first.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/command.h"
#include "runtime/runtime.h"

enum {
	HEAD_SIZE = 4096,
	INTERPRETER_MAX = 255,
	PROGRAM_HEADERS_MAX = 64,
	SCRIPTS_MAX = 5,
	SCRIPTS_UNSEEN, /* interpreters are not looked into */
};

#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#elif defined(__riscv)
#define NATIVE_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define NATIVE_MACHINE EM_PPC64
#elif defined(__s390x__)
#define NATIVE_MACHINE EM_S390
#else
#define NATIVE_MACHINE EM_NONE
#endif

static const struct {
	uint16_t machine;
	const char *name; /* as image platforms spell it */
} machines[] = {
	{EM_386, "386"},       {EM_X86_64, "amd64"},  {EM_ARM, "arm"},
	{EM_AARCH64, "arm64"}, {EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64"},
	{EM_S390, "s390x"},    {EM_MIPS, "mips"},     {258, "loong64"},
};

static const char *machine_name(unsigned machine)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "an unknown processor";
}

struct head {
	size_t len;
	char bytes[HEAD_SIZE + 1];
};

/* -errno when the file cannot be read, which does not hinder the kernel from executing it. */
static int head_read(const char *path, struct head *h)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ssize_t n = fd_read_full(fd, h->bytes, HEAD_SIZE);
	if (n < 0)
		return (int)n;
	h->len = (size_t)n;
	h->bytes[n] = '\0';
	return 0;
}

/* Control characters of a foreign file must not reach the user's terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static bool exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

static int check_content(const char *path, const struct head *h, unsigned depth, struct err *e);

/* It is executed in its turn, and may be a script as well. */
static int check_interpreter(const char *path, const char *word, unsigned depth, struct err *e)
{
	struct head h;
	struct err inner;
	struct stat st;
	if (stat(word, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			       "exec: \"%s\": permission denied: its interpreter %s is not a "
			       "regular file",
			       path, word);
	if (access(word, X_OK) < 0)
		return err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			       "exec: \"%s\": permission denied: its interpreter %s is not "
			       "executable",
			       path, word);
	if (depth == SCRIPTS_UNSEEN)
		return 0;
	if (depth == SCRIPTS_MAX)
		return err_set(
			e, ELOOP, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": its interpreter is a script, whose interpreter is one, "
			"and so on: the kernel follows five of them",
			path);
	if (head_read(word, &h) < 0 || check_content(word, &h, depth + 1, &inner) == 0)
		return 0;
	*e = inner;
	return depth ? -e->number
		     : err_context(e, "exec: \"%s\": its interpreter %s cannot be executed", path,
				   word);
}

/* "#!interpreter argument": the kernel takes the first word of the first line, and a carriage
 * return as part of it. */
static int check_script(const char *path, const struct head *h, unsigned depth, struct err *e)
{
	char word[INTERPRETER_MAX + 1];
	const char *at = h->bytes + 2;
	at += strspn(at, " \t");
	size_t len = strcspn(at, " \t\n");
	if (len == 0 || len > INTERPRETER_MAX)
		return err_set(e, ENOEXEC, ERR_NOT_EXECUTABLE,
			       "exec: \"%s\": its first line, \"#!\", names no interpreter", path);
	memcpy(word, at, len);
	word[len] = '\0';
	if (exists(word))
		return check_interpreter(path, word, depth, e);
	bool carriage_return = word[len - 1] == '\r';
	if (carriage_return)
		word[len - 1] = '\0';
	make_printable(word);
	if (carriage_return) {
		err_set(e, ENOENT, ERR_NO_COMMAND,
			"exec: \"%s\": no such file or directory: its first line ends in a "
			"carriage "
			"return, so the kernel looks for an interpreter named \"%s\\r\"",
			path, word);
		return err_hint(
			e, "the file has Windows line ends: convert it (sed -i 's/\\r$//' FILE, or "
			   "core.autocrlf=input in git) and build the image again");
	}
	err_set(e, ENOENT, ERR_NO_COMMAND,
		"exec: \"%s\": no such file or directory: its interpreter %s does not exist in the "
		"image",
		path, word);
	return err_hint(e, "install %s in the image, or change the first line of the script", word);
}

/* Where the program header @i says its PT_INTERP text is; false for another header. */
static bool interpreter_at(const struct head *h, unsigned i, uint64_t *offset, uint64_t *size)
{
	bool wide = h->bytes[EI_CLASS] == ELFCLASS64;
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;
	memcpy(&e64, h->bytes, sizeof(e64));
	memcpy(&e32, h->bytes, sizeof(e32));
	uint64_t start = wide ? e64.e_phoff : e32.e_phoff;
	size_t step = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (i >= (wide ? e64.e_phnum : e32.e_phnum) || start > h->len ||
	    (i + 1) * step > h->len - start)
		return false;
	if (wide) {
		Elf64_Phdr p;
		memcpy(&p, h->bytes + start + i * step, sizeof(p));
		*offset = p.p_offset, *size = p.p_filesz;
		return p.p_type == PT_INTERP;
	}
	Elf32_Phdr p;
	memcpy(&p, h->bytes + start + i * step, sizeof(p));
	*offset = p.p_offset, *size = p.p_filesz;
	return p.p_type == PT_INTERP;
}

static bool elf_interpreter(const struct head *h, char word[static INTERPRETER_MAX + 1])
{
	for (unsigned i = 0; i < PROGRAM_HEADERS_MAX; i++) {
		uint64_t offset, size;
		if (!interpreter_at(h, i, &offset, &size))
			continue;
		if (offset > h->len || size > h->len - offset || size > INTERPRETER_MAX)
			return false;
		memcpy(word, h->bytes + offset, size);
		word[size] = '\0';
		return true;
	}
	return false;
}

static void hint_loader(const char *loader, struct err *e)
{
	if (strstr(loader, "ld-linux"))
		err_hint(
			e,
			"the program is built for glibc and the image has none (Alpine's is musl): "
			"use an image with glibc, or link the program statically "
			"(CGO_ENABLED=0 for Go)");
	else if (strstr(loader, "ld-musl"))
		err_hint(e, "the program is built for musl (Alpine) and the image has none: use an "
			    "Alpine image, or link the program statically");
	else
		err_hint(e, "install %s in the image, or link the program statically", loader);
}

static int check_elf(const char *path, const struct head *h, struct err *e)
{
	char loader[INTERPRETER_MAX + 1];
	if (h->len < sizeof(Elf64_Ehdr))
		return err_set(e, ENOEXEC, ERR_NOT_EXECUTABLE,
			       "exec: \"%s\": exec format error: the program is cut off", path);
	uint16_t machine;
	memcpy(&machine, h->bytes + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
	if (machine != NATIVE_MACHINE && !(NATIVE_MACHINE == EM_X86_64 && machine == EM_386)) {
		err_set(e, ENOEXEC, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": exec format error: the program is for %s, this machine is "
			"%s",
			path, machine_name(machine), machine_name(NATIVE_MACHINE));
		return err_hint(
			e,
			"pull or build the image for this machine (--platform linux/%s), or "
			"install qemu-user-static on the host",
			machine_name(NATIVE_MACHINE));
	}
	if (!elf_interpreter(h, loader) || exists(loader))
		return 0;
	make_printable(loader);
	err_set(e, ENOENT, ERR_NO_COMMAND,
		"exec: \"%s\": no such file or directory: its loader %s does not exist in the "
		"image",
		path, loader);
	hint_loader(loader, e);
	return -ENOENT;
}

/* What the content says; 0 when nothing is wrong with it that can be seen from here. */
static int check_content(const char *path, const struct head *h, unsigned depth, struct err *e)
{
	if (h->len == 0)
		return err_set(e, ENOEXEC, ERR_NOT_EXECUTABLE,
			       "exec: \"%s\": exec format error: the file is empty", path);
	if (h->len >= 2 && !memcmp(h->bytes, "#!", 2))
		return check_script(path, h, depth, e);
	if (h->len >= SELFMAG && !memcmp(h->bytes, ELFMAG, SELFMAG))
		return check_elf(path, h, e);
	return 0;
}

static int explain_format(const char *path, const struct head *h, struct err *e)
{
	if (h->len && (h->bytes[0] == '#' || !memchr(h->bytes, '\0', h->len))) {
		err_set(e, ENOEXEC, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": exec format error: a text file whose first line does not "
			"begin "
			"with #!",
			path);
		return err_hint(
			e,
			"begin the script with #!/bin/sh, with nothing before it (no blank, no "
			"byte order mark), or run it as: sh %s",
			path);
	}
	return err_set(
		e, ENOEXEC, ERR_NOT_EXECUTABLE,
		"exec: \"%s\": exec format error: not a program that this machine can execute",
		path);
}

static int explain_access(const char *path, struct err *e)
{
	struct head h;
	struct stat st;
	struct statvfs fs;
	if (stat(path, &st) < 0) {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: user %u may not enter its folder", path,
			geteuid());
		err_hint(e, "give the folder the x bit for that user, or run as another (--user)");
	} else if (S_ISDIR(st.st_mode)) {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: it is a directory", path);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: it is not a regular file", path);
	} else if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC) {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: it lies on a mount with the option "
			"noexec",
			path);
		err_hint(e, "mount it with exec, or keep the program elsewhere");
	} else if (!(st.st_mode & 0111)) {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: it is not executable", path);
		err_hint(e, "chmod +x it in the image (COPY --chmod=755), or run it as: sh %s",
			 path);
	} else if (access(path, X_OK) == 0 && head_read(path, &h) == 0 &&
		   check_content(path, &h, 0, e) < 0) {
		return -e->number;
	} else {
		err_set(e, EACCES, ERR_NOT_EXECUTABLE,
			"exec: \"%s\": permission denied: its mode %04o does not let user %u "
			"execute it",
			path, st.st_mode & 07777, geteuid());
		err_hint(e, "chmod a+x it in the image, or run as another user (--user)");
	}
	return -EACCES;
}

static int explain_absent(const char *path, struct err *e)
{
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return err_set(e, ENOENT, ERR_NO_COMMAND,
			       "exec: \"%s\": stat %s: no such file or directory", path, path);
	target[n] = '\0';
	make_printable(target);
	return err_set(
		e, ENOENT, ERR_NO_COMMAND,
		"exec: \"%s\": stat %s: no such file or directory: it is a symbolic link to %s, "
		"which does not exist in the image",
		path, path, target);
}

/* The rest, where errno says it all. */
static const struct {
	int number;
	const char *hint;
} plain[] = {
	{ELOOP, "its symbolic links lead in a circle"},
	{ENOTDIR, "a part of the path is a file, not a folder"},
	{ETXTBSY, "a process has the file open for writing"},
	{E2BIG, "arguments and environment together are larger than the kernel allows"},
	{ENOMEM, "the memory limit is too low for this program"},
	{EPERM, "a security module or the file's capabilities forbid it"},
	{ENAMETOOLONG, "a file name has at most 255 bytes"},
};

static int explain_plain(const char *path, int number, struct err *e)
{
	err_errno(e, number, "exec: \"%s\"", path);
	e->kind = ERR_NOT_EXECUTABLE;
	e->hint[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (plain[i].number == number)
			err_hint(e, "%s", plain[i].hint);
	return -e->number;
}

/* The link of @path, or of a folder on the way, that leads to nothing. */
static bool find_dangling(int root, const char *path, char *ret_link, char *ret_target)
{
	struct stat st;
	for (const char *end = path; *end;) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		snprintf(ret_link, COMMAND_PATH_SIZE, "%.*s", (int)(end - path), path);
		CLEANUP_FD int fd = path_open_in_root(root, ret_link, O_PATH | O_NOFOLLOW, 0);
		CLEANUP_FD int there = path_open_in_root(root, ret_link, O_PATH, 0);
		if (fd < 0 || there != -ENOENT)
			continue;
		ssize_t n = fstat(fd, &st) < 0 || !S_ISLNK(st.st_mode)
				    ? -1
				    : readlinkat(fd, "", ret_target, INTERPRETER_MAX);
		if (n < 0)
			return false;
		ret_target[n] = '\0';
		make_printable(ret_target);
		return true;
	}
	return false;
}

int runtime_explain_cwd(int root, const char *path, int number, struct err *e)
{
	char link[COMMAND_PATH_SIZE], target[INTERPRETER_MAX + 1];
	if (number < 0)
		number = -number;
	if ((number == ENOENT || number == ENOTDIR) && find_dangling(root, path, link, target)) {
		err_set(e, ENOENT, ERR_INVALID,
			"working directory %s: no such file or directory: %s is a symbolic link to "
			"%s, which does not exist in the container",
			path, link, target);
		return -ENOENT;
	}
	err_errno(e, number, "working directory %s", path);
	if (number == ENOTDIR)
		err_hint(e, "it, or a part of it, is a file");
	if (number == ELOOP)
		err_hint(e,
			 "its symbolic links lead in a circle, or through one of /proc that is not "
			 "followed because it could lead outside");
	return -number;
}

int runtime_explain_exec(const char *path, int number, struct err *e)
{
	struct head h = {0};
	if (number == EACCES || number == EISDIR)
		return explain_access(path, e);
	if (number == ENOENT && !exists(path))
		return explain_absent(path, e);
	if ((number == ENOENT || number == ENOEXEC || number == ELOOP) &&
	    head_read(path, &h) == 0) {
		if (check_content(path, &h, 0, e) < 0)
			return -e->number;
		if (number == ENOEXEC)
			return explain_format(path, &h, e);
	}
	explain_plain(path, number, e);
	if (number == ENOENT)
		e->kind = ERR_NO_COMMAND;
	return -e->number;
}

int command_check(const char *path, struct err *e)
{
	struct head h = {0};
	/* A program that may be executed and not read is the kernel's to judge, and what a script's
	 * interpreter is: binfmt_misc may have a handler for it. */
	return head_read(path, &h) < 0 ? 0 : check_content(path, &h, SCRIPTS_UNSEEN, e);
}

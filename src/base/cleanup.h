/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that free themselves when their variable leaves its scope, and `steal` to hand
 * one over. Rests on GCC's cleanup attribute. Invariant: a cleaned-up variable holds either
 * a live resource or its empty value (-1, NULL), never a stale one.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define CLEANUP_FD CLEANUP(cleanup_close)
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_FILE CLEANUP(cleanup_fclose)
#define CLEANUP_DIR CLEANUP(cleanup_closedir)

/** Take a descriptor out of a CLEANUP_FD variable: the caller owns it from now on. */
static inline int fd_steal(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

/** Close a descriptor now and leave the variable empty. */
static inline void fd_drop(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

#define ptr_steal(p)                                                                               \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

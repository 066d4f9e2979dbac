/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: whole reads and writes, and passing descriptors over Unix sockets.
 * Every descriptor that hull makes is close-on-exec at birth. See unix(7), SCM_RIGHTS in cmsg(3).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { FD_PASS_MAX = 8 };

/** Read until @len bytes or end of file. Returns the bytes read, or a negative errno. */
ssize_t fd_read_full(int fd, void *buf, size_t len);
/** Write all of it. Returns 0 or a negative errno. */
int fd_write_full(int fd, const void *buf, size_t len);
/** Send one message with up to FD_PASS_MAX descriptors over a Unix socket; 0 or negative errno. */
int fd_send(int sock, const void *msg, size_t len, const int *fds, size_t nfds);
/**
 * Receive one message. Received descriptors are close-on-exec; the caller owns them. Unused slots
 * of @fds become -1. Returns the message's length (0 at end of file), or a negative errno.
 */
ssize_t fd_recv(int sock, void *msg, size_t len, int *fds, size_t nfds);
/** connect(2) of a socket that does not block, waited for @patience_ms; 0 or negative errno. */
int fd_connect(int sock, const void *address, socklen_t len, int patience_ms);
/** Whether there is a descriptor of this number; only EBADF says that there is none. */
bool fd_is_open(int fd);
/** Move @fd to a number of at least @lowest (close-on-exec kept); returns it or negative errno. */
int fd_move_up(int fd, int lowest);

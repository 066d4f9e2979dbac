/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes by descriptor: pidfd_open(2), pidfd_send_signal(2), waitid(2) with P_PIDFD, and what a
 * pidfd knows about a process that is no child of ours. A pid alone is never trusted: it is opened,
 * and then its start time is compared.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** A pidfd of @pid, or -errno (-ESRCH: no such process). */
int pidfd_of(pid_t pid);
/** A pidfd of @pid if that process started at @start (pidfd_start_time); -ESRCH for another one. */
int pidfd_of_started(pid_t pid, uint64_t start);
/** Send @signal; 0 or -errno (-ESRCH: it has ended). */
int pidfd_signal(int pidfd, int signal);
/** The same with a value, as sigqueue(3) sends it. */
int pidfd_signal_value(int pidfd, int signal, uint64_t value);
/** A descriptor of its mount namespace, the caller's to close; negative errno where it has ended or
 * the kernel is older (Linux 6.9). */
int pidfd_mounts(int pidfd);
/** Start time of a process in clock ticks since boot: field 22 of /proc/PID/stat. 0 or -errno. */
int pidfd_start_time(pid_t pid, uint64_t *ret);
/** The same in nanoseconds since 1970, at most a tick (10 ms) too early. 0 or -errno. */
int pidfd_started_ns(pid_t pid, int64_t *ret);
/** Where a process stands: fields 4 to 8 of /proc/PID/stat. Without a terminal `terminal` is 0. */
struct pidfd_job {
	pid_t parent, group, session;
	int terminal;
	pid_t foreground;
};
int pidfd_job(pid_t pid, struct pidfd_job *ret);
/** The pid behind a pidfd as this process sees it; -ESRCH once it has been reaped. */
pid_t pidfd_pid(int pidfd);
/** 1 when the process has ended, 0 when it lives, -errno. Never waits. */
int pidfd_has_ended(int pidfd);
/** Whether it has ended or its last thread is on the way: as PID 1 of a namespace it waits there
 *  for all others, and nothing new is born in it. */
bool pidfd_is_ending(int pidfd);
/**
 * The wait status (as of wait(2)) of a process that has ended and been reaped, for any holder of
 * the pidfd (Linux 6.15). -ENOTSUP on older kernels, -EAGAIN while it is not reaped yet.
 */
int pidfd_exit_status(int pidfd, int *ret_status);
#define PIDFD_INFO_IOCTL 0xc040ff0bU /* what that asks with, for filters of system calls */
/** Wait for a child; its wait status. 0 or -errno. */
int pidfd_wait_child(int pidfd, int *ret_status);

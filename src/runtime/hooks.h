/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: programs that the spec wants run at six points of a container's life, with the container's
 * state as JSON on standard input (config.md, "POSIX-platform Hooks").
 *
 * The first three kinds run before pivot_root, so that host and container are both in reach:
 * prestart and createRuntime in the caller's namespaces, createContainer in the container's, all
 * three found in the host's file system. startContainer runs last before the command, as its user.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "spec/oci.h"

enum hook_kind {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
};

/** Whose hooks, and what they are told. */
struct hooks {
	const struct oci_spec *spec;
	const char *id, *bundle;
};

/** What is opened before the hooks run: a system call filter may forbid it later. */
struct hooks_ready {
	enum hook_kind kind;
	const struct oci_hooks *hooks; /* NULL: there are none of this kind */
	int state, output;
};

#define CLEANUP_HOOKS __attribute__((cleanup(hooks_close)))

/** What is told about a container; @pid 0 is none. */
struct oci_state hooks_state(const struct hooks *h, const char *status, pid_t pid);
/** Are they well-formed, those of the end too? */
int hooks_check(const struct oci_hooks *h, struct err *e);
/** Is there any that runs before pivot_root? */
bool hooks_before_pivot(const struct oci_spec *spec);
/** Open what the hooks of @kind need; @pid is the container's as they see it. */
int hooks_prepare(const struct hooks *h, enum hook_kind kind, pid_t pid, struct hooks_ready *ret,
		  struct err *e);
/**
 * Run them in order. The first failure (a status other than 0, a signal, the timeout) is returned,
 * with what the hook printed last; only after a failed poststop do the remaining ones still run.
 */
int hooks_run_ready(const struct hooks_ready *ready, struct err *e);
void hooks_close(struct hooks_ready *ready);
/** Both in one, for the caller of a runtime: poststart, poststop. */
int hooks_run(const struct hooks *h, enum hook_kind kind, pid_t pid, struct err *e);

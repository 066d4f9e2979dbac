/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of --page: for people, on a loopback port, to look at and nothing else. Its viewers
 * share what is collected.
 */
#pragma once

#include "api/api.h"

/** Listen at @where, "ADDRESS:PORT" of this machine alone, for --page. */
int page_listen(const char *where, struct arena *a, struct err *e);
/** The file that all share who serve the page. */
int page_share(struct err *e);
/** May this request come in? -EACCES: its Host is not this machine, as where the name of a
 * stranger's page was turned to our address. */
int page_admit(struct call *c, struct err *e);

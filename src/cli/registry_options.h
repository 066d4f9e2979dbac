/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that speak to registries share. */
#pragma once

#include <stdio.h>

#include "base/option.h"
#include "cli/progress.h"

struct cli;

/** --cert-dir and --tls-verify, into a struct image_registry. */
extern const struct option_table registry_option_table;

/** Push, and tell of it as docker does where @p says; its @to NULL: quietly. */
int push_one(struct cli *cli, const struct image_registry *registry, const char *name,
	     struct progress *p, struct image_pushed *ret, struct err *e);
/** Pull, and tell of it so. */
int pull_one(struct cli *cli, const struct image_pull *req, struct progress *p,
	     struct image_pulled *ret, struct err *e);

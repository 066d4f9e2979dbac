/* SPDX-License-Identifier: Apache-2.0 */
/* Is this machine fit for containers? */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

/** Every check of the host; what is to be done about is an advice, the rest evidence. */
int diagnose_host(struct engine *en, struct story *s, struct err *e);

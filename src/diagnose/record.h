/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder: who sends signals to processes of containers, kept for `hull why`. */
#pragma once

#include "engine/engine.h"

/** Record until this process is ended. @ready: called when everything is being recorded. */
int diagnose_record(struct engine *en, void (*ready)(void), struct err *e);

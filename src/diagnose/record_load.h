/* SPDX-License-Identifier: Apache-2.0 */
/* Inner header of record*.c. */
#pragma once

#include "engine/recorder.h"

#define RECORD_LOAD_NS INT64_C(5000000000)

/** To be called every RECORD_LOAD_NS. What cannot be read now is left out. */
void record_load(struct engine *en, struct recorder_ring *ring);

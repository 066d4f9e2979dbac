/* SPDX-License-Identifier: Apache-2.0 */
/* Inner header of record*.c. */
#pragma once

#include "engine/recorder.h"
#include "linux/load_average.h"

/** To be called every LOAD_AVERAGE_NS. What cannot be read now is left out. */
void record_load(struct engine *en, struct recorder_ring *ring);

/* SPDX-License-Identifier: Apache-2.0 */
/* docker's inspect objects of images and volumes; that of containers is the engine's. */
#pragma once

#include <json-c/json.h>

#include "engine/engine.h"

/** Engine API 1.51, ImageInspect. The caller owns it. */
struct json_object *object_json_image(const struct image *image, struct arena *a);
/** Engine API 1.51, Volume. */
struct json_object *object_json_volume(const struct volume *v);

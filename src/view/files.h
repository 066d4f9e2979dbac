/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that `--proc-view` puts over those of the kernel, and how the engine starts hull-view:
 * with the container's control group as its argument, and for each file with /dev/fuse, open and
 * mounted already.
 */
#pragma once

enum view_file { VIEW_MEMINFO, VIEW_CPUINFO, VIEW_STAT, VIEW_LOADAVG, VIEW_ONLINE, VIEW_FILES };

static const char *const view_paths[VIEW_FILES] = {
	"/proc/meminfo",
	"/proc/cpuinfo",
	"/proc/stat",
	"/proc/loadavg",
	"/sys/devices/system/cpu/online",
};
enum { VIEW_FD_FIRST = 3, VIEW_FDS = VIEW_FD_FIRST + VIEW_FILES };

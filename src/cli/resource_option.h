/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of single options of run and create that have a grammar of their own. All are setters for
 * option tables (option_set_fn): @field is the struct or list named beside them, the texts are
 * docker's.
 */
#pragma once

#include "base/option.h"

/** --device SRC[:DST][:rwm]; struct array of struct docker_device */
int option_set_device(void *field, const char *value, struct arena *a, struct err *e);
/** --device-cgroup-rule 'c 1:3 rwm'; struct strv */
int option_set_device_rule(void *field, const char *value, struct arena *a, struct err *e);
/** --ulimit nofile=1024[:2048]; struct array of struct docker_ulimit */
int option_set_ulimit(void *field, const char *value, struct arena *a, struct err *e);
/** --mount; struct array of struct docker_mount */
int option_set_mount(void *field, const char *value, struct arena *a, struct err *e);
/** --secret NAME[,type=mount|env][,target=..][,uid=..][,gid=..][,mode=..]; struct array of struct
 *  hull_secret */
int option_set_secret(void *field, const char *value, struct arena *a, struct err *e);
/** --env NAME=VALUE or NAME (taken from hull's environment); struct strv */
int option_set_env(void *field, const char *value, struct arena *a, struct err *e);
/** --label KEY[=VALUE]; struct strv */
int option_set_label(void *field, const char *value, struct arena *a, struct err *e);
/** --sysctl net.x=1, the ones that belong to a namespace; struct kvs */
int option_set_sysctl(void *field, const char *value, struct arena *a, struct err *e);
/** --tmpfs PATH[:OPTIONS]; struct kvs */
int option_set_tmpfs(void *field, const char *value, struct arena *a, struct err *e);
/** --attach STDIN|STDOUT|STDERR; struct strv, lower case */
int option_set_stream(void *field, const char *value, struct arena *a, struct err *e);
/** --expose 80[-90][/udp]; struct strv of "80/tcp" */
int option_set_expose(void *field, const char *value, struct arena *a, struct err *e);
/** --init, --init=false, --init=main|group|all; char *: "", "false" or the mode */
int option_set_init(void *field, const char *value, struct arena *a, struct err *e);
/** Go's duration, which may be negative; int64_t nanoseconds */
int option_duration(void *field, const char *value, struct arena *a, struct err *e);
/** Of --signal: a name or number, its number; NULL: 0. As docker's engine, which looks late, with
 * exit code 1. */
int option_signal(const char *name, struct err *e);

/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of all routes, a file for each kind of object. Read api.h first. */
#pragma once

#include "api/api.h"

/* system.c */
int system_ping(struct call *c, struct err *e);
int system_version(struct call *c, struct err *e);
int system_info(struct call *c, struct err *e);
/** What hull has none of: an empty list, a swarm, BuildKit, plugins, a plugin of that name. */
int system_none(struct call *c, struct err *e);
int system_no_swarm(struct call *c, struct err *e);
int system_no_buildkit(struct call *c, struct err *e);
int system_no_plugins(struct call *c, struct err *e);
int system_no_plugin(struct call *c, struct err *e);

/* metrics.c */
int system_metrics(struct call *c, struct err *e);

/* page.c */
int page_show(struct call *c, struct err *e);
int page_figures(struct call *c, struct err *e);

/* watch.c */
int system_events(struct call *c, struct err *e);
int container_show_stats(struct call *c, struct err *e);

/* prune.c */
int system_df(struct call *c, struct err *e);
int containers_prune(struct call *c, struct err *e);
int images_prune(struct call *c, struct err *e);
int volumes_prune(struct call *c, struct err *e);
int networks_prune(struct call *c, struct err *e);
int builds_prune(struct call *c, struct err *e);
/** What an image's removal says, as docker's list. */
struct json_object *removed_object(const struct strv *lines);

/* containers.c */
int containers_list(struct call *c, struct err *e);
int container_show(struct call *c, struct err *e);
int container_do_start(struct call *c, struct err *e);
int container_do_stop(struct call *c, struct err *e);
int container_do_restart(struct call *c, struct err *e);
int container_do_kill(struct call *c, struct err *e);
int container_do_pause(struct call *c, struct err *e);
int container_do_unpause(struct call *c, struct err *e);
int container_do_rename(struct call *c, struct err *e);
int container_do_update(struct call *c, struct err *e);
int container_do_remove(struct call *c, struct err *e);
int container_do_wait(struct call *c, struct err *e);
int container_show_top(struct call *c, struct err *e);
int container_show_changes(struct call *c, struct err *e);

/* create.c */
int container_make(struct call *c, struct err *e);

/* logs.c */
int container_show_logs(struct call *c, struct err *e);

/* attach.c */
int container_attach(struct call *c, struct err *e);
int container_attach_ws(struct call *c, struct err *e);
int container_resize(struct call *c, struct err *e);

/* exec.c */
int exec_make(struct call *c, struct err *e);
int exec_start(struct call *c, struct err *e);
int exec_show(struct call *c, struct err *e);
int exec_resize(struct call *c, struct err *e);

/* archive.c */
int archive_stat(struct call *c, struct err *e);
int archive_get(struct call *c, struct err *e);
int archive_put(struct call *c, struct err *e);
int container_do_export(struct call *c, struct err *e);

/* images.c */
int images_list(struct call *c, struct err *e);
int image_show(struct call *c, struct err *e);
int image_show_history(struct call *c, struct err *e);
int image_do_tag(struct call *c, struct err *e);
int image_do_remove(struct call *c, struct err *e);
int image_get(struct call *c, struct err *e);
int images_get(struct call *c, struct err *e);
int image_commit(struct call *c, struct err *e);
/** The parameter @name, a platform as JSON or as text: "linux/arm64[/v8]", or NULL. */
int param_platform(const struct call *c, const char *name, const char **ret, struct err *e);
/** Is the image @reference of the platform that is asked for? hull has one of each. */
int check_platform(struct call *c, const char *name, const char *reference, struct err *e);
/** NAME[:TAG] of the parameters @name and "tag"; NULL: not given. */
char *param_reference(const struct call *c, const char *name);

/* transfer.c */
int images_create(struct call *c, struct err *e);
int images_load(struct call *c, struct err *e);
int image_do_push(struct call *c, struct err *e);

/* registry.c */
int images_search(struct call *c, struct err *e);
int system_auth(struct call *c, struct err *e);
int image_distribution(struct call *c, struct err *e);
/** X-Registry-Auth: who the client is at @domain. */
void read_auth(struct call *c, const char *domain, struct image_registry *ret);
/** X-Registry-Config: who the client is at any registry. */
void read_identities(struct call *c, struct image_registry *ret);

/* build.c, session.c */
int image_build(struct call *c, struct err *e);
int build_cancel(struct call *c, struct err *e);
int session_open(struct call *c, struct err *e);

/* volumes.c */
int volumes_list(struct call *c, struct err *e);
int volume_show(struct call *c, struct err *e);
int volume_make(struct call *c, struct err *e);
int volume_do_remove(struct call *c, struct err *e);

/* secrets.c */
int secrets_list(struct call *c, struct err *e);
int secret_show(struct call *c, struct err *e);
int secret_make(struct call *c, struct err *e);
int secret_do_remove(struct call *c, struct err *e);

/* networks.c */
int networks_list(struct call *c, struct err *e);
int network_show(struct call *c, struct err *e);
int network_make(struct call *c, struct err *e);
int network_do_remove(struct call *c, struct err *e);
int network_do_connect(struct call *c, struct err *e);
int network_do_disconnect(struct call *c, struct err *e);

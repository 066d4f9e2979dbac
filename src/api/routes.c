/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All requests that hulld answers, in the order of docker's documentation. Of two routes that fit a
 * path the first is taken; "*" is any method. Read api.h first.
 */
#include "api/handlers.h"
#include "base/cleanup.h"

#define LOOK 0
#define DO ROUTE_CHANGES
#define LAST ROUTE_LAST
#define BARE ROUTE_NO_ENGINE
#define PAGE ROUTE_PAGE
#define TURN ROUTE_TURN

const struct route routes[] = {
	{"GET", "/_ping", system_ping, BARE, "Is somebody there, and of which version."},
	{"HEAD", "/_ping", system_ping, BARE, "The same."},
	{"GET", "/version", system_version, BARE, "Version of hull, of the API and of the kernel."},
	{"GET", "/info", system_info, TURN, "This machine, and what is on it."},
	{"GET", "/events", system_events, LOOK, "What happens, as it does."},
	{"GET", "/", page_show, PAGE | BARE, "On the port of --page: what there is, for people."},
	{"GET", "/figures", page_figures, PAGE, "The same port: what that page shows."},
	{"GET", "/metrics", system_metrics, LOOK, "Figures of all containers, for Prometheus."},
	{"GET", "/system/df", system_df, LOOK, "What is on the disk."},
	{"POST", "/auth", system_auth, DO, "Try credentials at a registry; they are not kept."},

	{"GET", "/containers/json", containers_list, TURN, "List containers."},
	{"POST", "/containers/create", container_make, DO | TURN, "Create a container."},
	{"POST", "/containers/prune", containers_prune, DO, "Remove all that do not run."},
	{"GET", "/containers/{}/json", container_show, TURN, "Inspect a container."},
	{"GET", "/containers/{}/top", container_show_top, TURN, "Its processes."},
	{"GET", "/containers/{}/logs", container_show_logs, LOOK, "Its log, once or followed."},
	{"GET", "/containers/{}/stats", container_show_stats, LOOK, "What it uses."},
	{"GET", "/containers/{}/export", container_do_export, DO, "Its files as a tar."},
	{"HEAD", "/containers/{}/archive", archive_stat, DO | LAST, "What is at a path in it."},
	{"GET", "/containers/{}/archive", archive_get, DO | LAST, "That as a tar."},
	{"PUT", "/containers/{}/archive", archive_put, DO | LAST, "A tar into a folder of it."},
	{"GET", "/containers/{}/changes", container_show_changes, DO | TURN,
	 "What it has changed."},
	{"POST", "/containers/{}/start", container_do_start, DO | TURN, "Start it."},
	{"POST", "/containers/{}/stop", container_do_stop, DO, "Stop it."},
	{"POST", "/containers/{}/restart", container_do_restart, DO, "Stop and start it."},
	{"POST", "/containers/{}/kill", container_do_kill, DO | TURN, "Send it a signal."},
	{"POST", "/containers/{}/update", container_do_update, DO | TURN, "Change its limits."},
	{"POST", "/containers/{}/rename", container_do_rename, DO | TURN, "Rename it."},
	{"POST", "/containers/{}/pause", container_do_pause, DO | TURN, "Freeze its processes."},
	{"POST", "/containers/{}/unpause", container_do_unpause, DO | TURN, "Let them go on."},
	{"POST", "/containers/{}/wait", container_do_wait, LOOK, "Wait for its end."},
	{"POST", "/containers/{}/attach", container_attach, DO, "Its streams, from now on."},
	{"GET", "/containers/{}/attach/ws", container_attach_ws, DO, "The same by WebSocket."},
	{"POST", "/containers/{}/resize", container_resize, DO, "Size of its terminal."},
	{"DELETE", "/containers/{}", container_do_remove, DO | TURN, "Remove it."},

	{"POST", "/containers/{}/exec", exec_make, DO | TURN, "Prepare a process in a container."},
	{"POST", "/exec/{}/start", exec_start, DO, "Start it."},
	{"POST", "/exec/{}/resize", exec_resize, DO, "Size of its terminal."},
	{"GET", "/exec/{}/json", exec_show, TURN, "Whether it runs, and how it ended."},

	{"GET", "/images/json", images_list, TURN, "List images."},
	{"POST", "/images/create", images_create, DO, "Pull an image, or import a tar."},
	{"POST", "/images/load", images_load, DO, "Images of an archive."},
	{"GET", "/images/get", images_get, DO, "An archive of images."},
	{"GET", "/images/search", images_search, DO, "Search a registry."},
	{"POST", "/images/prune", images_prune, DO, "Remove those that nobody uses."},
	{"GET", "/images/{}/json", image_show, TURN, "Inspect an image."},
	{"GET", "/images/{}/history", image_show_history, TURN, "How it was made."},
	{"GET", "/images/{}/get", image_get, DO, "It as an archive."},
	{"POST", "/images/{}/tag", image_do_tag, DO | TURN, "One more name for it."},
	{"POST", "/images/{}/push", image_do_push, DO, "Push it."},
	{"DELETE", "/images/{}", image_do_remove, DO | TURN, "Remove it, or a name of it."},
	{"POST", "/commit", image_commit, DO, "An image of a container."},
	{"POST", "/build", image_build, DO, "Build an image; the body is its context."},
	{"POST", "/build/cancel", build_cancel, DO, "End one that runs."},
	{"POST", "/build/prune", builds_prune, DO, "Remove what builds keep."},

	{"GET", "/volumes", volumes_list, TURN, "List volumes."},
	{"POST", "/volumes/create", volume_make, DO | TURN, "Create a volume."},
	{"POST", "/volumes/prune", volumes_prune, DO, "Remove those that nobody uses."},
	{"GET", "/volumes/{}", volume_show, TURN, "Inspect a volume."},
	{"PUT", "/volumes/{}", system_no_swarm, BARE, "503: only for volumes of a swarm."},
	{"DELETE", "/volumes/{}", volume_do_remove, DO | TURN, "Remove it."},

	{"GET", "/networks", networks_list, TURN, "List networks."},
	{"POST", "/networks/create", network_make, DO | TURN, "Create a network."},
	{"POST", "/networks/prune", networks_prune, DO, "Remove those that nobody uses."},
	{"GET", "/networks/{}", network_show, TURN, "Inspect a network."},
	{"POST", "/networks/{}/connect", network_do_connect, DO | TURN, "Put a container on it."},
	{"POST", "/networks/{}/disconnect", network_do_disconnect, DO | TURN, "Take one off it."},
	{"DELETE", "/networks/{}", network_do_remove, DO | TURN, "Remove it."},

	{"GET", "/secrets", secrets_list, TURN, "List secrets, which need no swarm."},
	{"POST", "/secrets/create", secret_make, DO | TURN, "Create a secret."},
	{"POST", "/secrets/{}/update", system_no_swarm, BARE, "503: only those of a swarm."},
	{"GET", "/secrets/{}", secret_show, TURN, "Inspect a secret, without what is in it."},
	{"DELETE", "/secrets/{}", secret_do_remove, DO | TURN, "Remove it."},

	{"GET", "/distribution/{}/json", image_distribution, DO,
	 "What a registry has of that name."},
	{"POST", "/session", session_open, DO | LAST, "A client with BuildKit, for his build."},
	{"POST", "/grpc", system_no_buildkit, BARE, "501: BuildKit's own API is not there."},
	{"GET", "/plugins", system_none, BARE, "There are none."},
	{"GET", "/plugins/privileges", system_no_plugins, BARE, "501: there cannot be any."},
	{"POST", "/plugins/pull", system_no_plugins, BARE, "The same."},
	{"POST", "/plugins/create", system_no_plugins, BARE, "The same."},
	{"*", "/plugins/{}", system_no_plugin, BARE, "404."},
	{"*", "/swarm", system_no_swarm, BARE, "503: there is none."},
	{"*", "/swarm/{}", system_no_swarm, BARE, "The same."},
	{"*", "/nodes", system_no_swarm, BARE, "The same."},
	{"*", "/nodes/{}", system_no_swarm, BARE, "The same."},
	{"*", "/services", system_no_swarm, BARE, "The same."},
	{"*", "/services/{}", system_no_swarm, BARE, "The same."},
	{"*", "/tasks", system_no_swarm, BARE, "The same."},
	{"*", "/tasks/{}", system_no_swarm, BARE, "The same."},
	{"*", "/configs", system_no_swarm, BARE, "The same."},
	{"*", "/configs/{}", system_no_swarm, BARE, "The same."},
};
const size_t route_count = ARRAY_LEN(routes);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All commands of hull, in the order in which help lists them. To add one: a file cmd_<name>.c with
 * a const struct command, its declaration in commands.h, a line here. Read command.h first.
 */
#include "cli/commands.h"

#include <string.h>

#include "base/cleanup.h"

const struct command *const commands[] = {
	&command_run,
	&command_exec,
	&command_ps,
	&command_images,
	&command_pull,
	&command_version,
	&command_info,
	&command_attach,
	&command_build,
	&command_commit,
	&command_completion,
	&command_cp,
	&command_create,
	&command_debug,
	&command_diff,
	&command_events,
	&command_help,
	&command_doctor,
	&command_explain,
	&command_export,
	&command_history,
	&command_import,
	&command_inspect,
	&command_kill,
	&command_load,
	&command_login,
	&command_logout,
	&command_logs,
	&command_man,
	&command_pause,
	&command_port,
	&command_push,
	&command_rename,
	&command_restart,
	&command_rm,
	&command_rmi,
	&command_save,
	&command_search,
	&command_start,
	&command_stats,
	&command_stop,
	&command_tag,
	&command_top,
	&command_trace,
	&command_unpause,
	&command_untag,
	&command_update,
	&command_wait,
	&command_why,
	&command_builder_prune,
	&command_container_inspect,
	&command_container_prune,
	&command_healthcheck_run,
	&command_image_diff,
	&command_image_inspect,
	&command_image_prune,
	&command_image_tree,
	&command_manifest_annotate,
	&command_manifest_create,
	&command_manifest_inspect,
	&command_manifest_push,
	&command_manifest_rm,
	&command_network_bench,
	&command_network_connect,
	&command_network_create,
	&command_network_disconnect,
	&command_network_inspect,
	&command_network_ls,
	&command_network_path,
	&command_network_prune,
	&command_network_reload,
	&command_network_rm,
	&command_network_update,
	&command_secret_create,
	&command_secret_exists,
	&command_secret_inspect,
	&command_secret_ls,
	&command_secret_rm,
	&command_volume_create,
	&command_volume_export,
	&command_volume_import,
	&command_volume_inspect,
	&command_volume_ls,
	&command_volume_prune,
	&command_volume_rm,
	&command_system_check,
	&command_system_df,
	&command_system_prune,
	&command_system_health,
	&command_system_lift,
	&command_system_oom,
	&command_system_pack_logs,
	&command_system_probe,
	&command_system_reap,
	&command_system_record,
	&command_system_restart,
	&command_system_restore,
	&command_system_tidy,
	&command_complete,
};
const size_t command_count = ARRAY_LEN(commands);

const struct command_group command_groups[] = {
	{"container", "Manage containers"}, {"healthcheck", "Manage health checks"},
	{"image", "Manage images"},         {"manifest", "Manage image manifests"},
	{"network", "Manage networks"},     {"secret", "Manage secrets"},
	{"system", "Manage hull"},          {"volume", "Manage volumes"},
};
const size_t command_group_count = ARRAY_LEN(command_groups);

const struct command_group *commands_group_find(const char *name)
{
	for (size_t i = 0; i < command_group_count; i++)
		if (!strcmp(command_groups[i].name, name))
			return &command_groups[i];
	return NULL;
}

bool command_in_group(const char *name, const char *group, const char **ret_verb)
{
	size_t len = strlen(group);
	if (strncmp(name, group, len) || name[len] != ' ')
		return false;
	*ret_verb = name + len + 1;
	return true;
}

/* How many of @words spell @name: 0, 1 or 2. */
static size_t name_matches(const char *name, const struct strv *words)
{
	const char *verb;
	if (words->count && !strcmp(name, words->items[0]))
		return 1;
	if (words->count > 1 && command_in_group(name, words->items[0], &verb) &&
	    !strcmp(verb, words->items[1]))
		return 2;
	return 0;
}

const struct command *commands_find(const struct strv *words, size_t *ret_used)
{
	for (size_t i = 0; i < command_count; i++)
		for (size_t n = 0; commands[i]->names[n]; n++) {
			size_t used = name_matches(commands[i]->names[n], words);
			if (!used)
				continue;
			*ret_used = used;
			return commands[i];
		}
	return NULL;
}

size_t command_tables(const struct command *c, struct option_table ret[COMMAND_TABLES_MAX],
		      char *values, void *fill[COMMAND_TABLES_MAX])
{
	size_t count = 0;
	if (c->options.count) {
		if (values)
			fill[count] = values;
		ret[count++] = c->options;
	}
	for (size_t i = 0; i < ARRAY_LEN(c->more) && c->more[i].table; i++) {
		if (values)
			fill[count] = values + c->more[i].offset;
		ret[count++] = *c->more[i].table;
	}
	return count;
}

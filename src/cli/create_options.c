/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option table of `run` and `create`, in alphabetical order: all that docker has on Linux, but
 * for the limits, which limit_options.c has. What hull cannot do yet is in the table too, marked as
 * refused with the reason. Read create_options.h first, then create_build.c.
 */
#include "cli/create_options.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/option_value.h"
#include "base/wire.h"
#include "cli/network_option.h"
#include "cli/resource_option.h"

#define O(member) .offset = offsetof(struct create_options, member)
#define CONFIG(member) O(create.config.config.member)
#define HOST(member) O(create.config.host.member)
#define WINDOWS "it exists on Windows only"

#define DURATION(member) OPTION_CUSTOM, O(member), .arg = "duration", .set = option_duration

static int set_on_failure(void *field, const char *value, struct arena *a, struct err *e)
{
	static const char *const actions[] = {"none", "restart", "stop", "kill"};
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(actions[i], value))
			return option_set_str(field, value, a, e);
	return err_set(e, EINVAL, ERR_USAGE, "use one of none, restart, stop, kill");
}

/* podman's "always" is what it is here. */
static int set_systemd(void *field, const char *value, struct arena *a, struct err *e)
{
	return option_set_bool(field, !strcmp(value, "always") ? "true" : value, a, e);
}

static const struct option items[] = {
	{"add-host", 0, OPTION_CUSTOM, HOST(extra_hosts), .arg = "list", .set = option_set_host,
	 .help = "Add a custom host-to-IP mapping (host:ip)"},
	{"annotation", 0, OPTION_MAP, HOST(annotations),
	 .help = "Add an annotation to the container"},
	{"attach", 'a', OPTION_CUSTOM, O(attach), .arg = "list", .set = option_set_stream,
	 .help = "Attach to STDIN, STDOUT or STDERR"},
	{"cap-add", 0, OPTION_LIST, HOST(cap_add), .help = "Add Linux capabilities"},
	{"cap-drop", 0, OPTION_LIST, HOST(cap_drop), .help = "Drop Linux capabilities"},
	{"cgroup-parent", 0, OPTION_STR, HOST(cgroup_parent),
	 .help = "Optional parent cgroup for the container"},
	{"cgroupns", 0, OPTION_STR, HOST(cgroupns_mode),
	 .help = "Cgroup namespace to use (host|private)"},
	{"cidfile", 0, OPTION_STR, O(cidfile), .help = "Write the container ID to the file"},
	{"cpu-count", 0, OPTION_REFUSED, .help = WINDOWS},
	{"cpu-percent", 0, OPTION_REFUSED, .help = WINDOWS},
	{"device", 0, OPTION_CUSTOM, HOST(devices), .arg = "list", .set = option_set_device,
	 .help = "Add a host device to the container (SRC[:DST][:rwm])"},
	{"device-cgroup-rule", 0, OPTION_CUSTOM, HOST(device_cgroup_rules), .arg = "list",
	 .set = option_set_device_rule, .help = "Add a rule to the cgroup allowed devices list"},
	{"disable-content-trust", 0, OPTION_BOOL, OPTION_HIDDEN, O(disable_content_trust),
	 .help = "Taken for docker's sake: hull has no content trust"},
	{"dns", 0, OPTION_CUSTOM, HOST(dns), .arg = "list", .set = option_set_ip,
	 .help = "Set custom DNS servers"},
	{"dns-opt", 0, OPTION_LIST, OPTION_HIDDEN, HOST(dns_options),
	 .help = "The same as --dns-option"},
	{"dns-option", 0, OPTION_LIST, HOST(dns_options), .help = "Set DNS options"},
	{"dns-search", 0, OPTION_LIST, HOST(dns_search), .help = "Set custom DNS search domains"},
	{"domainname", 0, OPTION_STR, CONFIG(domainname), .help = "Container NIS domain name"},
	{"entrypoint", 0, OPTION_STR, O(entrypoint),
	 .help = "Overwrite the default ENTRYPOINT of the image"},
	{"env", 'e', OPTION_CUSTOM, O(env), .arg = "list", .set = option_set_env,
	 .help = "Set environment variables"},
	{"env-file", 0, OPTION_LIST, O(env_files),
	 .help = "Read in a file of environment variables"},
	{"expose", 0, OPTION_CUSTOM, CONFIG(exposed_ports), .arg = "list", .set = option_set_expose,
	 .help = "Expose a port or a range of ports"},
	{"gpus", 0, OPTION_REFUSED,
	 .help = "hull has no GPU support yet; pass the devices by --device"},
	{"group-add", 0, OPTION_LIST, HOST(group_add), .help = "Add additional groups to join"},
	{"health-cmd", 0, OPTION_STR, O(health_cmd), .help = "Command to run to check health"},
	{"health-interval", 0, DURATION(health.interval),
	 .help = "Time between running the check (ms|s|m|h) (default 30s)"},
	{"health-on-failure", 0, OPTION_CUSTOM, O(create.config.hull.health_on_failure),
	 .arg = "action", .set = set_on_failure,
	 .help = "What to do once the container is unhealthy (none|restart|stop|kill)"},
	{"health-retries", 0, OPTION_INT, O(health.retries),
	 .help = "Consecutive failures needed to report unhealthy (default 3)"},
	{"health-start-interval", 0, DURATION(health.start_interval),
	 .help = "Time between running the check during the start period (ms|s|m|h) (default 5s)"},
	{"health-start-period", 0, DURATION(health.start_period),
	 .help = "Start period for the container to initialize before starting health-retries "
		 "countdown (ms|s|m|h) (default 0s)"},
	{"health-timeout", 0, DURATION(health.timeout),
	 .help = "Maximum time to allow one check to run (ms|s|m|h) (default 30s)"},
	{"hostname", 'h', OPTION_STR, CONFIG(hostname), .help = "Container host name"},
	{"init", 0, OPTION_CUSTOM, O(init), .implied = "auto", .arg = "", .set = option_set_init,
	 .help = "Run an init inside the container that forwards signals (=auto|main|group|all) "
		 "and reaps "
		 "processes"},
	{"init-path", 0, OPTION_STR, O(create.config.hull.init_path),
	 .help = "Run this program of the host, static and with \"--\" before the command, as the "
		 "init"},
	{"interactive", 'i', OPTION_BOOL, CONFIG(open_stdin),
	 .help = "Keep STDIN open even if not attached"},
	{"io-maxbandwidth", 0, OPTION_REFUSED, .help = WINDOWS},
	{"io-maxiops", 0, OPTION_REFUSED, .help = WINDOWS},
	{"ip", 0, OPTION_STR, O(ip), .help = "IPv4 address (e.g., 172.30.100.104)"},
	{"ip6", 0, OPTION_STR, O(ip6), .help = "IPv6 address (e.g., 2001:db8::33)"},
	{"ipc", 0, OPTION_STR, HOST(ipc_mode),
	 .help = "IPC mode to use (private|shareable|host|container:NAME)"},
	{"isolation", 0, OPTION_REFUSED, .help = WINDOWS},
	{"kernel-memory", 0, OPTION_SIZE, OPTION_HIDDEN, O(kernel_memory),
	 .help = "Taken for docker's sake: without effect, the kernel has dropped it"},
	{"label", 'l', OPTION_CUSTOM, O(labels), .arg = "list", .set = option_set_label,
	 .help = "Set meta data on a container"},
	{"label-file", 0, OPTION_LIST, O(label_files),
	 .help = "Read in a line delimited file of labels"},
	{"link", 0, OPTION_LIST, HOST(links),
	 .help = "Another name, on a network of one's own, for another container: NAME[:ALIAS]"},
	{"link-local-ip", 0, OPTION_LIST, O(link_local),
	 .help = "Container IPv4/IPv6 link-local addresses"},
	{"log-driver", 0, OPTION_STR, HOST(log_config.type),
	 .help = "Logging driver for the container (" LOG_DRIVER_NAMES("|") ")"},
	{"log-opt", 0, OPTION_MAP, HOST(log_config.config), .arg = "list",
	 .help = "Log driver options"},
	{"mac-address", 0, OPTION_STR, O(mac_address),
	 .help = "Container MAC address (e.g., 92:d0:c6:0a:29:33)"},
	{"mount", 0, OPTION_CUSTOM, HOST(mounts), .arg = "mount", .set = option_set_mount,
	 .help = "Attach a filesystem mount to the container"},
	{"name", 0, OPTION_STR, O(create.name), .help = "Assign a name to the container"},
	{"net", 0, OPTION_LIST, OPTION_HIDDEN, O(networks), .help = "The same as --network"},
	{"net-alias", 0, OPTION_LIST, OPTION_HIDDEN, O(network_aliases),
	 .help = "The same as --network-alias"},
	{"network", 0, OPTION_LIST, O(networks), .arg = "network",
	 .help = "Connect a container to a network (NAME|none|host|container:NAME, or "
		 "name=NAME,ip=ADDRESS,alias=NAME,driver-opt=rate-out=10m); default bridge"},
	{"network-alias", 0, OPTION_LIST, O(network_aliases),
	 .help = "Add network-scoped alias for the container"},
	{"no-healthcheck", 0, OPTION_BOOL, O(no_healthcheck),
	 .help = "Disable any container-specified HEALTHCHECK"},
	{"oom-score-adj", 0, OPTION_INT, HOST(oom_score_adj),
	 .help = "Tune host's OOM preferences (-1000 to 1000)"},
	{"pid", 0, OPTION_STR, HOST(pid_mode),
	 .help = "PID namespace to use (host|container:NAME)"},
	{"platform", 0, OPTION_STR, O(create.platform),
	 .help = "Set platform if server is multi-platform capable"},
	{"privileged", 0, OPTION_BOOL, HOST(privileged),
	 .help = "Give extended privileges to this container"},
	{"proc-view", 0, OPTION_BOOL, O(create.config.hull.proc_view),
	 .help = "Let /proc/meminfo, cpuinfo, stat, loadavg and the list of CPUs show the "
		 "container's limits"},
	{"publish", 'p', OPTION_LIST, O(publish),
	 .help = "Publish a container's port(s) to the host ([IP:][PORT:]PORT[/PROTOCOL])"},
	{"publish-all", 'P', OPTION_BOOL, HOST(publish_all_ports),
	 .help = "Publish all exposed ports to random ports"},
	{"pull", 0, OPTION_STR, O(pull), .initial = "missing",
	 .help = "Pull image before running (\"always\", \"missing\", \"never\")"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Suppress the pull output, and warnings"},
	{"read-only", 0, OPTION_BOOL, HOST(readonly_rootfs),
	 .help = "Mount the container's root filesystem as read only"},
	{"rm", 0, OPTION_BOOL, HOST(auto_remove),
	 .help = "Automatically remove the container and its associated anonymous volumes when it "
		 "exits"},
	{"rootfs", 0, OPTION_STR, O(rootfs), .arg = "dir",
	 .help = "Run in this folder instead of an image; DIR:O keeps it unchanged"},
	{"runtime", 0, OPTION_STR, OPTION_HIDDEN, O(create.config.host.runtime),
	 .help = "hull is its own runtime: only \"hull\" is known"},
	{"secret", 0, OPTION_CUSTOM, O(create.config.hull.secrets), .arg = "secret",
	 .set = option_set_secret,
	 .help = "Give the container a secret: its name and, behind commas, type=mount or env, "
		 "target=PATH or VARIABLE, uid=0, gid=0, mode=0444"},
	{"security-opt", 0, OPTION_LIST, O(security),
	 .help = "Security options: seccomp=FILE|unconfined, no-new-privileges, "
		 "apparmor=unconfined, "
		 "label=disable, systempaths=unconfined"},
	{"stop-signal", 0, OPTION_STR, CONFIG(stop_signal), .help = "Signal to stop the container"},
	{"stop-timeout", 0, OPTION_OPT_INT, CONFIG(stop_timeout),
	 .help = "Timeout (in seconds) to stop a container"},
	{"storage-opt", 0, OPTION_MAP, HOST(storage_opt), .arg = "list",
	 .help = "Storage driver options for the container: size=BYTES limits what it may write "
		 "into its root"},
	{"systemd", 0, OPTION_CUSTOM, O(create.config.hull.systemd), .implied = "true", .arg = "",
	 .set = set_systemd,
	 .help = "The command is systemd, or an init like it: it may make groups in its control "
		 "group, has a tmpfs on /run, /run/lock and /tmp, and stops with RTMIN+3"},
	{"sysctl", 0, OPTION_CUSTOM, HOST(sysctls), .arg = "map", .set = option_set_sysctl,
	 .help = "Sysctl options"},
	{"tmpfs", 0, OPTION_CUSTOM, HOST(tmpfs), .arg = "list", .set = option_set_tmpfs,
	 .help = "Mount a tmpfs directory"},
	{"tty", 't', OPTION_BOOL, CONFIG(tty), .help = "Allocate a pseudo-TTY"},
	{"use-api-socket", 0, OPTION_REFUSED_FLAG,
	 .help = "a container that controls the engine is root"},
	{"user", 'u', OPTION_STR, CONFIG(user),
	 .help = "Username or UID (format: <name|uid>[:<group|gid>])"},
	{"userns", 0, OPTION_STR, HOST(userns_mode), .help = "User namespace to use (host)"},
	{"uts", 0, OPTION_STR, HOST(uts_mode), .help = "UTS namespace to use (host)"},
	{"volume", 'v', OPTION_LIST, O(volumes), .help = "Bind mount a volume"},
	{"volume-driver", 0, OPTION_REFUSED, .help = "hull has local volumes only"},
	{"volumes-from", 0, OPTION_LIST, HOST(volumes_from),
	 .help = "Mount volumes from the specified container(s)"},
	{"workdir", 'w', OPTION_STR, CONFIG(working_dir),
	 .help = "Working directory inside the container"},
};
const struct option_table create_option_table = OPTIONS(items);

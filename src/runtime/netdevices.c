/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.netDevices: devices of the host that become the container's. See config-linux.md, "Network
 * Devices". Invariant: nothing is moved before all names are checked. When the container ends, the
 * kernel gives hardware back to the first namespace and removes what is virtual.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/netdevice.h"
#include "runtime/container.h"

static const char *name_inside(const struct oci_net_device *d)
{
	return d->name && *d->name ? d->name : d->host_name;
}

int netdevices_check(const struct oci_linux *l, const struct spaces *spaces, struct err *e)
{
	const struct oci_net_device *d = l->net_devices.items;
	size_t count = l->net_devices.count;
	if (count && !(spaces->own & CLONE_NEWNET))
		return err_set(e, EINVAL, ERR_INVALID,
			       "netDevices need a network namespace of the container's own");
	for (size_t i = 0; i < count; i++) {
		const char *name = name_inside(&d[i]);
		bool valid =
			netdevice_name_is_valid(d[i].host_name) && netdevice_name_is_valid(name);
		if (!valid)
			return err_set(
				e, EINVAL, ERR_INVALID,
				"netDevices: \"%.40s\", inside \"%.40s\": no name of a device",
				d[i].host_name, name);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(name_inside(&d[k]), name))
				return err_set(e, EINVAL, ERR_INVALID,
					       "netDevices: %s and %s would both be %s",
					       d[k].host_name, d[i].host_name, name);
	}
	return 0;
}

int netdevices_move(const struct oci_linux *l, const struct spaces *spaces, pid_t pid,
		    struct err *e)
{
	const struct oci_net_device *d = l->net_devices.items;
	int r = 0;
	if (l->net_devices.count == 0)
		return 0;
	CLEANUP_FD int space = spaces_open_network(spaces, pid, e);
	if (space < 0)
		return space;
	for (size_t i = 0; r == 0 && i < l->net_devices.count; i++)
		r = netdevice_move(d[i].host_name, name_inside(&d[i]), space, e);
	return r < 0 ? err_context(e, "netDevices") : 0;
}

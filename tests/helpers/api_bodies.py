#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each value of each request's JSON body, replaced by others of all types: hulld answers every one.

usage: api_bodies.py SOCKET, with a container "mm" that runs. Prints what was not answered, or by 500.
"""
import copy
import http.client
import json
import socket
import sys
import urllib.parse

BODIES = {
    "/containers/create": {
        "Image": "test", "Cmd": ["true"], "Entrypoint": None, "Env": ["a=b"], "Labels": {"a": "b"},
        "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "MacAddress": "",
        "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1},
        "HostConfig": {
            "Binds": ["/tmp:/t"], "NetworkMode": "none", "Tmpfs": {"/q": ""}, "MemorySwappiness": -1,
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8"}]}, "MaskedPaths": None,
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "DeviceRequests": None,
            "Mounts": [{"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"SizeBytes": 1}}],
            "Ulimits": [{"Name": "nofile", "Hard": 1, "Soft": 1}],
            "LogConfig": {"Type": "json-file", "Config": {}}, "Devices": [{"PathOnHost": "/dev/null"}]},
        "NetworkingConfig": {"EndpointsConfig": {"bridge": {"IPAMConfig": {"IPv4Address": ""}, "Aliases": []}}}},
    "/containers/mm/update": {"Memory": 0, "RestartPolicy": {"Name": "no"}, "Ulimits": [], "PidsLimit": 5},
    "/containers/mm/exec": {"Cmd": ["true"], "Env": ["a=b"], "ConsoleSize": [1, 2], "DetachKeys": "ctrl-a"},
    "/networks/create": {
        "Name": "none", "Driver": "bridge", "Options": {}, "Labels": {}, "ConfigOnly": False, "Scope": "local",
        "IPAM": {"Driver": "default", "Options": None,
                 "Config": [{"Subnet": "10.9.0.0/24", "AuxiliaryAddresses": {"a": "10.9.0.5"}}]}},
    "/networks/none/connect": {"Container": "mm", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "x"}}},
    "/networks/none/disconnect": {"Container": "mm", "Force": True},
    "/volumes/create": {"Name": "vv", "Driver": "local", "DriverOpts": {}, "Labels": {}},
    "/commit?container=mm": {"x": 1},
    "/auth": {"username": "", "password": "", "serveraddress": ""},
}
OTHERS = [None, 0, -1.5, 2**63, "", "x", True, [], {}, [None], {"a": None}, [[]], "\0", {"": {}}, [1, "a"]]
QUERIES = ["/containers/json?filters=", "/images/json?filters=", "/volumes?filters=", "/networks?filters="]


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


def paths(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, path + (key,))


def replaced(value, path, other):
    if not path:
        return other
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = other
    return value


def ask(method, path, body=None):
    c = Connection("hull")
    try:
        c.request(method, path, body, {"Content-Type": "application/json"})
        answer = c.getresponse()
        text = answer.read()
        problem = text if answer.status >= 500 else None
    except (OSError, http.client.HTTPException) as e:
        problem = e
    c.close()
    if problem is not None:
        print(method, path, body, problem)


for path, body in BODIES.items():
    for place in paths(body):
        for other in OTHERS:
            ask("POST", path, json.dumps(replaced(body, place, other)))
for other in OTHERS + [{"label": x} for x in OTHERS]:
    for path in QUERIES:
        ask("GET", path + urllib.parse.quote(json.dumps(other)))

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client of Kubernetes' Container Runtime Interface, in the place of a kubelet.

  cri.py SOCKET METHOD [REQUEST]     cri.py /run/containerd.sock StopContainer '{"container_id": "x", "timeout": 5}'

REQUEST and the answer are JSON. The messages are the few fields below, of api.proto of k8s.io/cri-api (v1):
NAME=NUMBER[:MESSAGE]; what is not there is left out of an answer. A failed call ends with 1 and its text.
"""
import json
import sys

import grpc

MESSAGES = {line.split(": ")[0]: {name: (int(number), inner) for name, number, inner in (
    (field + ":").replace("=", ":").split(":")[:3] for field in line.split(": ")[1].split())}
    for line in """\
RunPodSandboxRequest: config=1:PodSandboxConfig runtime_handler=2
RunPodSandboxResponse: pod_sandbox_id=1
StopPodSandboxRequest: pod_sandbox_id=1
RemovePodSandboxRequest: pod_sandbox_id=1
PodSandboxConfig: metadata=1:Metadata hostname=2 log_directory=3 linux=8:LinuxPod
Metadata: name=1 uid=2 namespace=3
LinuxPod: cgroup_parent=1 security_context=2:PodSecurity
PodSecurity: namespace_options=1:Namespaces
Namespaces: network=1 pid=2 ipc=3
CreateContainerRequest: pod_sandbox_id=1 config=2:ContainerConfig sandbox_config=3:PodSandboxConfig
CreateContainerResponse: container_id=1
ContainerConfig: metadata=1:Metadata image=2:Image command=3 args=4 working_dir=5 log_path=11 linux=15:LinuxContainer
Image: image=1
LinuxContainer: resources=1:Resources security_context=2:ContainerSecurity
ContainerSecurity: namespace_options=3:Namespaces
Resources: cpu_period=1 cpu_quota=2 cpu_shares=3 memory_limit_in_bytes=4
StartContainerRequest: container_id=1
StopContainerRequest: container_id=1 timeout=2
RemoveContainerRequest: container_id=1
ExecSyncRequest: container_id=1 cmd=2 timeout=3
ExecSyncResponse: stdout=1 stderr=2 exit_code=3
UpdateContainerResourcesRequest: container_id=1 linux=2:Resources
ContainerStatsRequest: container_id=1
ContainerStatsResponse: stats=1:Stats
Stats: attributes=1:Attributes cpu=2:Cpu memory=3:Memory
Attributes: id=1
Cpu: timestamp=1 usage_core_nano_seconds=2:Value
Memory: timestamp=1 working_set_bytes=2:Value
Value: value=1
ContainerStatusRequest: container_id=1
ContainerStatusResponse: status=1:Status
Status: id=1 state=3 exit_code=7 reason=10 message=11
PodSandboxStatusRequest: pod_sandbox_id=1
PodSandboxStatusResponse: status=1:PodStatus
PodStatus: id=1 state=3""".splitlines()}


def varint(n):
    n &= 2**64 - 1
    text = bytearray()
    while n > 0x7f:
        text.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(text) + bytes([n])


def encode(message, values):
    """The bytes of a message: https://protobuf.dev/programming-guides/encoding"""
    text = b""
    for name, value in values.items():
        number, inner = MESSAGES[message][name]
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                text += varint(number << 3) + varint(one)
            else:
                piece = encode(inner, one) if inner else one.encode()
                text += varint(number << 3 | 2) + varint(len(piece)) + piece
    return text


def decode(message, text):
    names = {number: (name, inner) for name, (number, inner) in MESSAGES.get(message, {}).items()}
    at, values = 0, {}

    def take():
        nonlocal at
        n = shift = 0
        while True:
            byte = text[at]
            at += 1
            n |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(text):
        key = take()
        name, inner = names.get(key >> 3, (None, None))
        value = take()  # a number, or the length of what follows
        if key & 7 == 2:
            piece = text[at:at + value]
            at += value
            value = decode(inner, piece) if inner else piece.decode(errors="replace")
        elif key & 7:
            sys.exit(f"{message}: a field of kind {key & 7}")
        if name:
            values[name] = value
    return values


def main():
    socket, method, *request = sys.argv[1:]
    call = grpc.insecure_channel("unix://" + socket).unary_unary("/runtime.v1.RuntimeService/" + method)
    try:
        answer = call(encode(method + "Request", json.loads(request[0]) if request else {}), timeout=50)
    except grpc.RpcError as e:
        sys.exit(f"{method}: {e.code().name}: {e.details()}")
    print(json.dumps(decode(method + "Response", answer)))


if __name__ == "__main__":
    main()

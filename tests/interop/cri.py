#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of the CRI (what the kubelet speaks to containerd), as far as the tests need it.

    cri.py SOCKET METHOD [JSON]

Sends the request and prints the answer, both as JSON with the API's own names of members. The messages
are encoded and decoded here, by the table below: the generated stubs are not in any package.
"""

import json
import sys

import grpc

# message: {field: (number, type)}. A type is a scalar, another message, or one of both in a list
# (repeated); "map" is a map of strings. Integers are all varints (int64, uint64, enum, bool).
MESSAGES = {
    "Int64Value": {"value": (1, "int")},
    "KeyValue": {"key": (1, "str"), "value": (2, "str")},
    "ImageSpec": {"image": (1, "str")},
    "Mount": {"container_path": (1, "str"), "host_path": (2, "str"), "readonly": (3, "int"),
              "propagation": (5, "int")},
    "Device": {"container_path": (1, "str"), "host_path": (2, "str"), "permissions": (3, "str")},
    "NamespaceOption": {"network": (1, "int"), "pid": (2, "int"), "ipc": (3, "int"),
                        "target_id": (4, "str")},
    "SecurityProfile": {"profile_type": (1, "int"), "localhost_ref": (2, "str")},
    "Capability": {"add_capabilities": (1, ["str"]), "drop_capabilities": (2, ["str"])},
    "PodSandboxMetadata": {"name": (1, "str"), "uid": (2, "str"), "namespace": (3, "str"),
                           "attempt": (4, "int")},
    "LinuxSandboxSecurityContext": {"namespace_options": (1, "NamespaceOption"),
                                    "privileged": (6, "int")},
    "LinuxPodSandboxConfig": {"cgroup_parent": (1, "str"),
                              "security_context": (2, "LinuxSandboxSecurityContext"),
                              "sysctls": (3, "map")},
    "PodSandboxConfig": {"metadata": (1, "PodSandboxMetadata"), "hostname": (2, "str"),
                         "log_directory": (3, "str"), "labels": (6, "map"),
                         "linux": (8, "LinuxPodSandboxConfig")},
    "LinuxContainerResources": {"cpu_period": (1, "int"), "cpu_quota": (2, "int"),
                                "cpu_shares": (3, "int"), "memory_limit_in_bytes": (4, "int"),
                                "oom_score_adj": (5, "int"), "cpuset_cpus": (6, "str")},
    "LinuxContainerSecurityContext": {"capabilities": (1, "Capability"), "privileged": (2, "int"),
                                      "namespace_options": (3, "NamespaceOption"),
                                      "run_as_user": (5, "Int64Value"),
                                      "readonly_rootfs": (7, "int"),
                                      "supplemental_groups": (8, ["int"]),
                                      "no_new_privs": (11, "int"),
                                      "run_as_group": (12, "Int64Value"),
                                      "masked_paths": (13, ["str"]),
                                      "readonly_paths": (14, ["str"]),
                                      "seccomp": (15, "SecurityProfile")},
    "LinuxContainerConfig": {"resources": (1, "LinuxContainerResources"),
                             "security_context": (2, "LinuxContainerSecurityContext")},
    "ContainerMetadata": {"name": (1, "str"), "attempt": (2, "int")},
    "ContainerConfig": {"metadata": (1, "ContainerMetadata"), "image": (2, "ImageSpec"),
                        "command": (3, ["str"]), "args": (4, ["str"]), "working_dir": (5, "str"),
                        "envs": (6, ["KeyValue"]), "mounts": (7, ["Mount"]),
                        "devices": (8, ["Device"]), "log_path": (11, "str"), "tty": (14, "int"),
                        "linux": (15, "LinuxContainerConfig")},
    "ContainerAttributes": {"id": (1, "str")},
    "CpuUsage": {"timestamp": (1, "int"), "usage_core_nano_seconds": (2, "Int64Value")},
    "MemoryUsage": {"timestamp": (1, "int"), "working_set_bytes": (2, "Int64Value")},
    "ContainerStats": {"attributes": (1, "ContainerAttributes"), "cpu": (2, "CpuUsage"),
                       "memory": (3, "MemoryUsage")},
    "ContainerStatus": {"id": (1, "str"), "metadata": (2, "ContainerMetadata"), "state": (3, "int"),
                        "exit_code": (7, "int"), "reason": (10, "str"), "message": (11, "str")},
    "PodSandboxStatus": {"id": (1, "str"), "metadata": (2, "PodSandboxMetadata"), "state": (3, "int")},
    "PodSandbox": {"id": (1, "str"), "metadata": (2, "PodSandboxMetadata"), "state": (3, "int")},
    "Image": {"id": (1, "str"), "repo_tags": (2, ["str"])},
}

# method: (request, answer)
CONTAINER = {"container_id": (1, "str")}
POD = {"pod_sandbox_id": (1, "str")}
METHODS = {
    "Version": ({}, {"runtime_name": (2, "str"), "runtime_api_version": (4, "str")}),
    "RunPodSandbox": ({"config": (1, "PodSandboxConfig"), "runtime_handler": (2, "str")}, POD),
    "PodSandboxStatus": (POD, {"status": (1, "PodSandboxStatus")}),
    "ListPodSandbox": ({}, {"items": (1, ["PodSandbox"])}),
    "StopPodSandbox": (POD, {}),
    "RemovePodSandbox": (POD, {}),
    "CreateContainer": ({**POD, "config": (2, "ContainerConfig"),
                         "sandbox_config": (3, "PodSandboxConfig")}, CONTAINER),
    "StartContainer": (CONTAINER, {}),
    "StopContainer": ({**CONTAINER, "timeout": (2, "int")}, {}),
    "RemoveContainer": (CONTAINER, {}),
    "ContainerStatus": (CONTAINER, {"status": (1, "ContainerStatus")}),
    "ContainerStats": (CONTAINER, {"stats": (1, "ContainerStats")}),
    "UpdateContainerResources": ({**CONTAINER, "linux": (2, "LinuxContainerResources")}, {}),
    "ExecSync": ({**CONTAINER, "cmd": (2, ["str"]), "timeout": (3, "int")},
                 {"stdout": (1, "str"), "stderr": (2, "str"), "exit_code": (3, "int")}),
    "ListImages": ({}, {"images": (1, ["Image"])}),
}
IMAGES = {"ListImages"}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number, kind, value):
    if kind == "int":
        return varint(number << 3) + varint(int(value))
    if kind == "map":
        return b"".join(field(number, "KeyValue", {"key": k, "value": v}) for k, v in value.items())
    data = value.encode() if kind == "str" else encode(MESSAGES[kind], value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode(fields, message):
    out = b""
    for name, value in message.items():
        number, kind = fields[name]
        for one in value if isinstance(kind, list) else [value]:
            out += field(number, kind[0] if isinstance(kind, list) else kind, one)
    return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def read_field(data, at):
    """(number, an integer or bytes, where the next one begins)"""
    key, at = read_varint(data, at)
    if key & 7 == 0:
        value, at = read_varint(data, at)
        return key >> 3, value, at
    length, at = {1: (8, at), 5: (4, at)}.get(key & 7) or read_varint(data, at)
    return key >> 3, data[at:at + length], at + length


def value_of(kind, raw):
    if kind == "int":
        return raw - (1 << 64) if raw >> 63 else raw
    return raw.decode(errors="replace") if kind == "str" else decode(MESSAGES[kind], raw)


def empty(kind):
    return [] if isinstance(kind, list) else {"int": 0, "str": ""}.get(kind)


def decode(fields, data):
    names = {number: (name, kind) for name, (number, kind) in fields.items()}
    message = {name: empty(kind) for name, (_, kind) in fields.items()}
    at = 0
    while at < len(data):
        number, raw, at = read_field(data, at)
        if number not in names:
            continue
        name, kind = names[number]
        if isinstance(kind, list):
            message[name].append(value_of(kind[0], raw))
        else:
            message[name] = value_of(kind, raw)
    return message


def main():
    socket, method = sys.argv[1:3]
    message = json.loads(sys.argv[3] if len(sys.argv) > 3 else "{}")
    request, answer = METHODS[method]
    service = "ImageService" if method in IMAGES else "RuntimeService"
    with grpc.insecure_channel("unix://" + socket) as channel:
        call = channel.unary_unary(f"/runtime.v1.{service}/{method}",
                                   request_serializer=lambda m: encode(request, m),
                                   response_deserializer=lambda d: decode(answer, d))
        try:
            print(json.dumps(call(message, timeout=30)))
        except grpc.RpcError as error:
            sys.exit(f"cri.py: {method}: {error.code().name}: {error.details()}")


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ns_world.py: makes a known world of namespaces, prints what is true of it as one line of JSON, and
keeps it until its standard input ends.

    nested    processes in user and pid namespaces, five deep: [{"pid", "user", "pid_ns", "inside"}]
    fd        a uts namespace that only a descriptor keeps: {"inode", "pid", "fd"}
    mount     the same, kept by a mount: {"inode", "path"}; path is argv[1] (a file)
    child     a user namespace that only one below it keeps: {"inode", "child"}
    thread    a thread with a network namespace of its own: {"pid", "tid", "inode"}
    for_children  a time namespace that is entered by children only: {"inode", "pid"}
    mounts    {"shared": ["pid", "ns"], "slave": ...}: peers of one mount at argv[2] (a directory)
"""
import ctypes
import json
import os
import signal
import sys
import threading

NEWNS, NEWTIME, NEWUTS, NEWUSER, NEWPID, NEWNET = (
    0x20000, 0x80, 0x4000000, 0x10000000, 0x20000000, 0x40000000)
MS_BIND, MS_REC, MS_SLAVE, MS_SHARED, MS_PRIVATE = 4096, 16384, 1 << 19, 1 << 20, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)
open_fds = []
alive = os.pipe()  # its end tells all that this program has ended, however that was


open_fds.append(alive[1])


def check(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def unshare(flags):
    check(libc.unshare(flags), "unshare")


def mount(source, target, flags):
    check(libc.mount(source and source.encode(), target.encode(), None, flags, None), "mount")


def ns(kind, pid="self"):
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino


def own_pid():
    return int(os.readlink("/proc/self"))


def child(body):
    """A process that runs body(), says what it returns, and stays; that."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.close(read_end)
        if alive[1] in open_fds:
            os.close(open_fds.pop())
        try:
            told = json.dumps(body())
        except OSError as e:
            told = json.dumps({"error": str(e)})
        os.write(write_end, told.encode() + b"\n")
        os.read(alive[0], 1)
        os._exit(0)
    os.close(write_end)
    with open(read_end, "rb") as f:
        told = json.loads(f.readline() or b'{"error": "a process has ended"}')
    if isinstance(told, dict) and "error" in told:
        sys.exit(told["error"])
    return told


def map_root():
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {UID} 1"), ("gid_map", f"0 {GID} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as f:
            f.write(text)


UID, GID = os.getuid(), os.getgid()


def nest(depth):
    """In new user and pid namespaces, with the same below it. /proc is the host's all the way."""
    global UID, GID
    unshare(NEWUSER | NEWPID)
    map_root()
    UID = GID = 0

    def inside():
        own = {"pid": own_pid(), "user": ns("user"), "pid_ns": ns("pid"), "inside": os.getpid()}
        return [own] + (nest(depth - 1) if depth > 1 else [])

    return child(inside)


def kept_by_fd():
    def body():
        unshare(NEWUTS)
        return os.getpid()

    pid = child(body)
    fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
    inode = ns("uts", pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"inode": inode, "pid": os.getpid(), "fd": fd}


def kept_by_mount(path):
    def body():
        unshare(NEWUTS)
        return os.getpid()

    pid = child(body)
    inode = ns("uts", pid)
    mount(f"/proc/{pid}/ns/uts", path, MS_BIND)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"inode": inode, "path": path}


def kept_by_child():
    def body():
        unshare(NEWUSER)
        map_root()
        upper = ns("user")
        global UID, GID
        UID = GID = 0
        unshare(NEWUSER)
        map_root()
        return {"inode": upper, "child": ns("user")}

    return child(body)


def thread_alone():
    def body():
        told, ready = {}, threading.Event()

        def run():
            unshare(NEWNET)
            told.update(pid=os.getpid(), tid=threading.get_native_id(),
                        inode=os.stat("/proc/thread-self/ns/net").st_ino)
            ready.set()
            os.read(alive[0], 1)

        threading.Thread(target=run, daemon=True).start()
        ready.wait(10)
        return told

    return child(body)


def for_children():
    def body():
        unshare(NEWTIME)
        return {"inode": ns("time_for_children"), "pid": os.getpid()}

    return child(body)


def mounts(directory):
    """A shared mount that one copy is a peer of, and another a slave."""
    def shared():
        unshare(NEWNS)
        mount(None, "/", MS_REC | MS_PRIVATE)
        mount(directory, directory, MS_BIND)
        mount(None, directory, MS_SHARED)
        peer = child(lambda: (unshare(NEWNS), [os.getpid(), ns("mnt")])[1])

        def slave():
            unshare(NEWNS)
            mount(None, directory, MS_SLAVE)
            return [os.getpid(), ns("mnt")]

        return {"shared": [os.getpid(), ns("mnt")], "peer": peer, "slave": child(slave)}

    return child(shared)


def main():
    root = os.getuid() == 0
    world = {"nested": child(lambda: nest(5)), "child": kept_by_child()}
    if root:
        world["mount"] = kept_by_mount(sys.argv[1])
        world["thread"] = thread_alone()
        world["for_children"] = for_children()
        world["mounts"] = mounts(sys.argv[2])
        world["fd"] = kept_by_fd()  # the last: no child has it, too
    print(json.dumps(world), flush=True)
    sys.stdin.read()
    if root:
        libc.umount2(sys.argv[1].encode(), 2)


main()

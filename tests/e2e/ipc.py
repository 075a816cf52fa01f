#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ipc.py make|look|drop KEY: a System V queue, semaphore and shared memory and a POSIX queue that
share a key, made, looked for (prints what is there) or removed."""
import ctypes
import os
import sys

C = ctypes.CDLL(None, use_errno=True)
RT = ctypes.CDLL("librt.so.1", use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0


def open_all(key, create):
    flags = IPC_CREAT | 0o666 if create else 0
    name = b"/holm-%d" % key
    attr = (os.O_CREAT | os.O_RDWR, 0o600, None) if create else (os.O_RDONLY,)
    return {
        "queue": C.msgget(key, flags),
        "semaphore": C.semget(key, 1, flags),
        "memory": C.shmget(key, 4096 if create else 0, flags),
        "posix": RT.mq_open(name, *attr),
    }


def drop(key):
    ids = open_all(key, False)
    C.msgctl(ids["queue"], IPC_RMID, None)
    C.semctl(ids["semaphore"], 0, IPC_RMID)
    C.shmctl(ids["memory"], IPC_RMID, None)
    RT.mq_unlink(b"/holm-%d" % key)


act, key = sys.argv[1], int(sys.argv[2])
if act == "drop":
    drop(key)
else:
    found = open_all(key, act == "make")
    print(" ".join(name for name, ident in found.items() if ident >= 0) or "nothing", flush=True)

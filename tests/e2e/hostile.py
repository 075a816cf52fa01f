#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries to do harm and prints for every attempt `NAME refused WHY` or `NAME DONE`.

    hostile.py HOSTPID SECRET       SECRET: a file of the host that the box must not show
"""
import ctypes
import errno
import fcntl
import os
import signal
import socket
import sys

C = ctypes.CDLL(None, use_errno=True)
SYS = {"init_module": 175, "finit_module": 313, "ptrace": 101, "kexec_load": 246, "keyctl": 250,
       "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "open_by_handle_at": 304,
       "perf_event_open": 298, "process_vm_readv": 310, "setns": 308, "unshare": 272}
CLONE_NEWUSER = 0x10000000


def system_call(name, *args):
    if os.uname().machine != "x86_64":
        raise OSError(errno.EPERM, "not known here")
    if C.syscall(ctypes.c_long(SYS[name]), *[ctypes.c_void_p(a) for a in args]) < 0:
        raise OSError(ctypes.get_errno(), name)


def c_call(name, *args):
    if getattr(C, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), name)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def read(path):
    with open(path, "rb") as f:
        data = f.read(64)
    if not data:  # the /dev/null of a mask
        raise FileNotFoundError(errno.ENOENT, "empty")
    return data


def list_directory(path):
    if not os.listdir(path):
        raise FileNotFoundError(errno.ENOENT, "empty")


def key_into_terminal():
    with open("/dev/tty", "rb+", buffering=0) as tty:
        fcntl.ioctl(tty, 0x5412, b"x")


def key_with_high_bits():
    """The kernel looks at the low 32 bits only; a filter must do so as well."""
    with open("/dev/tty", "rb+", buffering=0) as tty:
        request = ctypes.c_ulong(0x100005412)
        if C.ioctl(ctypes.c_int(tty.fileno()), request, ctypes.c_char_p(b"x")) < 0:
            raise OSError(ctypes.get_errno(), "ioctl")


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(address)


def escape_by_dots():
    os.chdir("/")
    for _ in range(64):
        os.chdir("..")
    if os.path.exists(sys.argv[2][1:]):
        return
    raise FileNotFoundError(errno.ENOENT, "the root is the root")


def chroot_escape():
    os.mkdir("/tmp/jail")
    fd = os.open("/", os.O_DIRECTORY)
    os.chroot("/tmp/jail")
    os.fchdir(fd)
    escape_by_dots()


def kill_host():
    os.kill(int(sys.argv[1]), signal.SIGKILL)


def kill_init():
    os.kill(1, signal.SIGKILL)
    os.kill(1, 0)
    raise PermissionError(errno.EPERM, "init lives")


SECRET = sys.argv[2]
ATTEMPTS = {
    "read-shadow": lambda: read("/etc/shadow"),
    "list-root-home": lambda: list_directory("/root"),
    "list-home": lambda: list_directory("/home"),
    "list-var": lambda: list_directory("/var"),
    "read-secret": lambda: read(SECRET),
    "read-secret-by-init-root": lambda: read("/proc/1/root" + SECRET),
    "read-secret-by-init-cwd": lambda: read("/proc/1/cwd" + SECRET),
    "read-secret-by-own-root": lambda: read("/proc/self/root/.." + SECRET),
    "escape-by-dots": escape_by_dots,
    "escape-by-chroot": chroot_escape,
    "write-usr": lambda: write("/usr/bin/holm-was-here", "x"),
    "write-etc": lambda: write("/etc/passwd", "x"),
    "write-root": lambda: write("/holm-was-here", "x"),
    "write-sysctl": lambda: write("/proc/sys/kernel/hostname", "x"),
    "write-core-pattern": lambda: write("/proc/sys/kernel/core_pattern", "x"),
    "write-sysrq": lambda: write("/proc/sysrq-trigger", "h"),
    "write-init-oom": lambda: write("/proc/1/oom_score_adj", "1000"),
    "read-kcore": lambda: read("/proc/kcore"),
    "read-memory": lambda: read("/dev/mem"),
    "write-memory": lambda: write("/dev/mem", "x"),
    "make-node": lambda: os.mknod("/tmp/sda", 0o60600, os.makedev(8, 0)),
    "kill-host-pid": kill_host,
    "kill-init": kill_init,
    "trace-init": lambda: c_call("ptrace", 16, 1, 0, 0),
    "read-init-memory": lambda: read("/proc/1/mem"),
    "mount": lambda: c_call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "unmount": lambda: c_call("umount2", b"/proc", 2),
    "remount": lambda: c_call("mount", None, b"/usr", None, 0x1020, None),
    "load-module": lambda: system_call("init_module", 0, 0, 0),
    "load-module-file": lambda: system_call("finit_module", 0, 0, 0),
    "kexec": lambda: system_call("kexec_load", 0, 0, 0, 0),
    "keyring": lambda: system_call("keyctl", 0, 0, 0, 0, 0),
    "bpf": lambda: system_call("bpf", 0, 0, 0),
    "userfaultfd": lambda: system_call("userfaultfd", 0),
    "io-uring": lambda: system_call("io_uring_setup", 1, 0),
    "open-by-handle": lambda: system_call("open_by_handle_at", 0, 0, 0),
    "new-user-namespace": lambda: system_call("unshare", CLONE_NEWUSER),
    "enter-namespace": lambda: system_call("setns", 0, 0),
    "hostname": lambda: socket.sethostname("evil"),
    "chroot": lambda: os.chroot("/tmp"),
    "become-other": lambda: os.setuid(12345),
    "clock": lambda: __import__("time").clock_settime(0, 1.0),
    "network": lambda: connect(socket.AF_INET, ("192.0.2.1", 80)),
    "network-6": lambda: connect(socket.AF_INET6, ("2001:db8::1", 80)),
    "raw-socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
    "packet-socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM, 0).close(),
    "key-into-terminal": key_into_terminal,
    "key-with-high-bits": key_with_high_bits,
}

for name, attempt in ATTEMPTS.items():
    try:
        attempt()
        print(name, "DONE", flush=True)
    except OSError as e:
        print(name, "refused", errno.errorcode.get(e.errno, e), flush=True)

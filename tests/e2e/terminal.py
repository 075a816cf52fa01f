#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""terminal.py SCRIPT COMMAND...: runs COMMAND on a new terminal of 30 rows and 90 columns and plays
SCRIPT, lines of

    expect TEXT     wait until the terminal has shown it (searched behind the last find)
    send TEXT       type it; Python escapes count, so that \\x03 is ^C
    resize R C      change the size
    run COMMAND     in a shell, beside it

and prints all that was shown, then `exit N`. Fails when something expected does not come in 10 s."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Player:
    def __init__(self, command):
        self.seen, self.at = b"", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            set_size(0, 30, 90)
            os.execvp(command[0], command)

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.seen += data
        return bool(data)

    def expect(self, text):
        until = time.monotonic() + 10
        while text not in self.seen[self.at:]:
            if time.monotonic() > until or not self.read(0.1):
                if text in self.seen[self.at:]:
                    break
                sys.exit(f"never saw {text!r} in {self.seen!r}")
        self.at = self.seen.index(text, self.at) + len(text)

    def play(self, line):
        act, _, rest = line.partition(" ")
        if act == "expect":
            self.expect(rest.encode().decode("unicode_escape").encode("latin-1"))
        elif act == "send":
            os.write(self.fd, rest.encode().decode("unicode_escape").encode("latin-1"))
        elif act == "resize":
            set_size(self.fd, *map(int, rest.split()))
        elif act == "run":
            subprocess.run(["sh", "-c", rest], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        else:
            sys.exit(f"no such act: {line}")

    def end(self):
        status, until = None, time.monotonic() + 20
        while status is None:
            self.read(0.05)
            pid, value = os.waitpid(self.pid, os.WNOHANG)
            status = value if pid else None
            if time.monotonic() > until:
                os.kill(self.pid, 9)
        while select.select([self.fd], [], [], 0)[0] and self.read(0):
            pass
        sys.stdout.write(self.seen.decode(errors="replace").replace("\r", ""))
        print("exit", os.waitstatus_to_exitcode(status))


player = Player(sys.argv[2:])
for step in sys.argv[1].splitlines():
    if step.strip():
        player.play(step.strip())
player.end()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same by an interpreter: hostile.py WORD. What fails as it should ends with 0."""

import json
import os
import signal
import sys
import threading
import time


def hungry():
    blocks = []
    while True:
        blocks.append(bytearray(1 << 20))


def recursive():
    sys.setrecursionlimit(1 << 30)

    def down(n):
        return down(n + 1) + 1

    threading.stack_size(512 << 20)
    thread = threading.Thread(target=down, args=(0,))
    thread.start()
    thread.join()


def catches_all():
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, lambda *_: None)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:  # pylint: disable=broad-exception-caught
            pass


def forks():
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def forges():
    line = json.dumps({"id": "forged", "verdict": "ok", "answer": "right"})
    print(f"\n{line}", flush=True)
    print(f"\n{line}", file=sys.stderr, flush=True)
    with open("report", "w", encoding="ascii") as out:
        out.write(line)
    sys.exit(3)


def floods():
    while True:
        print("x" * 1000)


def hangs():
    sys.stdin.read()
    threading.Event().wait()


if __name__ == "__main__":
    globals()[sys.argv[1]]()

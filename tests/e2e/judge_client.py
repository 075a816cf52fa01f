#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends standard input to a Unix socket and prints what comes back. With --go: ends without reading."""

import socket
import sys

with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[-1])
    s.sendall(sys.stdin.buffer.read())
    if sys.argv[1] != "--go":
        s.shutdown(socket.SHUT_WR)
        while block := s.recv(65536):
            sys.stdout.buffer.write(block)

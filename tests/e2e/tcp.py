#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""tcp.py serve TEXT [PORT]: prints its port, then answers every connection with TEXT.
tcp.py get HOST PORT: prints what that says."""
import socket
import sys


def serve(text, port="0"):
    with socket.create_server(("0.0.0.0", int(port))) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(text.encode() + b"\n")


def get(host, port):
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        print(connection.makefile().read(), end="")


{"serve": serve, "get": get}[sys.argv[1]](*sys.argv[2:])

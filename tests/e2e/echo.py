# SPDX-License-Identifier: GPL-2.0-or-later
"""serve: what comes to port 7 by TCP and UDP goes back. talk ADDRESS BYTES: tries both."""

import hashlib
import socket
import socketserver
import sys
import threading


class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)


class TcpServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True


class UdpServer(socketserver.UDPServer):
    address_family = socket.AF_INET6


def serve():
    threading.Thread(target=UdpServer(("::", 7), Udp).serve_forever, daemon=True).start()
    TcpServer(("::", 7), Tcp).serve_forever()


def receive(s, size):
    got = b""
    while len(got) < size:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return got


def talk(address, size):
    data = (hashlib.sha256(address.encode()).digest() * (size // 32 + 1))[:size]
    with socket.create_connection((address, 7), 4) as s:
        threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
        assert receive(s, size) == data, "TCP"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(4)
        for length in 1, 1400, 8000:  # the last one in pieces
            s.sendto(data[:length], (address, 7))
            assert s.recv(65536) == data[:length], f"UDP of {length}"
    print("ok")


if sys.argv[1] == "serve":
    serve()
else:
    talk(sys.argv[2], int(sys.argv[3]))

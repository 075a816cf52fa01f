# SPDX-License-Identifier: GPL-2.0-or-later
"""sniff.py INTERFACE FILE: counts what passes, until it is ended: {"esp": N, "vxlan": N, "marked": N}."""

import json
import os
import signal
import socket
import sys

counts = {"esp": 0, "vxlan": 0, "marked": 0}


def end(*_):
    with open(sys.argv[2] + "~", "w", encoding="ascii") as f:
        json.dump(counts, f)
    os.rename(sys.argv[2] + "~", sys.argv[2])
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
with open(sys.argv[2] + ".ready", "w", encoding="ascii"):
    pass
while True:
    frame = s.recv(65536)
    if frame[12:14] == b"\x08\x00":
        protocol, port = frame[23], frame[36:38]
    else:
        protocol, port = frame[20], frame[56:58]
    counts["esp"] += protocol == 50
    counts["vxlan"] += protocol == 17 and port == b"\x12\xb5"
    counts["marked"] += b"a-marked-word" in frame

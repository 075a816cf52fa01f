# SPDX-License-Identifier: GPL-2.0-or-later
blocks = []
while True:
    blocks.append(bytearray(1 << 20))

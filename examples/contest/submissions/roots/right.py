# SPDX-License-Identifier: GPL-2.0-or-later
for line in open(0):
    print(float(line) ** 0.5)

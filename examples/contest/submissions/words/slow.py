# SPDX-License-Identifier: GPL-2.0-or-later
words = open(0).read().split()
while len(words) > 1:
    words = words[::-1]
print(len(words))

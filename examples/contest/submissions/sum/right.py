# SPDX-License-Identifier: GPL-2.0-or-later
n, *numbers = map(int, open(0).read().split())
print(sum(numbers[:n]))

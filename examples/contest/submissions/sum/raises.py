# SPDX-License-Identifier: GPL-2.0-or-later
print(int(input()) / 0)

# SPDX-License-Identifier: GPL-2.0-or-later
print(len(set(open(0).read().lower().split())))

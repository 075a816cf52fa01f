# SPDX-License-Identifier: GPL-2.0-or-later
import time

time.sleep(1000)

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A place outside the table of steps that tests make fail: 0, or -EIO, or we are killed there. Only
 * in test builds is it ever anything but 0.
 */
int fault_point(const char *name);

/* In test builds, the directory that counts as resctrl, where there is no hardware; else NULL. */
const char *fault_resctrl(void);

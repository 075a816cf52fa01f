/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* network.c: net.FAMILY.conf.INTERFACE.KEY. 0 or -errno. */
int network_sysctl(const char *family, const char *interface, const char *key, char digit);

// SPDX-License-Identifier: GPL-2.0-or-later

// Package os without os/rlimit.go, which changes the limit that a validation program is to look at.
package os

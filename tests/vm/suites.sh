#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the suites of /vm/suites one after the other, and switches the machine off. What it says
# starts with "@@vm".
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=linux HOME=/root HOLM_TEST_VM=1

echo "@@vm up $(uname -r)"
while read -r name command; do
	echo "@@vm begin $name"
	# A session of its own, as under a login, nothing to read, and no terminal.
	{
		setsid -w sh -c "cd /holm && $command" 2>&1
		echo "@@vm end $name $?"
	} </dev/null | cat
done </vm/suites
echo "@@vm done"
sync
exec busybox poweroff -f

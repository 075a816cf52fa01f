#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The same by a shell: hostile.sh WORD. What fails as it should ends with 0.

case $1 in
bomb)
	# shellcheck disable=SC2264 # that is the point
	b() { b | b & }
	b
	sleep 5 # what it left behind is still at it
	;;
spin) while :; do :; done ;;
traps)
	trap '' HUP INT QUIT TERM XCPU ALRM
	while :; do sleep 1; done
	;;
links)
	ln -s /etc/passwd out
	mkdir d
	ln -s "$PWD/d/../../etc" d/e
	;;
outside)
	for f in /etc/x /usr/x /x /proc/1/oom_score_adj /sys/x; do
		if (: >"$f") 2>/dev/null; then exit 66; fi
	done
	;;
kills)
	kill -9 1 -1
	kill -9 $PPID
	exit 0
	;;
writes) yes | cat >out ;;
code) exit "$2" ;;
esac

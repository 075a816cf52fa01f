#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# holm doctor, and what is left to do where user namespaces are refused: --fallback landlock.

load helpers

# refusing COMMAND...: in a user namespace in which no other can be made, as its root or, with
# UNPRIVILEGED, without any capability.
refusing()
{
	local drop=()
	[ -z "${UNPRIVILEGED:-}" ] || drop=(setpriv --inh-caps=-all --bounding-set=-all --)
	as_user_words
	# shellcheck disable=SC2016
	"${AS_USER[@]}" unshare -U -r sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh "${drop[@]}" "$@"
}

need_refusing()
{
	[ "$(refusing sh -c 'unshare -U true 2>/dev/null || echo no')" = no ] ||
		skip "needs a user namespace in which user.max_user_namespaces can be set"
	"$HOLM" doctor | grep -q 'Landlock  *ABI' || skip "needs Landlock"
}

# Landlock keeps signals within since its ABI 6; doctor says so where it does not.
scopes_signals()
{
	"$HOLM" doctor | grep 'Landlock  *ABI' | grep -qv 'not scope signals'
}

# bats test_tags=quick
@test "doctor: a line for everything, and it agrees with what works" {
	run "$HOLM" doctor
	echo "$output"
	for what in kernel namespaces "user namespaces" seccomp Landlock overlayfs cgroups "subordinate ids"; do
		[[ $output == *"$what"* ]]
	done
	run -0 as_user "$HOLM" box -- true
	run as_user "$HOLM" doctor
	[ "$(grep -c '^ok .* user namespaces' <<<"$output")" = 1 ]
	[ "$status" = 0 ]
}

# bats test_tags=quick
@test "doctor --json" {
	run "$HOLM" doctor --json
	[ "$(jq 'length >= 8 and all(.[]; (.kind | IN("good", "warn", "bad")) and has("what") and has("found"))' <<<"$output")" = true ]
	# Who is not well has a way out.
	[ "$(jq 'all(.[]; .kind == "good" or has("fix"))' <<<"$output")" = true ]
	run -125 "$HOLM" doctor --nope
}

@test "doctor: refused user namespaces are BAD, with the fix, and exit code 1" {
	need_refusing
	run -1 refusing "$HOLM" doctor
	echo "$output"
	[[ $output == *"BAD"*"user namespaces"* ]]
	[[ $output == *"user.max_user_namespaces"* && $output == *"sysctl -w user.max_user_namespaces"* ]]
}

@test "where user namespaces are refused a box is refused too, and says what to do" {
	need_refusing
	run --separate-stderr -125 refusing "$HOLM" box -- true
	echo "$stderr"
	[ "${#stderr_lines[@]}" = 1 ]
	[[ $stderr == *"holm doctor"* || $stderr == *"max_user_namespaces"* ]]
}

# ---- the fallback ----

@test "option --fallback landlock: only what the box would show can be read; nothing else" {
	need_refusing
	echo secret >"$T/secret"
	chmod 644 "$T/secret"
	UNPRIVILEGED=1
	run refusing "$HOLM" box --fallback landlock -- \
		sh -c 'ls /usr >/dev/null && echo usr; cat "$0"; cat /etc/hostname; ls /root /home /var /tmp; touch /usr/x /tmp/holm-x; echo end' "$T/secret"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *usr* && $output == *end* ]]
	[[ $output != *$'\nsecret'* && $output != secret* ]]
	[ "$(grep -c 'ermission denied' <<<"$output")" -ge 7 ]
	[ ! -e /tmp/holm-x ]
}

@test "option --fallback landlock: no network, local sockets work" {
	need_refusing
	need_python
	python3 "$HERE/tcp.py" serve outside >"$T/port" 3>&- &
	STARTED+=($!)
	eventually test -s "$T/port"
	UNPRIVILEGED=1
	run refusing "$HOLM" box --fallback landlock --ro-bind "$HERE/tcp.py" -- \
		/usr/bin/python3 "$HERE/tcp.py" get 127.0.0.1 "$(cat "$T/port")"
	echo "$output"
	[ "$status" != 0 ]
	[[ $output != *outside* && $output == *Error* ]]
	run refusing "$HOLM" box --fallback landlock -- /usr/bin/python3 -c '
import socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    try: socket.socket(socket.AF_INET6, kind); print("made")
    except OSError as e: print("refused")
a, b = socket.socketpair(); a.send(b"local"); print(b.recv(9).decode())'
	echo "$output"
	[[ $output == *$'refused\nrefused\nlocal' ]]
}

@test "option --fallback landlock: says once what it does not isolate" {
	need_refusing
	run --separate-stderr refusing "$HOLM" box --fallback landlock -- true
	[ "$status" = 0 ]
	[[ $stderr == *"Not isolated"* || $stderr == *"not isolated"* ]]
	if scopes_signals; then [[ $stderr != *signals* ]]; else [[ $stderr == *"can also send signals"* ]]; fi
}

@test "option --fallback landlock: no_new_privs, filter, limits and clean-up are there" {
	need_refusing
	UNPRIVILEGED=1
	run --separate-stderr refusing "$HOLM" box --fallback landlock --rlimit nofile=33 --work "$(user_dir work)" -- \
		sh -c 'ulimit -n; touch made && ls; pwd; sleep 1234 &'
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = $'33\nmade\n'"$T/work" ]
	run --separate-stderr refusing "$HOLM" box --fallback landlock -- grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/self/status
	[ "$(cut -f 2 <<<"$output" | tr '\n' ' ')" = "0000000000000000 1 2 " ]
	none() { ! pgrep -f 'sleep 123[4]' >/dev/null; }
	eventually none
}

@test "option --fallback landlock: processes of the host cannot be killed or traced" {
	need_refusing
	scopes_signals || skip "needs Landlock's scoped signals, of Linux 6.12"
	as_user_words
	"${AS_USER[@]}" sleep 1000 3>&- &
	victim=$!
	STARTED+=("$victim")
	UNPRIVILEGED=1
	run refusing "$HOLM" box --fallback landlock -- sh -c "kill -9 $victim; head -c 1 /proc/$victim/environ; kill -9 -1; echo end"
	echo "$output"
	not gone "$victim"
}

@test "option --fallback landlock is only for where it is needed: elsewhere the box is a whole one" {
	run -0 "$HOLM" box --fallback landlock -- sh -c 'echo $$; ls -A /tmp'
	[ "$output" = 2 ]
}

@test "option --fallback landlock with what cannot be had without namespaces: refused" {
	need_refusing
	for option in --hostname=x --rootfs=/usr --as-pid1 --user=root --map-auto --tmpfs=/x --host-root; do
		run --separate-stderr -125 refusing "$HOLM" box --fallback landlock "$option" -- true
		echo "$option: $stderr"
		[[ $stderr == *"fallback landlock"* ]]
	done
}

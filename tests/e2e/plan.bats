#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What holm says of itself: plan, timings, explanation, fields.

load helpers

# bats test_tags=quick
@test "plan: the steps in order, nothing done" {
	run -0 "$HOLM" plan box --hostname island --rlimit nofile=64 --bind "$T:/x" -- touch /x/made
	[ ! -e "$T/made" ]
	[[ $output == *"names"*"island"* ]]
	[[ $output == *"rlimit"*"nofile=64"* ]]
	[[ $output == *"bind $T -> /x"* ]]
	[[ $output == *"exec"*"touch /x/made"* ]]
	# Stages come in their order, and each step says what it does.
	stages="host clone link launch join root seal live"
	[ "$(awk '{print $1}' <<<"$output" | uniq | sort | uniq -d)" = "" ]
	last=0
	for stage in $(awk '{print $1}' <<<"$output" | uniq); do
		at=${stages%%"$stage"*}
		[ "${#at}" -ge "$last" ]
		last=${#at}
	done
	[ -z "$(awk 'NF < 4' <<<"$output")" ]
}

# bats test_tags=quick
@test "plan: what is not wanted is not in it" {
	steps() { "$HOLM" plan box "$@" -- true | awk '{print $2}' | tr '\n' ' '; }
	all=" $(steps)"
	less=" $(steps --seccomp none --share net,uts,mnt --allow-new-privs --as-pid1)"
	for step in seccomp beside network names pivot no-new-privs init; do
		echo "$step"
		[[ $all == *" $step "* && $less != *" $step "* ]]
	done
}

# bats test_tags=quick
@test "plan --json" {
	for words in "--json box" "box --json"; do
		# shellcheck disable=SC2086
		"$HOLM" plan $words --hostname 'x' --env 'A="' --file $'/f=\n' -- echo '"' >"$T/plan"
		jq -e 'type == "array" and length > 20 and all(.[]; has("stage") and has("step") and has("words"))' "$T/plan"
		[ "$(jq -r '.[] | select(.step == "exec") | .object' "$T/plan")" = 'echo "' ]
	done
	[ "$(jq length "$T/plan")" = "$("$HOLM" plan box --hostname 'x' --env 'A="' --file $'/f=\n' -- echo '"' | wc -l)" ]
}

# bats test_tags=quick
@test "plan of what is impossible is refused like the box itself" {
	run -125 --separate-stderr "$HOLM" plan box --as-pid1 --share pid -- true
	[[ $stderr == *"as-pid1: needs a pid namespace"* ]]
	[ "$output" = "" ]
	run -125 --separate-stderr "$HOLM" plan --json box --nope -- true
	[ "$output" = "" ]
	run -125 "$HOLM" plan
	run -125 "$HOLM" plan box
}

# bats test_tags=quick
@test "option --timings: a line for each step, in microseconds, and the command runs" {
	run -3 --separate-stderr "$HOLM" box --timings -- sh -c 'echo ran; exit 3'
	[ "$output" = ran ]
	[[ $stderr =~ clone\ +[0-9.]+\ us ]]
	[ "${#stderr_lines[@]}" -ge 10 ]
	run -0 --separate-stderr "$HOLM" box --timings --json -- true
	[ "$(jq -s 'all(.[]; .us > 0) and length >= 10' <<<"$stderr")" = true ]
	# They add up to something like a start: less than a second.
	[ "$(jq -s 'map(.us) | add < 1000000' <<<"$stderr")" = true ]
}

# bats test_tags=quick
@test "option --explain: what was done and what it changed is true" {
	run -0 --separate-stderr "$HOLM" box --explain --hostname island --user root -- \
		sh -c 'readlink /proc/self/ns/uts; sleep 0.3'
	[[ $stderr == *"what was done"* && $stderr == *"what it changed"* ]]
	[[ $stderr == *"its own, ours is $(ns_of self uts)"* ]]
	[[ $stderr == *island* && $stderr == *NSpid* && $stderr == *uid_map* && $stderr == *lo:* ]]
	[[ $stderr == *"/usr"*"ro"*"CapEff:	0000000000000000"* || $stderr == *"CapEff:	0000000000000000"*"/usr"* ]]
	run -4 "$HOLM" box --explain -- sh -c 'exit 4'
}

# bats test_tags=quick
@test "fields: every option of --help, and the other way round" {
	"$HOLM" fields --json | jq -r '.[].name' | sort >"$T/fields"
	"$HOLM" box --help | grep -oE '^ +(-[a-z], )?--[a-z0-9-]+' | grep -oE '[a-z0-9-]+$' | sed 's/^--//' | sort >"$T/help"
	diff "$T/fields" "$T/help"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The example programs: each lesson with the library, as root and as an ordinary user.

load helpers

# example NAME ARG...: $output is what it printed
example()
{
	local program=${HOLM_BUILD:-$HERE/../../build}/examples/$1

	shift
	[ -x "$program" ] || skip "needs the examples to be built"
	run -0 timeout 60 "${PREFIX[@]}" "$program" "$@"
	echo "$output"
}

# both FUNCTION: as root, then as an ordinary user where that can reach the programs
both()
{
	"$1"
	as_user_words
	if as_user test -x "${HOLM_BUILD:-$HERE/../../build}/examples/01_pid"; then
		PREFIX=("${AS_USER[@]}")
		"$1"
	fi
}

one()
{
	example 01_pid
	[[ ${lines[1]} == "inside: I am process 1, my parent is 0" ]]
	[[ ${lines[2]} =~ level\ by\ level:\ [0-9]+.*1$ ]]
	[[ ${lines[4]} == "inside: I am process 2, my parent is 1" ]]
	[[ ${lines[5]} =~ level\ by\ level:\ [0-9]+.*2$ ]]
}

# bats test_tags=quick
@test "01_pid: a pid on every level" {
	both one
}

two()
{
	example 02_net
	[[ ${lines[2]} == "interfaces: lo" && ${lines[3]} == "port: free" && ${lines[6]} == "port: in use" ]]
}

# bats test_tags=quick
@test "02_net: the port is free inside" {
	both two
}

three()
{
	example 03_mnt
	[[ $output == *"made for this box"*"cannot be written"*"no way leads there"*"box-file"*"where it was"*"not here"* ]]
	[[ $output != *secret$'\n'secret* ]]
}

# bats test_tags=quick
@test "03_mnt: a root of its own, and no way back" {
	both three
}

four()
{
	example 04_uts_ipc_time
	[[ $output == *"inside: host island, domain sea"* && $output == *"inside: 0 message queues"* ]]
	[[ $output =~ inside:\ up\ 1[0-9][0-9][0-9]\ days && $output == *"inside: cgroup /"* ]]
	[ "${lines[0]}" = "${lines[-1]}" ]
	[[ ${lines[0]} == "outside: host $(uname -n),"* ]]
}

# bats test_tags=quick
@test "04_uts_ipc_time: names, queues and clocks" {
	both four
}

five()
{
	example 05_user
	[[ $output == *"I am root, user 0"*"capabilities 0000000000000000"*"cannot give it away"*"outside: the file is the caller's" ]]
}

# bats test_tags=quick
@test "05_user: root inside is the caller outside" {
	both five
}

six()
{
	example 06_unshare
	[ "${#lines[@]}" = 3 ]
	[ "$(grep -o 'net:.*' <<<"$output" | sort -u | wc -l)" = 3 ]
	[[ ${lines[0]} == *"child: not isolated yet"*"$(ns_of self net)" ]]
}

# bats test_tags=quick
@test "06_unshare: the channel outlives the isolation" {
	both six
}

seven()
{
	example 07_zombies
	[[ $output == *"compute: ended, code 3"*"compute: started"* && $output == *"log: ended, code 0"* ]]
	[[ $output == *"main: the command ended, code 7"*"the box is gone, code 7, all orphans reaped" ]]
}

# bats test_tags=quick
@test "07_zombies: all are reaped, the services end with the command" {
	both seven
}

eight()
{
	example 08_twice
	[ "$(grep -c 'port 8080 is mine, and I am process 2' <<<"$output")" = 2 ]
	[ "$(grep -c 'ended with code 143' <<<"$output")" = 2 ]
	[[ $output == *"box 1: 2 processes"*"box 2: 2 processes"* ]]
}

# bats test_tags=quick
@test "08_twice: two boxes, one port" {
	need_python
	both eight
}

nine()
{
	example 09_untrusted
	[ "$(grep -c '^refused: ' <<<"$output")" = 9 ]
	[[ $output != *DONE* ]]
	# SIGXCPU
	[[ $output == *"verdict: stopped, code 152" ]]
	example 09_untrusted /bin/sh -c 'exit 3'
	[ "$output" = "verdict: failed, code 3" ]
	example 09_untrusted /bin/true
	[ "$output" = "verdict: fine, code 0" ]
}

@test "09_untrusted: refused, limited, judged" {
	both nine
}

eleven()
{
	example 11_world
	[ "$(grep -c "in it, kept by a process" <<<"$output")" = 8 ]
	[[ $output == *"hostname: isle"*"inside it is process 2; that one is it"* ]]
	[[ $output == *"effective: 0000000000000000 none"* ]]
}

# bats test_tags=quick
@test "11_world: what is the box's own" {
	both eleven
}

enter()
{
	example 11_enter
	[[ $output == *"inside is isle, with "*" processes"* ]]
	if is_root && [ -z "${PREFIX[*]-}" ]; then [[ $output == *"uts is kept by the name example-"*"joined: isle"* ]]; fi
}

# bats test_tags=quick
@test "11_enter: where another process is" {
	both enter
}

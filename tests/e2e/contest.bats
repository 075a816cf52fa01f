#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The contest of examples/contest: fifty submissions, and the verdict on each.
# serial: half a second of processor time must not take five
# no-asan: it tells nothing of holm that judge.bats does not

load helpers

@test "contest: each submission gets its verdict" {
	local contest=${HOLM_SRC:-$HERE/../..}/examples/contest

	need gcc g++
	need_python
	[ "$("$HOLM" judge --report fd:3 -- true 3>&1 >/dev/null | jq -r .cgroup)" != none ] || skip "no cgroups here"
	timeout 120 "$contest/judge.py" --plain --holm "$HOLM" >"$T/table"
	diff "$contest/expected.txt" "$T/table"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034
# What the tests of holm-oci share, on top of helpers.bash:
#
#	$OCI	holm-oci; oci ARG... runs it with a --root of the test's own
#	$B	a bundle with busybox in it; each test has one
#
# After each test every container is deleted, and no cgroup, mount or process is left.

load "$(dirname "${BASH_SOURCE[0]}")/helpers"

OCI=${HOLM_OCI:-$HERE/../../build/holm-oci}

eval "helpers_$(declare -f setup)"
eval "helpers_$(declare -f teardown)"

setup()
{
	helpers_setup
	# What an ordinary user runs has to be where he can reach it.
	if ! as_user test -x "$OCI"; then
		[ -x "$FILE_DIR/holm-oci" ] || cp "$OCI" "$FILE_DIR/holm-oci"
		OCI=$FILE_DIR/holm-oci
	fi
	B=$T/bundle
	G=holm-test-$$-$BATS_TEST_NUMBER
	make_bundle "$B"
}

teardown()
{
	all_of delete_all assert_no_cgroup helpers_teardown
}

delete_all()
{
	local id code=0

	for id in $(oci list --quiet 2>/dev/null); do
		oci delete --force "$id" || code=1
	done
	return $code
}

assert_no_cgroup()
{
	local left

	left=$(find /sys/fs/cgroup -type d -path "*${G:?}*" 2>/dev/null)
	echo "cgroups left behind: $left"
	[ -z "$left" ]
}

oci()
{
	"$OCI" --root "$T/root" "$@"
}

# make_bundle DIR: a root with busybox, a config.json for it in DIR/base.json
make_bundle()
{
	local busybox

	# The links that it makes lead to where it lies itself.
	busybox=$(realpath "$(command -v busybox)")
	mkdir -p "$1/rootfs/bin" "$1/rootfs/tmp" "$1/rootfs${busybox%/*}"
	cp "$busybox" "$1/rootfs$busybox"
	busybox --install -s "$1/rootfs/bin"
	"$OCI" spec --bundle "$1"
	jq --arg g "/$G" '.process.terminal = false | .root.readonly = false | .linux.cgroupsPath = $g
		| .process.args = ["sh"]' "$1/config.json" >"$1/base.json"
}

# config JQ [SCRIPT]: config.json is the base changed by JQ; it runs SCRIPT with sh
config()
{
	jq --arg script "${2-}" "if \$script == \"\" then . else .process.args = [\"sh\", \"-c\", \$script] end | $1" \
		"$B/base.json" >"$B/config.json"
}

# inside JQ SCRIPT: what SCRIPT prints in a container of such a config.json; the code is its own
inside()
{
	config "$1" "$2"
	oci run --bundle "$B" inside
}

# is JQ SCRIPT WANTED: the same, compared
is()
{
	local got

	got=$(inside "$1" "$2") || {
		echo "exit $?: $got"
		return 1
	}
	[ "$got" = "$3" ] || {
		echo "wanted: $3"
		echo "got:    $got"
		return 1
	}
}

# fails JQ SCRIPT TEXT: it cannot be made, and the one line of error holds TEXT
fails()
{
	config "$1" "$2"
	run -1 --separate-stderr oci run --bundle "$B" inside
	echo "it said: $stderr"
	[[ $stderr == "holm-oci: "*"$3"* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	run -1 oci state inside
}

# started ID [JQ [SCRIPT]]: a container that runs (for a minute); PID is its first process
started()
{
	config "${2:-.}" "${3:-sleep 60}"
	oci create --bundle "$B" --pid-file "$T/$1.pid" "$1" >"$T/$1.out" 2>"$T/$1.err" </dev/null || {
		cat "$T/$1.err"
		return 1
	}
	oci start "$1"
	PID=$(cat "$T/$1.pid")
}

# own_network PID: it has left the network namespace of ours
own_network()
{
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# has_processes ID N: at least so many
has_processes()
{
	[ "$(oci ps --format json "$1" | jq length)" -ge "$2" ]
}

status()
{
	oci state "$1" | jq -r .status
}

has_status()
{
	[ "$(status "$1")" = "$2" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What holm-oci prints is what the specification's schema wants, and the other way round.

load helpers

OCI=${HOLM_OCI:-$HERE/../../build/holm-oci}
SCHEMA=/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema

need_schema()
{
	[ -d "$SCHEMA" ] || skip "needs golang-github-opencontainers-specs-dev"
	/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip "needs python3-jsonschema"
}

schema()
{
	/usr/bin/python3 -W ignore "$HERE/oci_schema.py" "$@"
}

# The parser of config.json, without a container.
config_check()
{
	"${HOLM_BUILD:-$HERE/../../build}/tests/unit/config_check" "$@"
}

# made ID PHASE PID [MORE]: the state of a container that nobody made
made()
{
	local start=0

	[ ! -e "/proc/$3/stat" ] || start=$(sed 's/.*) //' "/proc/$3/stat" | cut -d ' ' -f 20)
	mkdir -p "$T/root/$1"
	touch "$T/root/$1/config.json"
	echo "{\"version\":1,\"phase\":\"$2\",\"pid\":$3,\"pidStart\":$start,\"bundle\":\"/b/$1\",
		\"created\":\"2026-01-02T03:04:05.000000006Z\",\"owner\":$(id -u)${4:-}}" >"$T/root/$1/state.json"
}

oci()
{
	"$OCI" --root "$T/root" "$@"
}

# bats test_tags=quick
@test "spec: valid by the schema, and by our own parser" {
	need_schema
	"$OCI" spec
	schema config config.json
	config_check config.json
	[ "$(jq -r '.linux.namespaces[].type' config.json | sort | tr '\n' ' ')" = "cgroup ipc mount network pid uts " ]
	mkdir less
	"$OCI" spec --rootless -b less
	schema config less/config.json
	config_check less/config.json
	[ "$(jq .linux.uidMappings[0].hostID less/config.json)" = "$(id -u)" ]
	[ "$(jq '[.mounts[].options[] | select(startswith("gid="))] | length' less/config.json)" = 0 ]
}

# bats test_tags=quick
@test "spec: does not write over what is there" {
	echo mine >config.json
	run -1 --separate-stderr "$OCI" spec
	[[ $stderr == "holm-oci: spec: ./config.json: File exists" ]]
	[ "$(cat config.json)" = mine ]
	run -1 "$OCI" spec --bundle "$T/nosuch"
}

# bats test_tags=quick
@test "our examples: valid by the schema, and by our own parser" {
	need_schema
	schema config "$HERE/../unit/data/config-docker.json"
	config_check "$HERE"/../unit/data/config-*.json
	# This one has what the schema of 1.0.2 does not know, what engines write although it is not
	# allowed (a whole st_mode, an empty path, rslave), and nonsense where nobody may look.
	run schema config "$HERE/../unit/data/config-full.json"
	[ -z "$(grep -v -e intelRdt -e memoryPolicy -e fileMode -e namespaces/7 -e rootfsPropagation \
		-e windows <<<"$output")" ]
}

# bats test_tags=quick
@test "features: what the document of the specification has" {
	"$OCI" features >features.json
	jq -e '.ociVersionMin == "1.0.0" and (.ociVersionMax | startswith("1."))' features.json
	jq -e '.hooks == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]' features.json
	jq -e '.mountOptions | index("rro") and index("idmap") and index("tmpcopyup") and index("rslave") and (unique | length == length)' features.json
	jq -e '.linux.namespaces == ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]' features.json
	jq -e '.linux.capabilities | length == 41 and all(.[]; test("^CAP_[A-Z_]+$"))' features.json
	jq -e '.linux.cgroup | .v1 and .v2 and (.systemd | type == "boolean")' features.json
	jq -e '.linux.seccomp | .enabled and (.actions | index("SCMP_ACT_NOTIFY")) and (.operators | length == 7)
		and (.archs | index("SCMP_ARCH_X86_64")) and (.supportedFlags - .knownFlags == [])' features.json
	jq -e '.linux.mountExtensions.idmap.enabled and .linux.netDevices.enabled' features.json
	jq -e '.linux.memoryPolicy.modes | index("MPOL_BIND")' features.json
	jq -e '.annotations | all(.[]; type == "string")' features.json
}

# bats test_tags=quick
@test "state: by the schema, with the status of the moment" {
	need_schema
	sleep 1000 &
	STARTED+=("$!")
	made run started "$!" ',"annotations":{"a.b":"c"},"rootfs":"/b/run/rootfs"'
	made new created "$!"
	made dead started 4194304
	for id in run new dead; do
		oci state "$id" >"$id.json"
		schema state "$id.json"
	done
	[ "$(jq -r '.status, .pid, .annotations["a.b"], .bundle, .rootfs' run.json | tr '\n' ' ')" = "running $! c /b/run /b/run/rootfs " ]
	[ "$(jq -r .status new.json)" = created ]
	[ "$(jq -r '.status, .pid' dead.json | tr '\n' ' ')" = "stopped 0 " ]
	kill -KILL "$!"
	eventually gone "$!"
	[ "$(oci state run | jq -r .status)" = stopped ]
}

# bats test_tags=quick
@test "state: paused, by the file that says so" {
	sleep 1000 &
	STARTED+=("$!")
	made one started "$!" ",\"freezer\":\"$T/events\""
	printf 'populated 1\nfrozen 1\n' >events
	[ "$(oci state one | jq -r .status)" = paused ]
	printf 'populated 1\nfrozen 0\n' >events
	[ "$(oci state one | jq -r .status)" = running ]
}

# bats test_tags=quick
@test "state: of one that is not there" {
	for root in "$T/root" "$T/nosuch"; do
		mkdir -p "$T/root"
		run -1 --separate-stderr "$OCI" --root "$root" state no
		[ "$stderr" = 'holm-oci: container "no" does not exist' ]
		[ "$output" = "" ]
	done
	for id in .. . a/b '' "$(printf 'x%.0s' {1..1025})"; do
		run -1 --separate-stderr oci state "$id"
		[[ $stderr == *"cannot be a container's id: "* ]]
	done
}

# bats test_tags=quick
@test "list: as a table, as JSON, as ids" {
	[ "$(oci list --quiet)" = "" ]
	[ "$(oci list --format json)" = "[]" ]
	sleep 1000 &
	STARTED+=("$!")
	made b started "$!"
	made a created 4194304
	mkdir "$T/root/unfinished" "$T/root/broken"
	echo '{' >"$T/root/broken/state.json"
	run -0 --separate-stderr oci list
	[[ ${lines[0]} =~ ^ID\ +PID\ +STATUS\ +BUNDLE\ +CREATED\ +OWNER$ ]]
	[[ ${lines[1]} =~ ^a\ +0\ +stopped\ +/b/a\ +2026-01-02T03:04:05.000000006Z\ +[^\ ]+$ ]]
	[[ ${lines[2]} =~ ^b\ +$!\ +running ]]
	[[ ${lines[3]} =~ ^unfinished\ +0\ +stopped ]]
	[[ $stderr == *"broken/state.json:2:1: "* ]]
	[ "$(oci list -q | tr '\n' ' ')" = "a b broken unfinished " ]
	[ "$(oci list -f json 2>/dev/null | jq -r '.[] | .id + ":" + .status' | tr '\n' ' ')" = "a:stopped b:running unfinished:stopped " ]
	! is_root || [ "$(oci list -f json 2>/dev/null | jq -r '.[0].owner')" = root ]
	run -1 oci list --format xml
}

# bats test_tags=quick
@test "list: very many, which several threads look at" {
	local i

	sleep 1000 &
	STARTED+=("$!")
	made c000 started "$!"
	for i in $(seq -w 1 299); do
		cp -r "$T/root/c000" "$T/root/c$i"
	done
	echo '{' >"$T/root/c123/state.json"
	run -0 --separate-stderr oci list
	[ "${#lines[@]}" = 300 ] # a line of heads, and one that cannot be read
	[ "$(printf '%s\n' "${lines[@]:1}" | cut -c 1-4)" = "$(printf 'c%s\n' $(seq -w 0 299) | sed 's/^c\(..\)$/c0\1/' | grep -v c123)" ]
	[ "$(printf '%s\n' "$output" | grep -c ' running ')" = 299 ]
	[ "$(printf '%s\n' "$stderr" | grep -c broken)" = 0 ]
	[[ $stderr == *"c123/state.json:2:1: "* ]]
	[ "$(oci list -f json 2>/dev/null | jq -r '.[].id' | sort -c && oci list -f json 2>/dev/null | jq length)" = 299 ]
	[ "$(taskset -c "$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')" "$OCI" --root "$T/root" list 2>/dev/null)" = "$output" ]
}

# bats test_tags=quick
@test "errors: one line, and in the log as the engine wants it" {
	run -1 --separate-stderr oci --log log.json --log-format json state no
	[ "${#stderr_lines[@]}" = 1 ]
	[ "$(jq -r '.level, .msg' log.json | tr '\n' '|')" = 'error|container "no" does not exist|' ]
	jq -e '.time | test("^[0-9-]+T[0-9:.]+Z$")' log.json
	run -1 oci --log log.text state no
	grep -qE '^time="[^"]+Z" level=error msg="container \\"no\\" does not exist"$' log.text
	run -1 oci --log log.text state no # it is added to
	[ "$(wc -l <log.text)" = 2 ]
	run -1 --separate-stderr oci --log "$T/no/such" state no
	[[ $stderr == "holm-oci: --log $T/no/such: No such file or directory" ]]
}

# bats test_tags=quick
@test "the command line: as engines write it" {
	run -0 "$OCI" --version
	[[ ${lines[0]} =~ ^holm-oci\ version\ [0-9.]+$ ]]
	[[ ${lines[1]} =~ ^commit:\ [^\ ]+$ ]]
	[ "${lines[2]}" = "spec: 1.3.0" ]
	run -0 "$OCI" -v
	[ "$(oci --debug --systemd-cgroup --rootless=auto --cgroup-manager=systemd --criu /x list -q)" = "" ]
	[ "$("$OCI" -root "$T/root" -log=x list -q)" = "" ]
	[ "$("$OCI" --root="$T/root" --debug=false list --format=json --quiet=true)" = "" ]
	[ "$(oci list -qf json)" = "" ]
	refused_by() { run -1 --separate-stderr oci "${@:2}"; echo "$stderr"; [[ $stderr == "holm-oci: $1"* ]]; }
	refused_by 'there is no option --nosuch' --nosuch list
	refused_by 'list: there is no option -x' list -x
	refused_by 'list: --format needs a value' list --format
	refused_by 'there is no command "nosuch"' nosuch
	refused_by 'which command?'
	refused_by 'state: wants ID' state
	refused_by 'state: wants ID' state a b
	refused_by '--rootless: "maybe"' --rootless maybe list
	refused_by '--cgroup-manager: "x"' --cgroup-manager x list
	refused_by '--log-format: "xml"' --log-format xml list
	refused_by '--log-level: "x"' --log-level x list
}

# bats test_tags=quick
@test "--help: for all, and for each command" {
	run -0 "$OCI" --help
	all=$output
	n=0
	while read -r command; do
		n=$((n + 1))
		run -0 "$OCI" "$command" --help
		[[ ${lines[0]} == "Usage: holm-oci $command "* ]]
		run -0 "$OCI" "$command" -h
	done < <(sed -n '/^  [a-z]/s/^  \([a-z]*\) .*/\1/p' <<<"$all")
	[ "$n" -ge 4 ]
	for option in root log log-format log-level debug systemd-cgroup cgroup-manager rootless version; do
		[[ $all == *"--$option"* ]]
	done
}

# bats test_tags=quick
@test "an ordinary user's containers are kept below XDG_RUNTIME_DIR" {
	need_root
	user_dir run >/dev/null
	cp "$OCI" "$T/oci"
	[ "$(as_user env XDG_RUNTIME_DIR="$T/run" "$T/oci" list -q)" = "" ]
	run -1 --separate-stderr as_user env -u XDG_RUNTIME_DIR "$T/oci" list
	[[ $stderr == *"XDG_RUNTIME_DIR is not set"* ]]
	# What keeps no state needs no place for it.
	as_user env -u XDG_RUNTIME_DIR "$T/oci" features >told
	jq -e .ociVersionMax told
	as_user env -u XDG_RUNTIME_DIR "$T/oci" spec --bundle "$T/run"
	[ -s "$T/run/config.json" ]
}

# bats test_tags=quick
@test "a working directory that was removed is no bundle" {
	from_nowhere() {
		mkdir gone
		cd gone
		rmdir ../gone
		oci run one
	}
	run -1 --separate-stderr from_nowhere
	[[ $stderr == "holm-oci: bundle .: No such file or directory" ]]
}

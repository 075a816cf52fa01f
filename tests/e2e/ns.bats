#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# holm ns, the words that look: a known world is built, and everything that is said of it is
# compared with what is true.

load helpers

eval "helpers_$(declare -f teardown)"

teardown()
{
	exec 9>&-
	umount "$T/file" 2>/dev/null || :
	for i in host 1 2 3; do
		[ ! -e "/run/netns/hn$$-$i" ] || ip netns del "hn$$-$i"
	done
	[ -z "${NETNS_IS_OURS:-}" ] || umount /run/netns
	helpers_teardown
}

# make_world [WRAPPER...]: $T/world has the truth; it stays until descriptor 9 is closed, which
# nobody else may have then.
make_world()
{
	need_python
	: >"$T/file"
	mkdir -p "$T/dir"
	mkfifo "$T/hold"
	"$@" /usr/bin/python3 "$HERE/ns_world.py" "$T/file" "$T/dir" <"$T/hold" >"$T/world" 2>"$T/world.err" &
	WORLD=$!
	STARTED+=("$WORLD")
	exec 9>"$T/hold"
	eventually test -s "$T/world" || { cat "$T/world.err"; return 1; }
}

end_world()
{
	exec 9>&-
	wait "$WORLD"
}

# truth FILTER: of the world
truth()
{
	jq -r "$1" "$T/world"
}

# listed FILTER: of what `holm ns ls --json` says
listed()
{
	jq -r "$1" "$T/list"
}

# row INODE FILTER: of the namespace of that inode
row()
{
	jq -r --argjson inode "$1" ".namespaces[] | select(.inode == \$inode) | $2" "$T/list"
}

@test "five nested user and pid namespaces: inodes, parents, owners, processes" {
	make_world
	"$HOLM" ns ls --json >"$T/list" 2>"$T/err"
	above_user=$(stat -Lc %i /proc/self/ns/user)
	above_pid=$(stat -Lc %i /proc/self/ns/pid)
	for i in 0 1 2 3 4; do
		user=$(truth ".nested[$i].user") pid_ns=$(truth ".nested[$i].pid_ns") pid=$(truth ".nested[$i].pid")
		[ "$(row "$user" '[.type, .parent, .owner] | map(tostring) | join(" ")')" = "user $above_user $above_user" ]
		[ "$(row "$pid_ns" '[.type, .parent, .owner, .processes, .pid, .held] | map(tostring) | join(" ")')" = \
			"pid $above_pid $user 1 $pid process" ]
		above_user=$user above_pid=$pid_ns
	done
	# Who made one has gone into it; but in the innermost there is a child, too.
	[ "$(row "$(truth .nested[1].user)" .processes)" = 1 ]
	[ "$(row "$(truth .nested[4].user)" .processes)" = 2 ]
	end_world
}

@test "pids at each level, both directions" {
	make_world
	deep=$(truth .nested[4].pid)
	"$HOLM" ns pid "$deep" --json >"$T/pids"
	[ "$(jq length "$T/pids")" = 6 ]
	[ "$(jq -r '.[0] | "\(.inode) \(.pid)"' "$T/pids")" = "$(stat -Lc %i /proc/self/ns/pid) $deep" ]
	for i in 0 1 2 3 4; do
		[ "$(jq -r ".[$((i + 1))].inode" "$T/pids")" = "$(truth ".nested[$i].pid_ns")" ]
	done
	[ "$(jq -r '.[].pid' "$T/pids" | xargs)" = "$(awk '/^NSpid:/ {$1 = ""; print}' "/proc/$deep/status" | xargs)" ]
	# From inside: 1 of the innermost, and 2 of the one around it (its init is 1).
	inner=$(truth .nested[4].pid_ns)
	[ "$("$HOLM" ns pid 1 --in "$inner" --json | jq '.[0].pid')" = "$deep" ]
	[ "$("$HOLM" ns pid 1 --in "pid:[$inner]" --json | jq '.[0].pid')" = "$deep" ]
	[ "$("$HOLM" ns pid 1 --in "/proc/$deep/ns/pid" --json | jq '.[0].pid')" = "$deep" ]
	outer=$(truth .nested[3].pid)
	number=$(awk '/^NSpid:/ {print $(NF - 1)}' "/proc/$deep/status")
	[ "$("$HOLM" ns pid "$number" --in "$outer" --json | jq '.[0].pid')" = "$deep" ]
	run -125 "$HOLM" ns pid 77 --in "$inner"
	[[ $output == *"process 77: there is none in pid:[$inner]"* ]]
	end_world
}

@test "what only a descriptor, a mount, a child or children to come keep" {
	need_root
	make_world
	"$HOLM" ns ls --json >"$T/list" 2>"$T/err"
	fd=$(truth .fd.inode)
	[ "$(row "$fd" '"\(.type) \(.processes) \(.held) \(.pid)"')" = "uts 0 descriptor null" ]
	[ "$(row "$fd" '.holders[] | select(.kind == "descriptor") | "\(.pid) \(.fd)"' | grep -cx "$(truth '"\(.fd.pid) \(.fd.fd)"')")" = 1 ]
	mounted=$(truth .mount.inode)
	[ "$(row "$mounted" '"\(.type) \(.processes) \(.held)"')" = "uts 0 mount" ]
	[ "$(row "$mounted" '.holders[] | select(.mnt == '"$(stat -Lc %i /proc/self/ns/mnt)"') | .path')" = "$T/file" ]
	upper=$(truth .child.inode)
	[ "$(row "$upper" '"\(.type) \(.processes) \(.held) \(.children)"')" = "user 0 child 1" ]
	[ "$(row "$(truth .child.child)" '"\(.parent) \(.processes)"')" = "$upper 1" ]
	time=$(truth .for_children.inode)
	[ "$(row "$time" '"\(.type) \(.processes) \(.held)"')" = "time 0 process" ]
	run -0 --separate-stderr "$HOLM" ns ls uts time user
	[[ $output == *"$fd "*"descriptor $(truth .fd.fd) of $(truth .fd.pid)"* ]]
	[[ $output == *"$mounted "*"mount $T/file"* ]]
	[[ $output == *"$upper "*"child user:[$(truth .child.child)]"* ]]
	[[ $output == *"$time "*"process $(truth .for_children.pid), for its children"* ]]
	end_world
}

@test "a thread that has gone alone" {
	need_root
	make_world
	inode=$(truth .thread.inode) pid=$(truth .thread.pid)
	"$HOLM" ns ls net --json >"$T/list" 2>"$T/err"
	[ "$(row "$inode" '"\(.type) \(.processes) \(.threads) \(.held) \(.pid)"')" = "net 0 1 thread $pid" ]
	run -0 --separate-stderr "$HOLM" ns ls net
	[[ $output == *"$inode "*"thread of $pid"* ]]
	run -0 "$HOLM" ns show "$inode"
	[[ $output == *"(a thread alone)"* ]]
	# Its process is counted where it is, once.
	[ "$(stat -Lc %i "/proc/$pid/ns/net")" = "$(stat -Lc %i /proc/self/ns/net)" ]
	end_world
}

@test "shared and slave mounts: which namespaces they reach" {
	need_root
	make_world
	shared=$(truth .mounts.shared[1]) peer=$(truth .mounts.peer[1]) slave=$(truth .mounts.slave[1])
	words()
	{
		"$HOLM" ns show "$(truth ".mounts.$1[0]")" --json |
			jq -r --arg dir "$T/dir" '.facts[] | select(.section == "mounts" and .name == $dir) | .words'
	}
	[[ $(words shared) == "shared (group "*") with mnt:[$peer]; sends to mnt:[$slave]" ]]
	[[ $(words peer) == "shared (group "*") with mnt:[$shared]; sends to mnt:[$slave]" ]]
	[[ $(words slave) == "slave (group "*"): receives from mnt:["* ]]
	[[ $(words slave) == *"mnt:[$shared]"* ]]
	[[ $(words slave) == *"mnt:[$peer]"* ]]
	end_world
}

# Three namespaces on a bridge, which is in a fourth; all in a host of their own.
net_world()
{
	mountpoint -q /run/netns || NETNS_IS_OURS=1 # the first ip-netns mounts it
	ip netns add "hn$$-host"
	for i in 1 2 3; do ip netns add "hn$$-$i"; done
	ip -n "hn$$-host" link add br0 type bridge
	ip -n "hn$$-host" addr add 10.9.0.1/24 dev br0
	ip -n "hn$$-host" link set br0 up
	for i in 1 2 3; do
		ip -n "hn$$-host" link add "port$i" type veth peer name eth0 netns "hn$$-$i"
		ip -n "hn$$-host" link set "port$i" master br0 up
		ip -n "hn$$-$i" addr add "10.9.0.1$i/24" dev eth0
		ip -n "hn$$-$i" link set eth0 up
		ip -n "hn$$-$i" route add default via 10.9.0.1
	done
}

@test "pairs between three namespaces and a bridge: each end by name; addresses, routes, ports" {
	need_root
	need ip
	net_world
	ip netns exec "hn$$-2" /usr/bin/python3 -c 'import socket, time
s = socket.create_server(("10.9.0.12", 8080)); print("up", flush=True); time.sleep(60)' >"$T/up" &
	STARTED+=($!)
	eventually grep -q up "$T/up"
	host=$(stat -Lc %i "/run/netns/hn$$-host")
	for i in 1 2 3; do
		"$HOLM" ns show "hn$$-$i" --json >"$T/show"
		fact() { jq -r --arg s "$1" --arg n "$2" '.facts[] | select(.section == $s and .name == $n) | "\(.value) | \(.words)"' "$T/show"; }
		[[ $(fact interfaces eth0) == "veth, up, mtu 1500, "*", 10.9.0.1$i/24"*" | its other end is port$i in net:[$host]" ]]
		[[ $(fact routes default) == "via 10.9.0.1 on eth0"* ]]
		[[ $(fact routes 10.9.0.0/24) == "on eth0 as 10.9.0.1$i"* ]]
		[ "$(jq -r .namespace.name "$T/show")" = "hn$$-$i" ]
	done
	"$HOLM" ns show "hn$$-2" --json >"$T/show"
	[[ $(fact ports 10.9.0.12:8080) == "tcp | socket of user 0" ]]
	"$HOLM" ns show "hn$$-host" --json >"$T/show"
	for i in 1 2 3; do
		[[ $(fact interfaces "port$i") == *"port of br0; its other end is eth0 in net:[$(stat -Lc %i "/run/netns/hn$$-$i")]" ]]
	done
	# What ip-netns knows we know.
	"$HOLM" ns ls net --json >"$T/list" 2>"$T/err"
	for name in $(ip netns list | cut -d ' ' -f 1); do
		[ "$(listed ".namespaces[] | select(.name == \"$name\" and .given_by == \"netns\") | .inode")" = \
			"$(stat -Lc %i "/run/netns/$name")" ]
	done
}

lsns_rows()
{
	lsns --json -o NS,TYPE,NPROCS,PID -t mnt -t net -t ipc -t user -t pid -t uts -t cgroup >"$T/$1"
	jq -r '.namespaces[] | select(.pid != null) | "\(.ns) \(.type) \(.pid)"' "$T/$1" | sort >"$T/$1.rows"
}

# With the same process before and after: inodes are soon used again.
lsns_has_no_more()
{
	lsns_rows before
	"$HOLM" ns ls --json >"$T/list" 2>"$T/err"
	lsns_rows after
	comm -12 "$T/before.rows" "$T/after.rows" | cut -d ' ' -f 1-2 | sort >"$T/both"
	listed '.namespaces[] | "\(.inode) \(.type)"' | sort >"$T/ours"
	comm -23 "$T/both" "$T/ours" >"$T/missing"
	cat "$T/missing"
	[ -s "$T/both" ] && [ ! -s "$T/missing" ]
}

# Each row that both have says the same; a process may come and go between the two looks, so that
# what was so before and after is compared.
@test "lsns agrees" {
	need_root
	need lsns
	make_world
	eventually lsns_has_no_more
	# Of the world's own, which nobody else enters, also how many and who.
	for inode in $(truth '.nested[].pid_ns, .mounts.peer[1], .mounts.slave[1]'); do
		[ "$(row "$inode" '"\(.processes) \(.pid)"')" = \
			"$(jq -r ".namespaces[] | select(.ns == $inode) | \"\\(.nprocs) \\(.pid)\"" "$T/after")" ]
	done
	end_world
}

@test "tree: nested, with maps in words and pids inside" {
	make_world
	"$HOLM" ns tree --json >"$T/tree"
	path=.user
	for i in 0 1 2 3 4; do
		inode=$(truth ".nested[$i].user")
		jq -e --argjson inode "$inode" "[.. | objects | select(.inode? == \$inode)][0].maps[0].words == \"0 here is $(if [ $i = 0 ]; then user_id; else echo 0; fi) outside\"" "$T/tree" ||
			jq -e --argjson inode "$inode" "[.. | objects | select(.inode? == \$inode)][0].maps[0].words == \"0 here is 0 outside\"" "$T/tree"
	done
	# Each below the one before: one path leads through all five.
	jq -e --argjson a "$(truth .nested[0].pid_ns)" --argjson e "$(truth .nested[4].pid_ns)" \
		'[.pid | .. | objects | select(.inode? == $a)][0].below[0].below[0].below[0].below[0].inode == $e' "$T/tree"
	run -0 --separate-stderr "$HOLM" ns tree --type pid
	[[ $output == *"1 = $(truth .nested[0].pid) here"* ]]
	[[ $output == *"└─ pid:[$(truth .nested[4].pid_ns)]"* ]]
	run -0 --separate-stderr "$HOLM" ns tree --type user --all
	[[ $output == *"uids: 0 here is "*" outside"* ]]
	end_world
}

@test "diff: what two processes share, and what not" {
	make_world
	one=$(truth .nested[0].pid) two=$(truth .nested[4].pid)
	"$HOLM" ns diff "$one" "$two" --json >"$T/diff"
	[ "$(jq -r '[.namespaces[] | select(.same) | .type] | sort | join(" ")' "$T/diff")" = "cgroup ipc mnt net time uts" ]
	for type in user pid; do
		[ "$(jq -r ".namespaces[] | select(.type == \"$type\") | \"\\(.a) \\(.b)\"" "$T/diff")" = \
			"$(stat -Lc %i "/proc/$one/ns/$type") $(stat -Lc %i "/proc/$two/ns/$type")" ]
	done
	run -0 "$HOLM" ns diff "$one" "$two"
	[[ $output == *"shared"*"the same interfaces and ports"*"different"*"pids of the one are not those of the other"* ]]
	run -0 "$HOLM" ns diff "$one" "$one"
	[[ $output != *different* ]]
	end_world
}

@test "a box: by its name, and by the pid of what runs in it" {
	"$HOLM" box --hostname isle --cap net_raw -- sleep 60 &
	STARTED+=($!)
	find_box()
	{
		init=$(pgrep -P "${STARTED[0]}" -x holm-init) && pid=$(pgrep -P "$init" -x sleep)
	}
	eventually find_box
	"$HOLM" ns show "$pid" --json >"$T/show"
	[ "$(jq -r '[.namespaces[] | select(.same | not)] | length' "$T/show")" = 8 ]
	fact() { jq -r --arg s "$1" --arg n "$2" '.facts[] | select(.section == $s and .name == $n) | "\(.value) | \(.words)"' "$T/show"; }
	[[ $(fact names hostname) == "isle | " ]]
	[[ $(fact security no_new_privs) == "1 | exec gains no rights" ]]
	[[ $(fact security seccomp) == "filter | "* ]]
	[[ $(fact capabilities effective) == *" | net_raw" ]]
	[ "$(fact interfaces lo)" = "up, mtu 65536, 127.0.0.1/8, ::1/128 | " ]
	if is_root; then
		[ "$("$HOLM" ns show "box-$init" --json | jq -r '.namespaces[2].inode')" = "$(stat -Lc %i "/proc/$pid/ns/pid")" ]
	fi
	run -0 "$HOLM" ns show "$pid"
	[[ $output == *"another"* ]]
}

@test "map: a page that needs nothing else, a drawing, a graph, data" {
	need_python
	make_world
	(exec -a '</script><script>alert(1)</script><!--' sleep 60) 9>&- &
	STARTED+=($!)
	eventually grep -q alert "/proc/${STARTED[1]}/cmdline"
	"$HOLM" ns map --html "$T/map.html" --svg "$T/map.svg" --dot "$T/map.dot" --json "$T/map.json" 2>/dev/null
	jq -e --argjson pid "${STARTED[1]}" '.processes[] | select(.pid == $pid) | .command | startswith("</script>")' "$T/map.json"
	jq -e '(.namespaces | length > 8) and (.links | length > 0) and all(.processes[]; .ns | has("user"))' "$T/map.json"
	/usr/bin/python3 - "$T/map.html" "$T/map.svg" <<'END'
import json, re, sys
from xml.dom import minidom
page = open(sys.argv[1], encoding="utf-8").read()
assert page.count("</script>") == 2 and page.count("<script") == 2, "a name has broken out"
data = json.loads(re.search(r'id="data"[^>]*>(.*?)</script>', page, re.S).group(1))
assert any(p["command"].startswith("</script>") for p in data["processes"])
assert "default-src 'none'" in page and "@NONCE@" not in page and "@DATA@" not in page
assert not re.search(r'(src|href)=|url\(|@import', page), "it needs something else"
minidom.parse(sys.argv[2])
END
	[[ $(cat "$T/map.dot") == "digraph namespaces {"*"}" ]]
	! command -v dot || dot -Tsvg "$T/map.dot" >/dev/null
	run -0 --separate-stderr "$HOLM" ns map --json -
	jq -e . <<<"$output" >/dev/null
	run -125 "$HOLM" ns map
	run -125 "$HOLM" ns map --html "$T/none/map.html"
	[[ $output == *"No such file or directory"* ]]
	end_world
}

# NODE_PATH says where playwright-core is.
@test "map: in a browser, with what is in it now" {
	need node chromium
	need_root
	[ -d "${NODE_PATH:-/none}/playwright-core" ] || skip "needs playwright-core in NODE_PATH"
	make_world
	"$HOLM" ns map --html "$T/map.html" 2>/dev/null
	timeout 120 node "$HERE/../browser/map.mjs" "$T/map.html"
	end_world
}

# With a /proc of its own, so that what else is on the machine makes no difference.
many_networks()
{
	local i pids=()

	ip link add br0 type bridge
	ip link set br0 up
	for ((i = 1; i <= 300; i++)); do
		unshare --net sh -c 'for i in 1 2 3 4 5 6; do sleep 1000 & done; exec sleep 1000' >/dev/null 2>&1 &
		pids+=("$!")
	done
	until [ "$(pgrep -c sleep)" = 2100 ]; do sleep 0.1; done
	for ((i = 0; i < 300; i++)); do
		echo "link add v$i type veth peer name eth0 netns ${pids[i]}"
		echo "link set v$i master br0 up"
	done | ip -batch -
	nsenter "--net=/proc/${pids[76]}/ns/net" ip addr add 10.1.0.77/16 dev eth0
	"$HOLM" ns map --html "$1" 2>/dev/null
}

@test "map: in a browser, with 300 networks on a bridge and 2,000 processes" {
	need node chromium ip
	need_root
	[ -d "${NODE_PATH:-/none}/playwright-core" ] || skip "needs playwright-core in NODE_PATH"
	timeout 100 unshare --pid --fork --kill-child --mount-proc --net \
		bash -eo pipefail -c "$(declare -f many_networks); many_networks $T/map.html" 3>&-
	timeout 120 node "$HERE/../browser/many.mjs" "$T/map.html"
}

@test "the JSON is what the manual says" {
	"$HOLM" ns ls --json 2>/dev/null >"$T/list"
	jq -e '.processes > 0 and (.unseen | type) == "number" and (.ended | type) == "number"
		and (.descriptors_unseen | type) == "number"' "$T/list"
	jq -e '.namespaces | length > 0 and all(
		(.inode | type) == "number" and (.type | type) == "string" and (.processes | type) == "number"
		and (.threads | type) == "number" and (.pid | type | . == "number" or . == "null")
		and (.command | type) == "string" and (.owner | type | . == "number" or . == "null")
		and (.parent | type | . == "number" or . == "null") and (.holders | type) == "array"
		and (.held | IN("process", "thread", "descriptor", "mount", "child"))
		and (.name | type) == "string" and (.given_by | type) == "string")' "$T/list"
	# A page for each member.
	for member in $(jq -r '[.namespaces[] | keys[]] | unique[]' "$T/list"); do
		grep -qE "^\*?$member\*?|\*$member\*" "$HERE/../../docs/man/holm-ns.1.scd" || { echo "$member"; false; }
	done
}

@test "ls: types, columns, one process, owners" {
	run -0 --separate-stderr "$HOLM" ns ls net uts
	[[ ! $output =~ (^|$'\n')(user|mnt|pid|ipc) ]]
	[[ $output == *$'\n'net* ]]
	run -0 --separate-stderr "$HOLM" ns ls --pid $$
	[ "${#lines[@]}" = 9 ]
	run -0 --separate-stderr "$HOLM" ns ls --columns inode,type --pid $$ user
	[ "$(xargs <<<"${lines[1]}")" = "$(stat -Lc %i /proc/$$/ns/user) user" ]
	run -0 --separate-stderr "$HOLM" ns ls --owner net
	[[ $output == *"owned by user:["* ]]
	run -125 "$HOLM" ns ls --columns colour
	[[ $output == *'there is no column "colour"'* ]]
}

@test "a name of a process does no harm" {
	(exec -a '</script><b>' sleep 30) &
	STARTED+=($!)
	(exec -a $'\e[31m\xff\x9b"\\\n' sleep 30) &
	STARTED+=($!)
	unshare -Ur sleep 30 &
	STARTED+=($!)
	"$HOLM" ns tree --all --json 2>/dev/null | jq -e . >/dev/null
	run -0 --separate-stderr "$HOLM" ns tree --all
	[[ $output != *$'\e'* ]]
}

@test "an ordinary user: own processes are seen, and how many are not is said" {
	make_world as_user
	as_user "$HOLM" ns ls --json >"$T/list" 2>"$T/err"
	[ "$(listed .unseen)" -gt 0 ] || ! is_root
	grep -q "of .* processes are not for you to see" "$T/err" || ! is_root
	[ "$(row "$(truth .nested[4].pid_ns)" .processes)" = 1 ]
	[ "$(row "$(truth .nested[4].user)" .parent)" = "$(truth .nested[3].user)" ]
	as_user "$HOLM" ns show "$(truth .nested[2].pid)" --json >"$T/show"
	# The own network can be looked at without any right; that of an own box by who has made it.
	jq -e '.facts[] | select(.section == "interfaces" and .name == "lo" and (.value | contains("mtu")))' "$T/show"
	as_user_words
	"${AS_USER[@]}" unshare -Urn sleep 60 9>&- &
	STARTED+=($!)
	away() { [ "$(stat -Lc %i "/proc/${STARTED[-1]}/ns/net")" != "$(stat -Lc %i /proc/self/ns/net)" ]; }
	eventually away
	as_user "$HOLM" ns show "${STARTED[-1]}" --json |
		jq -e '.facts[] | select(.section == "interfaces" and .name == "lo" and .value == "down, mtu 65536")'
	if is_root; then
		run -125 as_user "$HOLM" ns diff $$ "$(truth .nested[2].pid)"
		[[ $output == *"process $$: its namespaces are not for you to see"* ]]
	fi
	end_world
}

# Named by the cgroup of its oldest process; there is no such container here, so that the name is the
# beginning of its id.
@test "a container is known by its cgroup" {
	need_root
	id=$(printf 'c0ffee%058x' $$)
	for top in /sys/fs/cgroup/unified /sys/fs/cgroup; do [ ! -e "$top/cgroup.procs" ] || break; done
	[ -e "$top/cgroup.procs" ] || skip "needs a cgroup2 tree"
	mkdir "$top/libpod-$id.scope"
	sh -c 'echo $$ >"$1/cgroup.procs" && exec unshare --uts sleep 60' sh "$top/libpod-$id.scope" &
	STARTED+=($!)
	named() { "$HOLM" ns ls uts --json 2>/dev/null | jq -e '.namespaces[] | select(.name == "'"${id:0:12}"'" and .given_by == "podman")' >/dev/null; }
	eventually named
	run -0 "$HOLM" ns show "${id:0:12}" --json
	[ "$(jq -r '.facts[] | select(.name == "pid") | .value' <<<"$output")" = "${STARTED[0]}" ]
	kill "${STARTED[0]}"
	eventually rmdir "$top/libpod-$id.scope"
}

@test "errors say what there is instead" {
	run -125 "$HOLM" ns show 999999999
	[[ $output == *"there is no process and no namespace 999999999 (holm ns ls lists what there is)"* ]]
	run -125 "$HOLM" ns show /etc/passwd
	[[ $output == *"/etc/passwd: is no namespace; such files are /proc/PID/ns/net and /run/netns/NAME"* ]]
	run -125 "$HOLM" ns show "$T/none"
	[[ $output == *"No such file or directory"* ]]
	run -125 "$HOLM" ns show nobody-has-this-name
	[[ $output == *'nothing is called "nobody-has-this-name"'* ]]
	run -125 "$HOLM" ns pid x
	run -125 "$HOLM" ns ls colour
	run -125 "$HOLM" ns ls --nope
	run -125 "$HOLM" ns tree --type net
	run -125 "$HOLM" ns diff 1
	run -125 "$HOLM" ns nothing
	run -125 "$HOLM" ns
	run -0 "$HOLM" ns --help
}

# A child that ends at once, again and again, by several at a time.
@test "processes that end while they are read are no error, and give no wrong row" {
	storm='import os, time
until = time.monotonic() + float(os.environ["STORM"])
while time.monotonic() < until:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)'
	export STORM=${NS_STORM:-5}
	for _ in 1 2 3; do /usr/bin/python3 -c "$storm" & STARTED+=($!); done
	make_world
	end=$((SECONDS + STORM))
	while [ "$SECONDS" -lt "$end" ]; do
		"$HOLM" ns ls --json >"$T/list" 2>"$T/err"
		for i in 0 1 2 3 4; do
			[ "$(row "$(truth ".nested[$i].pid_ns")" '"\(.type) \(.processes) \(.pid)"')" = "pid 1 $(truth ".nested[$i].pid")" ]
		done
		# Nobody is in a namespace that only their children were in.
		[ "$(listed '[.namespaces[] | select(.inode < 1 or .type == null)] | length')" = 0 ]
		"$HOLM" ns tree >/dev/null 2>&1
	done
	end_world
}

@test "a namespace ends with its last process, unless something else keeps it" {
	need_root
	unshare --uts sleep 60 &
	STARTED+=($!)
	moved() { inode=$(stat -Lc %i "/proc/${STARTED[0]}/ns/uts") && [ "$inode" != "$(stat -Lc %i /proc/self/ns/uts)" ]; }
	eventually moved
	known() { "$HOLM" ns ls uts --json 2>/dev/null | jq -e --argjson i "$inode" ".namespaces[] | select(.inode == \$i) | $1" >/dev/null; }
	known '.held == "process"'
	sleep 61 8<"/proc/${STARTED[0]}/ns/uts" &
	STARTED+=($!)
	eventually known '.fds == null and (.holders | length) > 0'
	kill "${STARTED[0]}"
	eventually known '.held == "descriptor"'
	: >"$T/file"
	mount --bind "/proc/${STARTED[1]}/fd/8" "$T/file"
	kill "${STARTED[1]}"
	eventually known '.held == "mount"'
	umount "$T/file"
	gone() { ! known true; }
	eventually gone
}

# bats test_tags=quick
@test "two processes in one namespace have the same link, in two another" {
	unshare -Ur sleep 30 &
	STARTED+=($!)
	other() { [ "$(stat -Lc %i "/proc/${STARTED[0]}/ns/user" 2>/dev/null)" != "$(stat -Lc %i /proc/self/ns/user)" ]; }
	eventually other
	run -0 "$HOLM" ns diff $$ "${STARTED[0]}" --json
	jq -e '[.namespaces[] | select(.same)] | length == 7' <<<"$output"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Profiles: the same fields as JSON, read and printed.

load helpers

# bats test_tags=quick
@test "a profile says what options say, the command too" {
	cat >"$T/p.json" <<-END
		{
		  "hostname": "from-profile",
		  "user": "root",
		  "env": ["A=1", "B=two words"],
		  "rlimit": ["nofile=99"],
		  "umask": "077",
		  "nice": 3,
		  "as-pid1": true,
		  "file": ["/etc/text=line \"one\"\\nline two \\u00e9"],
		  "command": ["sh", "-c", "uname -n; id -u; echo \$A \$B; ulimit -n; umask; nice; echo \$\$; cat /etc/text"]
		}
	END
	run -0 "$HOLM" box --profile "$T/p.json"
	[ "$output" = $'from-profile\n0\n1 two words\n99\n0077\n3\n1\nline "one"\nline two é' ]
}

# bats test_tags=quick
@test "options before and after it: the last word counts, lists grow" {
	echo '{"hostname": "profile", "env": ["A=1"]}' >"$T/p.json"
	run -0 "$HOLM" box --profile "$T/p.json" --hostname option --env B=2 -- sh -c 'uname -n; echo $A$B'
	[ "$output" = $'option\n12' ]
	run -0 "$HOLM" box --hostname option --profile "$T/p.json" -- uname -n
	[ "$output" = profile ]
	echo '{"env": ["B=2"]}' >"$T/q.json"
	run -0 "$HOLM" box --profile "$T/p.json" --profile="$T/q.json" -- sh -c 'echo $A$B'
	[ "$output" = 12 ]
	echo '{"command": ["echo", "profile"]}' >"$T/c.json"
	run -0 "$HOLM" box --profile "$T/c.json" -- echo option
	[ "$output" = option ]
}

# bats test_tags=quick
@test "from standard input" {
	run -0 sh -c 'echo "{\"command\": [\"echo\", \"from stdin\"]}" | "$0" box --profile -' "$HOLM"
	[ "$output" = "from stdin" ]
}

# Every field once, with a value that is its own.
everything=(--cwd /usr --env A=b --env 'C="quoted" \ and é' --keep-env --keep-fd 5 --umask 027 --nice 4
	--rlimit nofile=64:128 --rlimit core=unlimited --service 'a:on-failure=exit 0' --pty no
	--hostname h --domainname d --time-offset monotonic=+3d --time-offset boottime=-1h30m --user 7:8
	--map-users 7:0:1 --map-groups 8:0:1 --scratch-size 64m --bind /usr:/b:slave --ro-bind /usr:/r
	--dev-bind /dev/null:/n --tmpfs /t:size=1m:mode=700 --overlay /usr/share:/o --proc /p:full --dev /d
	--mqueue /q --dir /x:700 --file $'/f=text\nwith "lines"' --symlink /a:/l --mask /usr/share/doc
	--remount-ro /tmp --propagation slave --cap net_raw,chown --seccomp none --landlock rx:/usr
	--allow-new-privs --outlive-parent --status-fd 6)

# bats test_tags=quick
@test "option --print-profile: valid JSON, and nothing is done" {
	run -0 "$HOLM" box --print-profile "${everything[@]}" --bind "/no/such/thing:/y" -- sh -c 'exit 9'
	jq -e '.hostname == "h" and .env[1] == "C=\"quoted\" \\ and é" and ."keep-env" == true and
		.command == ["sh", "-c", "exit 9"] and (.rlimit | length) == 2 and
		.file == ["/f=text\nwith \"lines\""]' <<<"$output"
}

# bats test_tags=quick
@test "printed and read again it says the same" {
	exec 5</dev/null 6>/dev/null # a plan is refused as the box is
	"$HOLM" box --print-profile "${everything[@]}" -- echo 'a "b"' >"$T/one.json"
	"$HOLM" box --profile "$T/one.json" --print-profile >"$T/two.json"
	diff <(jq -S . "$T/one.json") <(jq -S . "$T/two.json")
	"$HOLM" plan box "${everything[@]}" -- echo 'a "b"' >"$T/one.plan"
	"$HOLM" plan box --profile "$T/one.json" >"$T/two.plan"
	diff "$T/one.plan" "$T/two.plan"
}

@test "the order of mounts survives: what is mounted into a mount comes after it" {
	echo content >"$T/f"
	run -0 "$HOLM" box --tmpfs /s --ro-bind "$T/f:/s/f" -- cat /s/f
	[ "$output" = content ]
	"$HOLM" box --tmpfs /s --ro-bind "$T/f:/s/f" --print-profile -- cat /s/f >"$T/p.json"
	run -0 "$HOLM" box --profile "$T/p.json"
	[ "$output" = content ]
}

# bats test_tags=quick
@test "every field of the table can be said in a profile" {
	"$HOLM" fields --json | jq -r '.[] | select(.group != "holm") | .name' >"$T/fields"
	[ "$(wc -l <"$T/fields")" -ge 45 ]
	while read -r name; do
		printf '{"%s": [[]]}' "$name" >"$T/p.json"
		run -125 "$HOLM" box --profile "$T/p.json" -- true
		[[ $output != *"no field"* ]]
		[[ $output == *"$T/p.json:1:2: $name:"* ]]
	done <"$T/fields"
}

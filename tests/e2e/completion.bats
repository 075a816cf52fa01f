#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion scripts: loaded by their shells, and asked.

load helpers

# complete WORD...: what bash would offer for the last word
complete_words()
{
	"$HOLM" completion bash >"$T/holm.bash"
	# shellcheck disable=SC2016
	bash --norc -c 'set -eu; . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
		fn=$(complete -p holm | grep -oE -- "-F [^ ]+" | cut -d " " -f 2); "$fn"; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$T/holm.bash" "$@"
}

# bats test_tags=quick
@test "bash: every act, every option" {
	run -0 complete_words holm ""
	for act in box judge plan doctor fields completion help; do [[ $'\n'$output$'\n' == *$'\n'$act$'\n'* ]]; done
	complete_words holm box -- | sort >"$T/offered"
	{
		"$HOLM" fields --json | jq -r '"--" + .[].name'
		"$HOLM" judge --help | sed '1,/^judge:/d;/^$/,$d' | grep -oE -- '--[a-z-]+'
	} | sort >"$T/fields"
	diff "$T/fields" "$T/offered"
}

# bats test_tags=quick
@test "bash: the beginning of a word, files and directories where they belong" {
	run -0 complete_words holm box --hostn
	[ "$output" = --hostname ]
	mkdir "$T/adir"
	touch "$T/afile"
	run -0 complete_words holm box --rootfs "$T/a"
	[ "$output" = "$T/adir" ]
	run -0 complete_words holm box --profile "$T/a"
	[[ $output == *"$T/afile"* ]]
}

# bats test_tags=quick
@test "the words of ns, and the options of each" {
	run -0 complete_words holm ns ""
	for word in ls tree show pid diff; do [[ $'\n'$output$'\n' == *$'\n'$word$'\n'* ]]; done
	run -0 complete_words holm ns tree --
	[ "$(xargs <<<"$output")" = "--type --all --json" ]
	run -0 complete_words holm net ""
	for word in create ls allow wire gc; do [[ $'\n'$output$'\n' == *$'\n'$word$'\n'* ]]; done
	run -0 complete_words holm net check --
	[ "$(xargs <<<"$output")" = "--repair" ]
	for shell in zsh fish; do
		"$HOLM" completion "$shell" >"$T/script"
		grep -qE -- "(--|-l )columns( |\$)" "$T/script"
	done
}

# bats test_tags=quick
@test "zsh and fish: every option is in the script" {
	for shell in zsh fish; do
		"$HOLM" completion "$shell" >"$T/script"
		for name in $("$HOLM" fields --json | jq -r '.[].name'); do
			grep -qE -- "(--|-l )$name(\[|=| |\$)" "$T/script" || { echo "$shell: $name"; false; }
		done
	done
}

@test "zsh and fish take their scripts" {
	tried=
	for shell in zsh fish; do
		command -v "$shell" >/dev/null || continue
		"$HOLM" completion "$shell" >"$T/script"
		"$shell" -n "$T/script"
		tried=1
	done
	[ -n "$tried" ] || skip "needs zsh or fish"
}

# bats test_tags=quick
@test "another shell is refused" {
	run -125 "$HOLM" completion tcsh
	run -125 "$HOLM" completion
}

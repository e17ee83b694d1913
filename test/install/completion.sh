#!/bin/bash
# Completion in bash: verbs, options, choices and files, as the programs' --help has them.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/help.sh
. "$test_lib/help.sh"

# What is offered for the last of the words $2 and following, the first being the verb.
offered() {
    local program=$1
    COMP_WORDS=("${program##*/}" "${@:2}") COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    "_${program##*/}"
    printf '%s\n' "${COMPREPLY[@]}" | sort
}

source_completions() {
    local program
    for program in "$prebake" "$prebake_node"; do
        "$program" --bash-completion >"$scratch/completion"
        # shellcheck source=/dev/null
        . "$scratch/completion"
    done
}

test_verbs() {
    local program
    source_completions
    for program in "$prebake" "$prebake_node"; do
        assert_equal "all of $program" \
            "$({ printf '%s\n' --help --version && verbs_of "$program"; } | sort)" \
            "$(offered "$program" '')"
    done
    assert_equal "by the first letters" teardown "$(offered "$prebake_node" tear)"
}

test_options_of_every_verb() {
    local program verb count=0
    source_completions
    for program in "$prebake" "$prebake_node"; do
        while read -r verb; do
            assert_equal "$program $verb" "$(options_of "$program" "$verb" | grep '^--' | sort)" \
                "$(offered "$program" "$verb" --)"
            count=$((count + 1))
        done < <(verbs_of "$program")
    done
    ((count >= 8)) || fail "only $count verbs are found in the help"
    assert_equal "none of another verb" "" "$(offered "$prebake_node" status --purge)"
}

test_choices() {
    local program verb option choices count=0
    source_completions
    for program in "$prebake" "$prebake_node"; do
        for verb in $(verbs_of "$program"); do
            while read -r option choices; do
                assert_equal "$verb $option" "$(tr '|' '\n' <<<"$choices" | sort)" \
                    "$(offered "$program" "$verb" "$option" '')"
                assert_equal "$verb $option=" "$(tr '|' '\n' <<<"$choices" | sort)" \
                    "$(offered "$program" "$verb" "$option" =)"
                count=$((count + 1))
            done < <(choices_of "$program" "$verb")
        done
    done
    ((count >= 3)) || fail "only $count options with choices are found in the help"
    assert_equal "by the first letters" zstd "$(offered "$prebake" bake --compress = zs)"
}

# A real shell on a terminal, in which the programs print their arguments: what comes of the typed
# keys $1.
typed() {
    cat >"$scratch/rc" <<'RC'
PS1=
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
prebake() { printf '<%s>' "$@" && echo; }
prebake-node() { prebake "$@"; }
RC
    "$prebake" --bash-completion >>"$scratch/rc"
    "$prebake_node" --bash-completion >>"$scratch/rc"
    printf '%b\nexit\n' "$1" | (cd "$scratch/folder" &&
        timeout 20 script -qec "bash --noprofile --rcfile $scratch/rc -i" /dev/null) |
        tr -d '\r' | sed -n 's/^<\(.*\)>$/\1/p'
}

test_on_a_terminal() {
    mkdir -p "$scratch/folder/images/one"
    touch "$scratch/folder/images.txt" "$scratch/folder/a module.ko"
    assert_equal "a choice" "bake><--compress=zstd><--driver-kind><grid" \
        "$(typed 'prebake ba\t --compress=zs\t --driver-ki\t gr\t')"
    assert_equal "files, with a space in the name" "verify><a module.ko" \
        "$(typed 'prebake veri\t a\t')"
    assert_equal "directories alone" "teardown><--root><images/one/" \
        "$(typed 'prebake-node tear\t --ro\t imag\to\t')"
    assert_equal "directories alone, after =" "status><--root=images/" \
        "$(typed 'prebake-node st\t --ro\t\b=imag\t')"
    assert_equal "a number is not guessed" "bake><--jobs><im" "$(typed 'prebake ba\t --jo\t im\t')"
}

run_tests "$@"

#!/bin/bash
# The manual pages say what the programs do: no option, exit status, telemetry key or file is missing.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/help.sh
. "$test_lib/help.sh"
# shellcheck source=test/lib/source-copy.sh
. "$test_lib/source-copy.sh"

# Sets $text to page $1 as a reader sees it, its words by single spaces.
read_page() {
    MANPATH=$pages expect 0 man -w "${1##*.}" "${1%.*}"
    LC_ALL=C.UTF-8 MANWIDTH=200 expect 0 man --warnings --no-hyphenation --nh --nj -l "$out"
    assert_equal "what man complains of" "" "$err"
    text=$(tr -s ' \n' ' ' <<<"$out")
}

test_every_verb_and_option() {
    local program verb option found=0
    for program in "$prebake" "$prebake_node"; do
        read_page "${program##*/}.8"
        for verb in $(verbs_of "$program"); do
            assert_contains "the verb" " ${program##*/} $verb [OPTION...]" "$text"
            for option in $(options_of "$program" "$verb"); do
                assert_contains "$verb $option" " $option " "$text"
                found=$((found + 1))
            done
        done
    done
    ((found > 40)) || fail "only $found options are found in the help"
}

test_version_has_one_source() {
    local version page
    version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
    [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "the Makefile's version: $version"
    assert_equal "prebake" "prebake $version" "$("$prebake" --version)"
    assert_equal "prebake-node" "prebake-node $version" "$("$prebake_node" --version)"
    for page in prebake.8 prebake-node.8 prebake-files.5; do
        read_page "$page"
        assert_contains "$page" "prebake $version " "$text"
    done
    assert_equal "where it stands" Makefile:1 \
        "$(cd "$top" && grep -rc --include=Makefile --include='*.mk' --include='*.scd' \
            --include=control -F "$version" Makefile scripts doc | grep -v ':0$')"
}

test_every_exit_status() {
    local status help number=0
    read_page prebake-files.5
    help=$("$prebake" --help | tr -s ' \n' ' ')
    while read -r status; do
        assert_contains "the page" " $status " "$text"
        assert_contains "--help" " $status " "$help"
        number=$((number + 1))
    done < <(sed -n 's/^    ERROR_[A-Z_]* = \([0-9]*\),.*/\1/p' "$top/base/error.h")
    ((number >= 15)) || fail "only $number exit statuses are found in base/error.h"
}

# "event key" for every key that the sources give to an event.
telemetry_keys() {
    sed -n -e 's/.*telemetry_begin(.*"\([a-z_]*\)");.*/event \1/p' \
        -e 's/.*telemetry_add[a-z_]*(&*event, "\([a-z_]*\)".*/\1/p' "$@" |
        awk '$1 == "event" { event = $2; next } { print event, $1 }'
}

test_every_telemetry_event_and_key() {
    local event key paragraph found=0
    read_page prebake-files.5
    while read -r event key; do
        paragraph=${text#* event="$event" }
        [[ $paragraph != "$text" ]] || fail "event=$event is not on the page"
        assert_contains "event=$event" " $key" " ${paragraph%% event=*}"
        found=$((found + 1))
    done < <(telemetry_keys "$top"/{builder,kmod/lifecycle}/*.c)
    ((found > 30)) || fail "only $found keys are found in the sources"
}

test_every_file() {
    local file found=0
    read_page prebake-files.5
    while read -r file; do
        [[ $text == *" /var/lib/prebake$file "* ]] || fail "$file is not on the page"
        found=$((found + 1))
    done < <(sed -n 's,^#define STATE_FOLDER_[A-Z]* STATE_FOLDER "\(/.*\)"$,\1,p' \
        "$top/kmod/lifecycle/state_folder.h")
    ((found > 5)) || fail "only $found files are found in the source"
}

pages=$scratch/dest/usr/share/man
make_in "$top" BUILD="$(realpath --relative-to="$top" "$build")" install DESTDIR="$scratch/dest"
run_tests "$@"

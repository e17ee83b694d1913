#!/bin/bash
# make install and make uninstall: everything is there, and afterwards nothing is; what was there
# before stays.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/source-copy.sh
. "$test_lib/source-copy.sh"

make_here() { make_in "$top" BUILD="$(realpath --relative-to="$top" "$build")" "$@"; }

# The files below $1, without the directories.
files_below() { (cd "$1" && find . ! -type d | sort); }

# Names, types and modes.
listing() { (cd "$1" && find . -printf '%p %y %m\n' | sort); }

expected_files() {
    local file
    {
        printf './usr/sbin/%s\n' prebake prebake-node
        printf './usr/share/bash-completion/completions/%s\n' prebake prebake-node
        printf './usr/share/man/%s\n' man8/prebake.8 man8/prebake-node.8 man5/prebake-files.5
        printf './usr/share/doc/prebake/%s\n' LICENSE README.md
        echo ./usr/share/prebake/installed
        for file in "$scripts"/aks/*.sh; do
            [[ ! -f $file ]] || echo "./usr/share/prebake/aks/${file##*/}"
        done
    } | sort
}

test_everything_is_installed() {
    local dest=$scratch/dest program
    (umask 077 && make_here install DESTDIR="$dest")
    assert_equal "the files" "$(expected_files)" "$(files_below "$dest")"
    assert_equal "modes of directories" 755 \
        "$(find "$dest" -mindepth 1 -type d -printf '%m\n' | sort -u)"
    assert_equal "modes of files" 644 \
        "$(find "$dest" -type f ! -path '*/sbin/*' -printf '%m\n' | sort -u)"
    for program in prebake prebake-node; do
        assert_equal "$program's mode" 755 "$(stat -c %a "$dest/usr/sbin/$program")"
        expect 0 "$dest/usr/sbin/$program" --version
        cmp "$dest/usr/sbin/$program" "$build/$program"
    done
}

test_uninstall_leaves_nothing() {
    local dest=$scratch/dest
    make_here install DESTDIR="$dest"
    make_here install DESTDIR="$dest"
    expect 0 make_here uninstall DESTDIR="$dest"
    assert_equal "what is left" "" "$(find "$dest" -mindepth 1)"
    expect 0 make_here uninstall DESTDIR="$dest"
    assert_contains "nothing to do is said" "nothing" "$out"
}

# Directories and files of others, an empty directory among them.
test_uninstall_leaves_what_others_have() {
    local dest=$scratch/dest
    mkdir -p "$dest/usr/share/man/man8" "$dest/usr/sbin"
    chmod 0700 "$dest/usr/share/man/man8"
    touch "$dest/usr/sbin/tool"
    listing "$dest" >"$scratch/before"
    make_here install DESTDIR="$dest"
    touch "$dest/usr/share/prebake/theirs"
    make_here uninstall DESTDIR="$dest"
    assert_exists "$dest/usr/share/prebake/theirs"
    rm -r "$dest/usr/share/prebake"
    assert_equal "what is left" "$(<"$scratch/before")" "$(listing "$dest")"
}

# An older version installed a file that this one does not have.
test_a_file_of_an_older_version() {
    local dest=$scratch/dest
    touch "$scratch/old.8"
    DESTDIR=$dest PREFIX=/usr "$scripts/install-files" install 0644 share/man/man8 "$scratch/old.8"
    make_here install DESTDIR="$dest"
    make_here uninstall DESTDIR="$dest"
    assert_equal "what is left" "" "$(find "$dest" -mindepth 1)"
}

test_another_prefix() {
    local dest=$scratch/dest
    make_here install DESTDIR="$dest" PREFIX=/opt/prebake
    assert_equal "the files" "$(expected_files | sed 's,^./usr,./opt/prebake,')" \
        "$(files_below "$dest")"
    make_here uninstall DESTDIR="$dest" PREFIX=/opt/prebake
    assert_equal "what is left" "" "$(find "$dest" -mindepth 1)"
}

test_a_prefix_that_is_none() {
    local prefix
    for prefix in usr / /usr/ /usr/.. //usr; do
        run make_here install DESTDIR="$scratch/dest" PREFIX="$prefix"
        ((status != 0)) || fail "PREFIX=$prefix is taken"
        assert_contains "PREFIX=$prefix" "PREFIX is an absolute path" "$err"
        assert_absent "$scratch/dest"
    done
}

# The program that erases a bake is not taken away from it.
test_uninstall_from_a_system_with_a_bake() {
    local dest=$scratch/dest
    mkdir -p "$dest/var/lib/prebake"
    touch "$dest/var/lib/prebake/marker"
    make_here install DESTDIR="$dest"
    make_here install DESTDIR="$dest" PREFIX=/usr/local
    listing "$dest" >"$scratch/before"
    run make_here uninstall DESTDIR="$dest"
    ((status != 0)) || fail "it is uninstalled"
    assert_contains "what to do" "prebake-node teardown" "$err"
    assert_equal "nothing went" "$(<"$scratch/before")" "$(listing "$dest")"
    expect 0 make_here uninstall DESTDIR="$dest" PREFIX=/usr/local
    assert_exists "$dest/usr/sbin/prebake-node"
}

# All that is made is below build.
test_a_build_leaves_nothing_in_the_sources() {
    local tree=$scratch/tree
    source_copy "$tree"
    touch "$tree/base/error.c"
    source_files "$tree" >"$scratch/before"
    make_in "$tree" all deb
    make_in "$tree" install DESTDIR="$scratch/dest"
    assert_exists "$tree/build/prebake"
    assert_equal "the files" "$(<"$scratch/before")" "$(source_files "$tree")"
}

run_tests "$@"

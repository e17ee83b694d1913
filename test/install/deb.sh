#!/bin/bash
# make deb: the packages are what Debian expects, the same sources give the same bytes, and a bake is
# never left without the program that erases it.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/source-copy.sh
. "$test_lib/source-copy.sh"

program=usr/sbin/prebake-node
state=var/lib/prebake

# The packages of a copy of the sources as $1/*.deb.
make_packages() {
    local tree=$1
    source_copy "$tree"
    [[ -z ${2:-} ]] || touch "$tree/$2"
    make_in "$tree" deb SOURCE_DATE_EPOCH=1700000000 >&2
    mv "$tree/build/deb"/*.deb "$tree"
}

test_lintian() {
    expect 0 lintian --allow-root --fail-on error,warning "${packages[@]}"
    assert_equal "what lintian says" "" "$out"
}

# Elsewhere, compiled and linked anew, by somebody with another umask.
test_the_same_bytes() {
    local package other=$scratch/another/place
    (umask 077 && make_packages "$other" kmod/lifecycle/main.c)
    for package in "${packages[@]}"; do
        cmp "$package" "$other/${package##*/}"
    done
}

test_what_they_need() {
    local depends
    depends=$(dpkg-deb -f "${packages[0]}" Depends)
    assert_contains "the other package" "prebake-node (= $(dpkg-deb -f "${packages[0]}" Version))" \
        "$depends"
    assert_contains "a library" "libelf1 (>= " "$depends"
    depends=$(dpkg-deb -f "${packages[1]}" Depends)
    assert_equal "the libraries of prebake-node" "libc6 libkmod2 libssl3 kmod" \
        "$(sed 's/ ([^)]*)//g; s/,//g' <<<"$depends")"
    expect 0 dpkg --dry-run --install "${packages[@]}"
}

# Dependencies on what the small system does not have are passed over.
dpkg_in() { run_in "$root" dpkg --force-depends "$@"; }

# Puts the packages into the root, and the libraries that prebake needs and that a node does not have.
install_packages() {
    local library
    root=$(overlay_root node)
    cp "${packages[@]}" "$root/tmp"
    while read -r library; do
        [[ -e $root$library ]] || cp -L "$library" "$root$library"
    done < <(ldd "$prebake" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p')
    expect 0 dpkg_in --install "${packages[@]/#*\///tmp/}"
}

# What the packages, once removed, may leave: nothing but dpkg's own notes and what was copied there.
without_notes() {
    snapshot_with_program "$root" | grep -Ev '^/(dev|var/lib/dpkg|var/log|tmp|usr/lib/x86_64-linux-gnu)[/ ]'
}

test_install_and_purge() {
    local page
    root=$(overlay_root node untouched)
    without_notes >"$scratch/before"
    install_packages
    expect 0 run_in "$root" prebake --version
    expect 0 run_in "$root" prebake-node status
    assert_equal "no bake" "" "$out"
    for page in man8/prebake.8.gz man8/prebake-node.8.gz man5/prebake-files.5.gz; do
        expect 0 gzip -t "$root/usr/share/man/$page"
    done
    expect 0 dpkg_in --verify prebake prebake-node
    assert_equal "what dpkg finds changed" "" "$out"
    expect 0 dpkg_in --purge prebake prebake-node
    without_notes >"$scratch/after"
    assert_same_tree "purged" "$scratch/before" "$scratch/after"
}

# The packages' programs, as they are on a building system.
packaged_bake() {
    dpkg-deb -x "${packages[0]}" "$scratch/programs"
    dpkg-deb -x "${packages[1]}" "$scratch/programs"
    prebake=$scratch/programs/usr/sbin/prebake bake_small "$root" 1.0
}

# A bake leaves the package's program as it is; the package can't be removed, but replaced, until the
# bake is torn down.
test_removing_from_a_system_with_a_bake() {
    local inode
    install_packages
    inode=$(stat -c %i "$root/$program")
    expect 0 packaged_bake
    assert_equal "the package's program" "$inode" "$(stat -c %i "$root/$program")"
    run dpkg_in --remove prebake-node
    ((status != 0)) || fail "the package is removed: $out"
    assert_contains "what to do" "prebake-node teardown --purge" "$err"
    expect 0 run_in "$root" prebake-node status
    assert_contains "the bake is there" "$small_name" "$out"
    expect 0 dpkg_in --install "/tmp/${packages[1]##*/}"
    expect 0 run_in "$root" prebake-node teardown --purge
    assert_contains "the package's program stays" "belongs to a package" "$err"
    expect 0 dpkg_in --verify prebake-node
    expect 0 dpkg_in --remove prebake-node
    assert_absent "$root/$program"
}

# The package is removed, its notes are not; then a bake brings a program of its own.
test_purging_beside_a_later_bake() {
    install_packages
    expect 0 dpkg_in --remove prebake-node
    expect 0 bake_small "$root" 1.0
    expect 0 dpkg_in --purge prebake-node
    expect 0 run_in "$root" prebake-node teardown --purge
    assert_contains "it was whole" "status=cleaned" "$out"
    assert_absent "$root/$program"
    assert_absent "$root/$state"
}

test_another_version_is_not_put_in_place_of_a_packages() {
    install_packages
    expect_refusal_unchanged "$root" 4 "belongs to a package" bake_small "$root" 1.0
}

make_packages "$scratch_base/packages"
packages=("$scratch_base/packages"/{prebake,prebake-node}_*.deb)
run_tests "$@"

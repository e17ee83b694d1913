#!/bin/bash
# teardown --purge: after a complete teardown, or where there was no bake, all of prebake's state goes
# and last of all prebake-node itself, when a bake put it there.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

program=usr/sbin/prebake-node
state=var/lib/prebake

purge() { "$prebake_node" teardown --purge --root "$root" "$@"; }

# Every path of the root is as before the bake, with prebake-node not there.
nothing_is_left() {
    bake_is_gone
    assert_absent "$root/$program"
    assert_absent "$root/$state"
}

test_after_a_bake() {
    baked_root
    expect 0 purge
    assert_contains "telemetry" "status=cleaned" "$out"
    nothing_is_left
}

# As it runs on a node: the program removes itself.
test_inside_the_root() {
    baked_root
    expect 0 chroot "$root" "/$program" teardown --purge
    nothing_is_left
}

# What somebody put into the state folder stays after a teardown and goes with a purge.
test_all_state() {
    baked_root
    mkdir "$root/$state/notes"
    touch "$root/$state/notes/one" "$root/$state/other"
    expect 0 teardown "$root"
    assert_exists "$root/$state/notes/one"
    assert_exists "$root/$program"
    expect 0 purge
    assert_equal "no bake, nothing to tell" "" "$out$err"
    nothing_is_left
}

test_without_a_bake() {
    unbaked_root
    expect 0 purge
    nothing_is_left
    install -m 0755 "$prebake_node" "$root/$program"
    expect 0 purge
    nothing_is_left
    rm -r "$root/var/lib"
    install -m 0755 "$prebake_node" "$root/$program"
    expect 0 purge
    assert_absent "$root/$program"
    assert_absent "$root/var/lib"
}

# A file that can't be removed: the program stays for the next run.
test_incomplete() {
    baked_root
    chattr +i "$root/usr/src/$small_name-1.0"
    expect 3 purge
    assert_exists "$root/$program"
    assert_exists "$root/$state/marker"
    chattr -i "$root/usr/src/$small_name-1.0"
    expect 0 purge
    nothing_is_left
}

test_refused_and_locked() {
    baked_root
    chmod 0666 "$root/$state/marker"
    expect_refusal_unchanged "$root" 4 marker purge
    chmod 0600 "$root/$state/marker"
    expect_refusal_unchanged "$root" 8 locked flock "$root/$state" "$prebake_node" teardown --purge \
        --lock-wait 0 --root "$root"
    rm "$root/$state/marker" "$root/$state/state"
    expect_refusal_unchanged "$root" 8 locked flock "$root/$state" "$prebake_node" teardown --purge \
        --lock-wait 0 --root "$root"
}

test_a_packages_program_stays() {
    baked_root
    mkdir -p "$root/var/lib/dpkg/info"
    echo "/$program" >"$root/var/lib/dpkg/info/prebake-node.list"
    expect 0 purge
    assert_contains "why it stays" "belongs to a package" "$err"
    assert_exists "$root/$program"
    assert_absent "$root/$state"
    rm -r "$root/var/lib/dpkg"
    bake_is_gone
}

test_somebody_elses_program_stays() {
    baked_root
    printf '#!/bin/sh\n' >"$root/$program"
    expect 0 purge
    assert_contains "why it stays" "another program" "$err"
    assert_equal "their script" '#!/bin/sh' "$(<"$root/$program")"
    bake_is_gone
}

# A bake killed in the middle has no marker, and no other program takes it back on a node.
test_a_killed_bake_is_taken_back() {
    unbaked_root
    run "$build/test/lib/inject" "$scratch/hit" 150 crash -- "$prebake" bake --root "$root" \
        --source "$scratch_base/small-1.0" --kernel "$KERNEL" --cache "$cache_of_image"
    assert_exists "$root/$state/journal"
    assert_absent "$root/$state/marker"
    expect 0 purge
    nothing_is_left
}

# Killed at any call, a second run ends it. Once the program is gone nothing but an empty folder can
# be left.
test_killed_anywhere() {
    local point points
    baked_root
    "$build/test/lib/inject" "$scratch/calls" list -- "$prebake_node" teardown --purge --root \
        "$root" >/dev/null
    points=$(wc -l <"$scratch/calls")
    for ((point = points; point > points - 10; point--)); do
        baked_root
        run "$build/test/lib/inject" "$scratch/hit" "$point" crash -- "$prebake_node" teardown \
            --purge --root "$root"
        ((status != 0)) || fail "call $point was not hit"
        assert_equal "no bake without its program" "" "$(bake_without_program)"
        expect 0 purge
        nothing_is_left
    done
}

bake_without_program() {
    [[ -e $root/$program ]] || find "$root/$state" -mindepth 1
}

baked_image_make
# shellcheck disable=SC2154  # baked_image_make sets it
cache_of_image=$images/cache
run_tests "$@"

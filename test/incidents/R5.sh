#!/bin/bash
# R5 (dkms takes no lock): of two installs of one module at once, nearly every one fails or leaves a
# tree that dkms itself does not call installed. Here a lock with a bounded wait: both end with 0,
# or one with 8.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

rounds=20
package=twice/1.0

bake() {
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$images/cache"
}

# Runs two commands at once. $first and $second are their exit statuses; what they say goes to
# $scratch/first and $scratch/second.
at_once() {
    local one
    "$1" >"$scratch/first" 2>&1 &
    one=$!
    second=0 first=0
    "$2" >"$scratch/second" 2>&1 || second=$?
    wait "$one" || first=$?
}

said() { tail -n 3 "$scratch/first" "$scratch/second"; }

# --- the peer

dkms_install() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root \
        dkms install "$package" -k "$KERNEL"
}

# One that fails, or both content and dkms does not have it installed.
dkms_round_fails() {
    rm -rf "$root/var/lib/dkms/twice"
    rm -f "$root/lib/modules/$KERNEL/updates/dkms/twice.ko"
    dkms_in "$root" add "$package"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    at_once dkms_install dkms_install
    ((first == 0 && second == 0)) || return 0
    [[ $(dkms_in "$root" status "$package") != "$package, $KERNEL, x86_64: installed" ]]
}

test_r5_dkms() {
    local round failures=0
    root=$(overlay_root dkms)
    prebuilt_source "$root" twice 1.0 twice
    for ((round = 0; round < rounds; round++)); do
        ! dkms_round_fails || failures=$((failures + 1))
    done
    printf 'dkms: %d of %d rounds fail\n' "$failures" "$rounds"
    ((failures >= rounds / 2)) || fail "dkms: only $failures of $rounds rounds fail: $(said)"
}

# --- ours

# What every round must leave: a bake that a teardown takes away without a rest.
round_leaves_a_bake() {
    expect 0 "$prebake_node" status --root "$root"
    assert_contains "the bake is whole" "19 placed, 19 as placed, 0 gone, 0 foreign" "$out"
    assert_contains "DKMS has it" "registered" "$out"
    expect 0 "$prebake_node" teardown --root "$root"
    bake_is_gone
}

test_r5_two_bakes() {
    local round both=0
    unbaked_root
    for ((round = 0; round < rounds; round++)); do
        at_once bake bake
        [[ $first$second =~ ^(00|08|80)$ ]] || fail "round $round: $first and $second: $(said)"
        [[ $first$second != 00 ]] || both=$((both + 1))
        round_leaves_a_bake
        rm -f "$root/usr/sbin/prebake-node"
    done
    printf 'two bakes at once: both well in %d of %d rounds\n' "$both" "$rounds"
    ((both >= rounds / 2)) || fail "only $both rounds ended well for both"
}

# A bake and a teardown, either of which may come first: all of the bake or nothing of it.
bake_and_teardown() {
    local round whole=0
    for ((round = 0; round < rounds; round++)); do
        at_once "$@"
        [[ $first$second =~ ^(00|08|80)$ ]] || fail "round $round: $first and $second: $(said)"
        if [[ -e $root/var/lib/prebake/marker ]]; then
            whole=$((whole + 1))
            round_leaves_a_bake
        fi
        bake_is_gone
        # Every other round begins with a bake.
        ((round % 2)) || bake >/dev/null 2>&1
    done
    printf '%s and %s at once: %d of %d rounds left a bake, whole\n' "$@" "$whole" "$rounds"
}

tear_down() { "$prebake_node" teardown --root "$root"; }

test_r5_bake_and_teardown() {
    unbaked_root
    bake_and_teardown bake tear_down
    expect 0 tear_down
    bake_and_teardown tear_down bake
}

test_r5_two_teardowns() {
    local round
    for ((round = 0; round < rounds; round++)); do
        baked_root
        at_once tear_down tear_down
        [[ $first$second =~ ^(00|08|80)$ ]] || fail "round $round: $first and $second: $(said)"
        bake_is_gone
        assert_equal "one of them did it" 1 "$(grep -h event=teardown "$scratch"/{first,second} |
            grep -c status=cleaned)"
    done
}

# Another version is refused whoever comes first, and the first stays whole.
bake_other() {
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$images/cache" --driver-kind grid
}

test_r5_two_different_bakes() {
    local round
    unbaked_root
    for ((round = 0; round < rounds; round++)); do
        at_once bake bake_other
        [[ $first$second =~ ^(04|40|08|80)$ ]] || fail "round $round: $first and $second: $(said)"
        round_leaves_a_bake
    done
}

baked_image_make
run_tests "$@"

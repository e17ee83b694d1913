#!/bin/bash
# A file system that fills up: exit 9 and the root as before, however late the space runs out; and
# once there is room, the same command passes.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

# A root on a file system of its own, in memory.
root_on_small_disk() {
    mkdir "$scratch/disk"
    mount -t tmpfs -o size=700m tmpfs "$scratch/disk"
    fresh_root node disk/root
}

# Fills the disk so that $1 KiB are left.
leave_free() {
    local available
    rm -f "$scratch/disk/filler"
    available=$(df --output=avail -k "$scratch/disk" | tail -n 1)
    fallocate -l "$((available - $1))KiB" "$scratch/disk/filler"
}

# Bakes with more and more room until it passes; each failure must be clean.
test_bake_on_a_full_disk() {
    local root room failures=0 late=0
    root=$(root_on_small_disk)
    snapshot_with_program "$root" >"$scratch/before"
    for room in 0 100 250 400 600 900 1200 1600 2000 2600 3600 6000 12000; do
        leave_free "$room"
        run bake_small "$root" 1.0
        ((status != 0)) || break
        assert_equal "status with $room KiB free ($err)" 9 "$status"
        # What is placed is counted beforehand; what depmod needs is seen when it runs.
        case $err in
        *"MiB are needed for what the bake places"*) ;;
        *"No space left on device"*) late=$((late + 1)) ;;
        *) fail "the sentence says something else: $err" ;;
        esac
        snapshot_with_program "$root" >"$scratch/after"
        assert_same_tree "after failing with $room KiB free" "$scratch/before" "$scratch/after"
        failures=$((failures + 1))
    done
    ((status == 0)) || fail "it should pass with $room KiB free: $err"
    ((failures > late && late > 0)) ||
        fail "$failures levels failed, $late of them late: the space never ran out late"
    assert_exists "$root/var/lib/prebake/marker"
}

# Nothing is left to write to, and the teardown is complete.
test_teardown_on_a_full_disk() {
    local root
    root=$(root_on_small_disk)
    snapshot "$root" >"$scratch/before"
    bake_small "$root" 1.0
    leave_free 0
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# The cache and with it the build's own place.
test_full_cache() {
    local root
    root=$(fresh_root node)
    mkdir "$scratch/cache"
    mount -t tmpfs -o size=200k,mode=0755 tmpfs "$scratch/cache"
    small_source 1.0 "$scratch/small-1.0"
    expect_refusal_unchanged "$root" 9 "$scratch/cache" "$prebake" bake --root "$root" \
        --source "$scratch/small-1.0" --kernel "$KERNEL" --cache "$scratch/cache"
}

run_tests "$@"

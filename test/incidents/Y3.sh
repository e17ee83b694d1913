#!/bin/bash
# Y3 (AgentBaker 2793ff459a): a clean-up removed its marker although only a part was clean, so that
# nobody tried again. Here the marker outlives every failure, and the second run ends with 0.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

marker=var/lib/prebake/marker

# The clean-up of the incident: what it can, and the marker at the end whatever came before.
reference_cleanup() {
    rm -f "$root/usr/lib/modules/$KERNEL/updates/dkms/$small_name"*.ko || true
    rm -rf "$root/var/lib/dkms/$small_name" "$root/usr/src/$small_name-1.0" || true
    rm -f "$root/$marker"
}

test_y3_marker_dropped_too_early() {
    baked_root
    chattr +i "$root/usr/src/$small_name-1.0/dkms.conf"
    reference_cleanup 2>/dev/null
    assert_absent "$root/$marker"
    assert_exists "$root/usr/src/$small_name-1.0/dkms.conf"
    chattr -i "$root/usr/src/$small_name-1.0/dkms.conf"
}

# Whichever path of the manifest can't go.
test_y3_marker_outlives_each_failure() {
    local path paths
    baked_root
    mapfile -t paths < <(sed -n 's/^\.\(.*\) type=file mode.*/\1/p' \
        "$root/var/lib/prebake/manifest.mtree")
    ((${#paths[@]} > 5)) || fail "the manifest has only ${#paths[@]} files"
    for path in "${paths[@]}"; do
        baked_root
        mount --bind "$root$path" "$root$path"
        expect 3 teardown "$root"
        assert_exists "$root/$marker"
        umount "$root$path"
        expect 0 teardown "$root"
        bake_is_gone
    done
}

# Every unlink(2) fails with EIO once; whatever it was, nothing says "cleaned" before all is.
test_y3_each_removal_fails_once() {
    local failing calls
    baked_root
    strace -f -qq -e trace=unlinkat -o "$scratch/calls" "$prebake_node" teardown --root "$root"
    calls=$(grep -c '^[0-9]* *unlinkat' "$scratch/calls")
    ((calls > 10)) || fail "only $calls removals"
    for ((failing = 1; failing <= calls; failing++)); do
        baked_root
        run strace -f -qq -o /dev/null -e trace=unlinkat \
            -e "inject=unlinkat:error=EIO:when=$failing" "$prebake_node" teardown --root "$root"
        if ((status != 0)); then
            assert_not_contains "removal $failing: what is said" "status=cleaned marker_after=false" "$out"
            [[ $status =~ ^[13]$ ]] || fail "removal $failing: status $status: $err"
            expect 0 teardown "$root"
        fi
        bake_is_gone
    done
    printf '%d removals, each failed once\n' "$calls"
}

baked_image_make
run_tests "$@"

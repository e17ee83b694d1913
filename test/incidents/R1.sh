#!/bin/bash
# R1 (AgentBaker 8732, 9568): nodes whose clean-up had failed rebuilt the driver at the next kernel
# update. A parked bake is nothing that DKMS knows: no build. The real dkms, in an image with the bake
# active and in the same one parked.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

kernel=6.99.0-fake
built=var/lib/dkms/$small_name/1.0/$kernel

# A kernel that comes after the bake; what its postinst does is the autoinstall.
root_with_new_kernel() {
    root=$(overlay_root dkms)
    expect 0 bake_small "$root" 1.0 "$@"
    fake_kernel "$root" "$kernel"
}

test_r1_active_is_rebuilt() {
    root_with_new_kernel
    run dkms_in "$root" autoinstall -k "$kernel"
    assert_exists "$root/$built"
    assert_contains "dkms status" "$small_name/1.0, $kernel, x86_64" "$(dkms_in "$root" status 2>&1)"
}

test_r1_parked_is_not() {
    root_with_new_kernel --layout parked
    snapshot "$root" >"$scratch/before"
    expect 0 dkms_in "$root" autoinstall -k "$kernel"
    assert_not_contains "autoinstall" Building "$out$err"
    assert_equal "dkms status" "" "$(dkms_in "$root" status 2>&1)"
    snapshot "$root" | grep -v '^/var/lib/dkms' >"$scratch/after"
    grep -v '^/var/lib/dkms' "$scratch/before" >"$scratch/expected"
    assert_same_tree "nothing was built" "$scratch/expected" "$scratch/after"
    assert_absent "$root/$built"
}

run_tests "$@"

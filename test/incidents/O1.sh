#!/bin/bash
# O1 (AgentBaker 8933): udev loaded the prebaked driver five seconds into the boot, before anybody could
# erase it, and the stale module crash-looped who came for the GPU later. A parked bake is not found by
# alias or name. On a real kernel with a device that the modules are for.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

test_o1_active_is_loaded_before_the_teardown() {
    stack_boot_gpu "$root" <<'GUEST'
coldplug
step loaded loaded
step driver gpu_driver
step teardown prebake-node teardown
coldplug
step after loaded
GUEST
    assert_equal "loaded by udev" nvidia "$(said loaded)"
    assert_equal "who has the GPU" nvidia "$(said driver)"
    assert_step teardown 0
    assert_equal "loaded after the teardown" "" "$(said after)"
}

# Parked when the image was built; then, on a node that wants it, activated.
test_o1_parked_is_not_loaded() {
    local system
    system=$(overlay_over "$root")
    expect 0 "$prebake_node" park --root "$system"
    stack_boot_gpu "$system" <<GUEST
coldplug
step loaded loaded
step lookup modprobe -n nvidia
step alias modprobe -R "\$(<"\$gpu/modalias")"
step reconcile prebake-node reconcile --gpu-node=true --skip-driver=false --driver-type=cuda \
    --driver-version=$stack_version
coldplug
step activated loaded
step driver gpu_driver
GUEST
    assert_equal "loaded by udev" "" "$(said loaded)"
    assert_step lookup 1
    assert_contains "modprobe -n" "Module nvidia not found" "$(said lookup)"
    assert_step alias 1
    assert_step reconcile 0
    assert_contains "the decision" "action=activate" "$(said reconcile)"
    assert_equal "loaded once activated" nvidia "$(said activated)"
    assert_equal "who has the GPU" nvidia "$(said driver)"
}

root=$(stack_root)
run_tests "$@"

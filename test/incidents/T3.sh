#!/bin/bash
# T3 (gpu-driver-container 869): gdrdrv, which no list of NVIDIA's modules had, kept nvidia in use;
# the unloading failed without saying why.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

# By a list, then ours: refused, then forced, then after the blocker's owner unloaded it.
test_t3_unlisted_holder() {
    stack_boot "$root" <<GUEST
unload_by_list() {
    local name
    for name in nvidia_uvm nvidia_drm nvidia_modeset nvidia_peermem nvidia; do
        rmmod \$name 2>/dev/null
    done
    return 0
}
load_stack
insmod $stack_holder
step theirs unload_by_list
step theirs-loaded loaded
load_stack
step busy prebake-node teardown
step busy-loaded loaded
step forced prebake-node teardown --force-files
step forced-loaded loaded
step holder cat /sys/module/gdrdrv/initstate
rmmod gdrdrv
step second prebake-node teardown
step second-loaded loaded
GUEST
    assert_step theirs 0
    assert_equal "theirs says nothing" "" "$(said theirs)"
    assert_equal "theirs" "gdrdrv nvidia" "$(said theirs-loaded)"
    assert_step busy 6
    assert_contains "the blocker" "nvidia (held by gdrdrv)" "$(said busy)"
    assert_equal "all stay" "gdrdrv nvidia nvidia_drm nvidia_modeset nvidia_uvm" \
        "$(said busy-loaded)"
    assert_step forced 3
    assert_contains "the blocker" "nvidia (held by gdrdrv)" "$(said forced)"
    assert_equal "ours alone went" "gdrdrv nvidia" "$(said forced-loaded)"
    assert_equal "the holder still works" live "$(said holder)"
    assert_step second 0
    assert_contains "the second run" "status=cleaned" "$(said second)"
    assert_equal "nothing is loaded" "" "$(said second-loaded)"
}

root=$(stack_root)
run_tests "$@"

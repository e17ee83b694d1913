#!/bin/bash
# T10 (AgentBaker 9257, review): the status told what the clean-up had meant to do, while the module
# was still loaded.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

# A device is held open throughout; at last it is released.
test_t10_status_from_the_final_state() {
    stack_boot "$root" <<'GUEST'
clean_up() {
    rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia 2>/dev/null
    rm -f /lib/modules/*/updates/dkms/nvidia*.ko*
    echo "status=cleaned"
}
load_stack
exec 9</dev/nvidia0
step ours prebake-node teardown --force-files
step ours-loaded loaded
step theirs clean_up
step theirs-loaded loaded
exec 9<&-
step second prebake-node teardown
step second-loaded loaded
GUEST
    assert_step ours 3
    assert_contains "ours" "status=incomplete" "$(said ours)"
    assert_contains "ours looked" "module_after=true marker_after=true" "$(said ours)"
    assert_equal "it is loaded" nvidia "$(said ours-loaded)"
    assert_equal "theirs" "status=cleaned" "$(said theirs)"
    assert_equal "it still is loaded" nvidia "$(said theirs-loaded)"
    assert_step second 0
    assert_contains "the second run" "status=cleaned" "$(said second)"
    assert_contains "it looked" "module_before=true module_after=false" "$(said second)"
    assert_equal "nothing is loaded" "" "$(said second-loaded)"
}

root=$(stack_root)
run_tests "$@"

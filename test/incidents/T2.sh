#!/bin/bash
# T2 (AgentBaker 8955): a clean-up that asked for a reference count of 0 first never unloaded
# anything, as the dependants count; and it took device nodes for a sign of use.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

# The whole stack idle; nvidia alone, where the count is 0 and the node still is there.
test_t2_guard_is_never_true() {
    stack_boot "$root" <<'GUEST'
unload_when_unused() {
    [[ $(</sys/module/nvidia/refcnt) == 0 ]] || return 0
    ! compgen -G '/dev/nvidia*' >/dev/null || return 0
    rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia
}
load_stack
step stack-theirs unload_when_unused
step stack-loaded loaded
rmmod nvidia_uvm nvidia_drm nvidia_modeset
step single-references cat /sys/module/nvidia/refcnt
step single-theirs unload_when_unused
step single-loaded loaded
load_stack
step ours prebake-node teardown
step ours-loaded loaded
GUEST
    assert_step stack-theirs 0
    assert_equal "theirs, idle stack" "nvidia nvidia_drm nvidia_modeset nvidia_uvm" \
        "$(said stack-loaded)"
    assert_equal "nvidia alone is unused" 0 "$(said single-references)"
    assert_equal "theirs, nvidia alone" nvidia "$(said single-loaded)"
    assert_step ours 0
    assert_contains "ours" "status=cleaned" "$(said ours)"
    assert_equal "ours, idle stack" "" "$(said ours-loaded)"
}

# An open device is use: nothing is forced.
test_t2_busy() {
    stack_boot "$root" <<'GUEST'
load_stack
exec 9</dev/nvidia0
files >/dev/files
step busy prebake-node teardown
step busy-loaded loaded
step kept files_kept
GUEST
    assert_step busy 6
    assert_contains "what is in use" "nvidia (in use)" "$(said busy)"
    assert_equal "all stay" "nvidia nvidia_drm nvidia_modeset nvidia_uvm" "$(said busy-loaded)"
    assert_step kept 0
}

root=$(stack_root)
run_tests "$@"

#!/bin/bash
# C2 (AgentBaker 9328): a clean-up at image time that stopped at the first thing it could not do
# blocked the image's build, when a process had the driver's device open. prebake says so with a status
# of its own (6) and leaves all as it was; the build then fails, or has the files go and lets the
# marker travel in the image, so that the first node ends it.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

# One disk, booted twice: first the machine in which the image is built, then a node.
guest_script() {
    stack_guest
    cat <<'GUEST'
strict_clean_up='set -e
rmmod nvidia_uvm nvidia_drm nvidia_modeset nvidia
rm -f /lib/modules/*/updates/dkms/nvidia*.ko'
if [[ ! -e /captured ]]; then
    load_stack
    exec 9</dev/nvidia0
    files >/dev/files
    step busy prebake-node teardown
    step busy-loaded loaded
    step kept files_kept
    step carried prebake-node teardown --force-files
    step carried-marker cat /var/lib/prebake/marker
    step carried-lookup modprobe -n nvidia
    step theirs bash -c "$strict_clean_up"
    touch /captured
    exit 0
fi
step node-loaded loaded
step node-lookup modprobe -n nvidia
step node-reconcile prebake-node reconcile --gpu-node=false --skip-driver=false
step node-folder ls /var/lib/prebake
GUEST
}

test_c2_the_policy_is_the_builds() {
    vm_disk "$root" "$scratch/disk" "$(guest_script)"
    vm_boot "$scratch/disk" "$root/boot/vmlinuz-$KERNEL"
    assert_step busy 6
    assert_contains "what is in use" "nvidia (in use)" "$(said busy)"
    assert_equal "all stay loaded" "nvidia nvidia_drm nvidia_modeset nvidia_uvm" \
        "$(said busy-loaded)"
    assert_step kept 0
    assert_step carried 3
    assert_contains "telemetry" "status=incomplete" "$(said carried)"
    assert_contains "telemetry" "marker_after=true" "$(said carried)"
    assert_contains "the marker" "driver_version=$stack_version" "$(said carried-marker)"
    assert_contains "modprobe" "Module nvidia not found" "$(said carried-lookup)"
    assert_step theirs 1

    vm_boot "$scratch/disk" "$root/boot/vmlinuz-$KERNEL"
    assert_equal "nothing is loaded" "" "$(said node-loaded)"
    assert_contains "modprobe" "Module nvidia not found" "$(said node-lookup)"
    assert_step node-reconcile 0
    assert_contains "telemetry" "status=cleaned" "$(said node-reconcile)"
    assert_step node-folder 2
}

root=$(stack_root)
run_tests "$@"

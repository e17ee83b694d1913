#!/bin/bash
# Teardown while the modules are loaded in a real kernel, with real reference counts: ours go,
# holders first and never by force; what is used stays and is named; what is not ours stays.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

nothing_left="marker_after=false dkms_after=false modprobe_after=false foreign=0"

# Device nodes are there, nobody has them open, and nvidia's reference count is not 0.
test_idle_stack_goes() {
    stack_boot "$root" <<'GUEST'
step load load_stack
mknod /dev/nvidiactl c 195 255
step nodes ls /dev/nvidia0 /dev/nvidiactl
step references cat /sys/module/nvidia/refcnt
step teardown prebake-node teardown
step loaded loaded
step order eval 'dmesg | grep -o "nvidia.*: unloaded"'
step lookup modprobe -n nvidia
step folder ls /var/lib/prebake
step again prebake-node teardown
GUEST
    assert_step nodes 0
    assert_equal "references" 2 "$(said references)"
    assert_step teardown 0
    assert_contains "the kernel was asked" \
        "status=cleaned dkms_before=true module_before=true module_after=false $nothing_left" \
        "$(said teardown)"
    assert_equal "nothing is loaded" "" "$(said loaded)"
    assert_equal "all left, what they hold last" 4 "$(said order | wc -l)"
    assert_equal "the last" "nvidia: unloaded" "$(said order | tail -n 1)"
    assert_contains "modprobe" "Module nvidia not found" "$(said lookup)"
    assert_step folder 2
    assert_step again 0
    assert_equal "nothing to say" "" "$(said again)"
}

# An open device: refused, then forced, then released.
test_device_held_open() {
    stack_boot "$root" <<'GUEST'
load_stack
exec 9</dev/nvidia0
files >/dev/files
step busy prebake-node teardown
step busy-loaded loaded
step kept files_kept
step forced prebake-node teardown --force-files
step forced-loaded loaded
step forced-files find /lib/modules /usr/src /var/lib -path '*nvidia*'
step forced-lookup modprobe -n nvidia
step forced-marker cat /var/lib/prebake/marker
step still prebake-node teardown
exec 9<&-
step released prebake-node teardown
step released-loaded loaded
step folder ls /var/lib/prebake
GUEST
    assert_step busy 6
    assert_contains "what is in use" "nvidia (in use)" "$(said busy)"
    assert_equal "all stay" "nvidia nvidia_drm nvidia_modeset nvidia_uvm" "$(said busy-loaded)"
    assert_step kept 0
    assert_step forced 3
    assert_contains "the look afterwards" "status=incomplete dkms_before=true module_before=true \
module_after=true marker_after=true dkms_after=false modprobe_after=false" "$(said forced)"
    assert_contains "what stayed" "nvidia (in use)" "$(said forced)"
    assert_equal "the idle ones went" "nvidia" "$(said forced-loaded)"
    assert_equal "the files went" "" "$(said forced-files)"
    assert_contains "modprobe" "Module nvidia not found" "$(said forced-lookup)"
    assert_contains "the marker is kept" "driver_version=$stack_version" "$(said forced-marker)"
    assert_step still 6
    assert_step released 0
    assert_contains "the second run" "status=cleaned dkms_before=false module_before=true \
module_after=false $nothing_left" "$(said released)"
    assert_equal "nothing is loaded" "" "$(said released-loaded)"
    assert_step folder 2
}

# Another vendor's module uses ours.
test_foreign_holder() {
    stack_boot "$root" <<GUEST
load_stack
insmod $stack_holder
files >/dev/files
step busy prebake-node teardown
step busy-loaded loaded
step kept files_kept
rmmod gdrdrv
step gone prebake-node teardown
step gone-loaded loaded
GUEST
    assert_step busy 6
    assert_contains "the blocker" "nvidia (held by gdrdrv)" "$(said busy)"
    assert_equal "all stay" "gdrdrv nvidia nvidia_drm nvidia_modeset nvidia_uvm" \
        "$(said busy-loaded)"
    assert_step kept 0
    assert_step gone 0
    assert_equal "nothing is loaded" "" "$(said gone-loaded)"
}

# The customer's nvidia, of the same version and source, is loaded and used; one of ours uses it.
test_customers_build_stays() {
    stack_boot "$root" <<GUEST
insmod $stack_customers
modprobe nvidia-uvm
exec 9</dev/nvidia0
step version cat /sys/module/nvidia/version /sys/module/nvidia/srcversion
step ours modinfo -F version nvidia
step ours modinfo -F srcversion nvidia
step teardown prebake-node teardown
step loaded loaded
step builder eval 'dmesg | grep "nvidia: "'
step customers-file ls $stack_customers
step lookup modprobe -n nvidia-uvm
GUEST
    assert_equal "version and srcversion are the same" "$(said ours)" "$(said version)"
    assert_step teardown 0
    assert_contains "ours is unloaded" "status=cleaned dkms_before=true module_before=true \
module_after=false $nothing_left" "$(said teardown)"
    assert_equal "the customer's stays" "nvidia" "$(said loaded)"
    assert_contains "it is the customer's" "nvidia: built by the customer" "$(said builder)"
    assert_not_contains "it was never unloaded" "nvidia: unloaded" "$(said builder)"
    assert_step customers-file 0
    assert_contains "modprobe" "Module nvidia-uvm not found" "$(said lookup)"
}

# Without /sys there are no build ids: a module of our name may be ours or a customer's.
test_build_ids_cannot_be_read() {
    stack_boot "$root" <<'GUEST'
modprobe nvidia
/vm/busybox umount /sys
files >/dev/files
step refused prebake-node teardown
step kept files_kept
step forced prebake-node teardown --force-files
step forced-loaded loaded
/vm/busybox mount -t sysfs sysfs /sys
step second prebake-node teardown
step second-loaded loaded
GUEST
    assert_step refused 6
    assert_contains "why" "nvidia (no build id tells" "$(said refused)"
    assert_step kept 0
    assert_step forced 3
    assert_contains "it isn't said to be gone" "status=incomplete" "$(said forced)"
    assert_equal "it isn't unloaded" "nvidia" "$(said forced-loaded)"
    assert_step second 0
    assert_contains "the second run" "status=cleaned" "$(said second)"
    assert_equal "nothing is loaded" "" "$(said second-loaded)"
}

# Forced while a device is open and run again after it is released, with the options in $2: what
# is known of the loaded modules must outlast their files.
forced_then_released() {
    local system=$1 options=${2:-}
    stack_boot "$system" <<GUEST
load_stack
exec 9</dev/nvidia0
step busy prebake-node teardown $options
step forced prebake-node teardown --force-files $options
step forced-loaded loaded
step forced-files find /lib/modules -name 'nvidia*'
step still prebake-node teardown $options
exec 9<&-
step released prebake-node teardown $options
step released-loaded loaded
step folder ls /var/lib/prebake
step index modprobe -n nvidia
GUEST
    assert_step busy 6
    assert_contains "what is in use" "nvidia (in use)" "$(said busy)"
    assert_step forced 3
    assert_contains "the look afterwards" "status=incomplete" "$(said forced)"
    assert_equal "the idle ones went" nvidia "$(said forced-loaded)"
    assert_equal "the files went" "" "$(said forced-files)"
    assert_step still 6
    assert_step released 0
    assert_contains "the second run" "status=cleaned" "$(said released)"
    assert_contains "it was looked for" "module_before=true module_after=false" "$(said released)"
    assert_equal "nothing is loaded" "" "$(said released-loaded)"
    assert_step folder 2
    assert_contains "modprobe" "Module nvidia not found" "$(said index)"
}

# The bake is for another kernel; the one that runs has what dkms made of the registration.
test_derived_modules() {
    local system
    system=$(overlay_root dkms derived)
    put_newer_kernel "$system"
    expect 0 bake_stack "$system" "$NEWER_KERNEL"
    expect 0 in_root "$system" dkms autoinstall -k "$KERNEL"
    umount "$system/proc"
    rm -r "$system"/usr/src/linux-*
    forced_then_released "$system"
}

test_facts_are_lost() {
    local system
    system=$(overlay_over "$root")
    rm "$system/var/lib/prebake/facts"
    forced_then_released "$system"
}

# What another tool left: the modules, their registration, and its marker.
test_legacy_marker() {
    local system marker=/opt/marker
    system=$(overlay_over "$root")
    grep -E '^(kernel|driver_version|driver_kind|arch)=' "$system/var/lib/prebake/marker" \
        >"$system$marker"
    rm -r "$system/var/lib/prebake"
    forced_then_released "$system" "--legacy-marker $marker"
}

# The running system's own root, in a system that has no /proc/modules.
test_system_without_module_support() {
    local system
    system=$(overlay_over "$root")
    assert_absent "$system/proc/modules"
    expect 0 chroot "$system" /usr/bin/env -i /usr/sbin/prebake-node teardown
    assert_contains "nothing was loaded" "status=cleaned dkms_before=true module_before=false \
module_after=false $nothing_left" "$out"
}

root=$(stack_root)
run_tests "$@"

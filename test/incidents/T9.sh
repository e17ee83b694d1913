#!/bin/bash
# T9 (AgentBaker 9257, review): the clean-up deleted the modules of the running kernel alone and ran
# no depmod, so that modprobe went on naming files that were gone.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

two_kernels() {
    root=$(overlay_root dkms "$1")
    put_newer_kernel "$root"
}

# The bake for one kernel; dkms' service at the other one's installation builds for that.
bake_for_both() {
    bake_stack "$1"
    in_root "$1" dkms autoinstall -k "$NEWER_KERNEL"
    assert_found "$1" "$KERNEL" 0
    assert_found "$1" "$NEWER_KERNEL" 0
}

# Whether modprobe finds the driver for a kernel.
assert_found() { expect "$3" modprobe -d "$1" -S "$2" -n nvidia; }

assert_index_is_fresh() {
    local root=$1 kernel=$2 fresh=$scratch/fresh.$2
    mkdir -p "$fresh/lib"
    cp -r "$root/lib/modules" "$fresh/lib/"
    depmod -b "$fresh" "$kernel"
    assert_equal "modules.dep of $kernel" "$(<"$fresh/lib/modules/$kernel/modules.dep")" \
        "$(<"$root/lib/modules/$kernel/modules.dep")"
}

test_t9_the_running_kernel_without_depmod() {
    two_kernels theirs
    bake_for_both "$root"
    rm "$root/lib/modules/$KERNEL"/updates/dkms/nvidia*.ko*
    assert_found "$root" "$KERNEL" 0
    assert_found "$root" "$NEWER_KERNEL" 0
    assert_exists "$root/lib/modules/$NEWER_KERNEL/updates/dkms/nvidia.ko"
}

test_t9_every_kernel_and_its_index() {
    local kernel
    two_kernels root
    bake_for_both "$root"
    expect 0 teardown "$root"
    assert_contains "telemetry" "modprobe_after=false" "$out"
    for kernel in "$KERNEL" "$NEWER_KERNEL"; do
        assert_found "$root" "$kernel" 1
        assert_absent "$root/lib/modules/$kernel/updates"
        assert_index_is_fresh "$root" "$kernel"
    done
}

run_tests "$@"

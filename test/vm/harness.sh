#!/bin/bash
# The emulated machine itself: what a script prints and its exit status come back, and the kernel
# is the real one. Without this, the other tests in here would prove nothing.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"

test_status_and_output_come_back() {
    # shellcheck disable=SC2016  # the guest expands it
    vm_run "$node_root" 'echo "kernel $(uname -r)"; modprobe dummy; lsmod; exit 37'
    assert_equal "exit status" 37 "$status"
    assert_contains "the kernel" "kernel $KERNEL" "$out"
    assert_contains "a real module was loaded" "dummy " "$out"
}

# The kernel itself refuses what is not a module of its own.
test_kernel_refuses_a_damaged_module() {
    vm_run "$node_root" 'cp /lib/modules/*/kernel/drivers/net/dummy.ko /tmp/dummy.ko
        truncate -s -3000 /tmp/dummy.ko
        insmod /tmp/dummy.ko'
    assert_equal "insmod's status" 1 "$status"
    assert_contains "insmod's sentence" "could not insert module /tmp/dummy.ko" "$out"
}

node_root=$(fresh_root node)
run_tests "$@"

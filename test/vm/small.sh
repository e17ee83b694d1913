#!/bin/bash
# Small modules, baked in each way that Debian's kmod can read, loaded by the real kernel: the
# second needs an export of the first, so symbol versions and the index must be right.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"

loads_with() {
    local compression=$1
    bake_small "$node_root" 1.0 --compress "$compression"
    # shellcheck disable=SC2016  # the guest expands it
    vm_expect "$node_root" 'modprobe -v prebake-small-user; dmesg | grep small_; lsmod'
    teardown "$node_root"
    assert_contains "the sibling's export was called" "small_user: the answer is 42" "$out"
    assert_contains "both are loaded" "small_core             16384  1 small_user" "$out"
    assert_not_contains "no symbol version is missing" "no symbol version" "$out"
}

test_plain() { loads_with none; }
test_xz() { loads_with xz; }
test_zstd() { loads_with zstd; }

node_root=$(fresh_root node)
run_tests "$@"

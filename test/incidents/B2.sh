#!/bin/bash
# B2 (AgentBaker a840112fc4; aes-stream-drivers 305): the source was compiled for another kernel than
# the one it was asked for, and dkms reported it as installed.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/changed-source.sh
. "$test_lib/changed-source.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

for_the_newer_kernel() { sed -i "s,-C [^ ]*,-C /lib/modules/$NEWER_KERNEL/build," dkms.conf; }

root_with_two_kernels() {
    root=$(overlay_root dkms)
    put_newer_headers "$root"
}

test_b2_dkms_installs_it() {
    root_with_two_kernels
    changed_source "$root" for_the_newer_kernel
    dkms_in "$root" add "$small_name/1.0"
    expect 0 dkms_in "$root" install "$small_name/1.0" -k "$KERNEL"
    assert_equal "dkms status" "$small_name/1.0, $KERNEL, x86_64: installed" \
        "$(dkms_in "$root" status)"
    assert_contains "and it is for the other kernel" "$NEWER_KERNEL" \
        "$(modinfo -F vermagic "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko")"
}

test_b2_refused() {
    root_with_two_kernels
    changed_source "$root" for_the_newer_kernel
    rm -r "$root/usr/src/$small_name-1.0"
    expect_refusal_unchanged "$root" 7 vermagic bake_small "$root" 1.0
    assert_contains "both kernels are named" "$NEWER_KERNEL" "$err"
    assert_contains "both kernels are named" "$KERNEL" "$err"
    assert_absent "$root/var/lib/prebake"
}

run_tests "$@"

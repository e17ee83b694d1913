#!/bin/bash
# B8 (dkms 545): no headers of the kernel. What dkms runs at boot and after an update says so and is
# content; nothing is built.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

# What a kernel package's postinst runs, and the service at boot.
test_b8_dkms_is_content() {
    root=$(overlay_root dkms)
    prebuilt_source "$root" one 1.0 one
    dkms_in "$root" add one/1.0
    rm "$root/lib/modules/$KERNEL/build"
    expect 0 run_in "$root" /etc/kernel/postinst.d/dkms "$KERNEL"
    assert_contains "it says so" "headers for this kernel do not seem to be installed" "$out$err"
    assert_equal "and has built nothing" "one/1.0: added" "$(dkms_in "$root" status)"
}

test_b8_status_21() {
    root=$(overlay_root node)
    rm "$root/lib/modules/$KERNEL/build"
    expect_refusal_unchanged "$root" 21 "linux-headers-$KERNEL" bake_small "$root" 1.0
    assert_absent "$root/var/lib/prebake"
}

# The link is there and what it leads to is not, or is another kernel's.
test_b8_headers_that_are_none() {
    root=$(overlay_root node)
    rm -r "$root/usr/src/linux-headers-$KERNEL"
    expect_refusal_unchanged "$root" 21 "linux-headers-$KERNEL" bake_small "$root" 1.0
    mkdir "$root/usr/src/linux-headers-$KERNEL"
    expect_refusal_unchanged "$root" 21 "linux-headers-$KERNEL" bake_small "$root" 1.0
}

run_tests "$@"

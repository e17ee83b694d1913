#!/bin/bash
# P1 (dkms 386): modules packed by `xz` have a CRC64, which the kernel's own decoder does not know.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

updates=lib/modules/$KERNEL/updates/dkms

# A kernel whose modules are packed with xz.
test_p1_dkms() {
    local kernel=6.99.0-xz
    root=$(overlay_root dkms)
    fake_kernel "$root" "$kernel" xz
    prebuilt_source "$root" one 1.0 one
    dkms_installed "$root" one/1.0 "$kernel"
    assert_contains "the check" CRC64 \
        "$(xz --robot -lvv "$root/lib/modules/$kernel/updates/dkms/one.ko.xz")"
}

test_p1_crc32() {
    local listed
    root=$(overlay_root node)
    bake_small "$root" 1.0 --compress xz
    listed=$(xz --robot -lvv "$root/$updates/$small_name-core.ko.xz")
    assert_contains "the check" CRC32 "$listed"
    assert_not_contains "the check" CRC64 "$listed"
}

run_tests "$@"

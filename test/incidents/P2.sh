#!/bin/bash
# P2 (dkms 86, 402): one foreign .ko.xz in a kernel's tree made dkms pack every module that way. Here
# the kernel's configuration decides.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

updates=lib/modules/$KERNEL/updates/dkms
headers=usr/src/linux-headers-$KERNEL

# The kernel's own modules are not packed.
put_foreign_module() {
    mkdir -p "$root/$updates"
    xz -c "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" >"$root/$updates/other.ko.xz"
    run_in "$root" depmod "$KERNEL"
}

test_p2_dkms_follows_the_foreign_module() {
    root=$(overlay_root dkms)
    prebuilt_source "$root" one 1.0 one
    dkms_installed "$root" one/1.0 "$KERNEL"
    assert_exists "$root/$updates/one.ko"
    dkms_in "$root" remove one/1.0 --all
    put_foreign_module
    dkms_installed "$root" one/1.0 "$KERNEL"
    assert_exists "$root/$updates/one.ko.xz"
    assert_absent "$root/$updates/one.ko"
}

test_p2_the_configuration_decides() {
    root=$(overlay_root node)
    put_foreign_module
    bake_small "$root" 1.0
    assert_exists "$root/$updates/$small_name-core.ko"
    assert_absent "$root/$updates/$small_name-core.ko.xz"
    expect 0 teardown "$root"
    assert_exists "$root/$updates/other.ko.xz"
}

# Every file of the headers that tells the configuration says xz; no module is packed so far.
test_p2_also_the_other_way() {
    root=$(overlay_root node)
    sed -i -e 's/^CONFIG_MODULE_COMPRESS_NONE=y/# CONFIG_MODULE_COMPRESS_NONE is not set/' \
        -e 's/^# CONFIG_MODULE_COMPRESS_XZ is not set/CONFIG_MODULE_COMPRESS_XZ=y/' \
        "$root/$headers/.config" "$root/$headers/include/config/auto.conf"
    grep -q CONFIG_MODULE_COMPRESS_XZ=y "$root/$headers/.config" || fail "the configuration is as it was"
    bake_small "$root" 1.0
    assert_exists "$root/$updates/$small_name-core.ko.xz"
    assert_absent "$root/$updates/$small_name-core.ko"
}

run_tests "$@"

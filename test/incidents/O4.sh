#!/bin/bash
# O4 (openSUSE nvidia-driver-G06 66): nouveau or nova bound the GPU before the driver did.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

gpu=pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00

# A module $2 of root $1 that claims NVIDIA's GPUs by alias, as the kernel's own drivers do.
put_rival() {
    local root=$1 module=$1/lib/modules/$KERNEL/kernel/drivers/gpu/$2.ko
    mkdir -p "$(dirname "$module")"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$module"
    objcopy -O binary --only-section=.modinfo "$module" "$scratch/modinfo"
    printf 'alias=pci:v000010DEd*sv*sd*bc03sc*i*\0' >>"$scratch/modinfo"
    objcopy --update-section .modinfo="$scratch/modinfo" "$module"
    depmod -b "$root" "$KERNEL"
}

# The modules that a GPU's alias loads in root $1, without what they need.
loaded_by_alias() {
    modprobe -d "$1" -C "$1/etc/modprobe.d" -S "$KERNEL" -a -b -n -v "$gpu" |
        sed -n 's,^insmod .*/\([^/]*\)\.ko *$,\1,p' | sort -u
}

prepared_root() {
    root=$(overlay_root node)
    put_rival "$root" nouveau
    put_rival "$root" nova_core
    userspace_make "$scratch/userspace"
}

test_o4_without_a_blacklist() {
    prepared_root
    mkdir -p "$root/etc/modprobe.d"
    expect 0 bake_nvidia "$root"
    loaded=$(loaded_by_alias "$root")
    assert_contains "what the GPU loads" nouveau "$loaded"
    assert_contains "what the GPU loads" nova_core "$loaded"
    expect 0 teardown "$root"
    rm "$scratch/userspace/etc/modprobe.d/nvidia-blacklist.conf"
    expect_refusal 4 "blacklist nouveau" bake_nvidia "$root" --userspace "$scratch/userspace"
    assert_absent "$root/var/lib/prebake/marker"
    echo 'blacklist nouveau' >"$scratch/userspace/etc/modprobe.d/nvidia-blacklist.conf"
    expect_refusal 4 "blacklist nova_core" bake_nvidia "$root" --userspace "$scratch/userspace"
    assert_absent "$root/var/lib/prebake/marker"
}

test_o4_both_are_kept_away() {
    prepared_root
    expect 0 bake_nvidia "$root" --userspace "$scratch/userspace"
    loaded=$(loaded_by_alias "$root")
    assert_not_contains "what the GPU loads" nouveau "$loaded"
    assert_not_contains "what the GPU loads" nova_core "$loaded"
    assert_contains "what the GPU loads" "$open_name" "$loaded"
}

run_tests "$@"

#!/bin/bash
# O4 (openSUSE nvidia-driver-G06 66): nouveau or nova bound the GPU before the driver did.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

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

# The kernel's own two drivers for the GPU of the virtual machine, in root $1.
put_real_rivals() {
    local folder=$1/lib/modules/$KERNEL/kernel/drivers/gpu
    cp -r "$test_lib/fake-rivals" "$scratch/rivals"
    stack_compile "$scratch/rivals"
    install -D -m 644 -t "$folder" "$scratch/rivals"/{nouveau,nova_core}.ko
    depmod -b "$1" "$KERNEL"
}

who_has_the_gpu() {
    stack_boot_gpu "$1" <<'GUEST'
coldplug
step driver gpu_driver
step rivals eval 'grep -cE "^(nouveau|nova_core) " /proc/modules'
step blacklist cat /etc/modprobe.d/nvidia-blacklist.conf
GUEST
}

# On a real kernel: who comes first has the GPU; with the blacklist it is the baked driver.
test_o4_who_binds_the_gpu() {
    root=$(overlay_root node)
    put_real_rivals "$root"
    mkdir -p "$scratch/blacklist/etc/modprobe.d"
    printf 'blacklist nouveau\nblacklist nova_core\n' \
        >"$scratch/blacklist/etc/modprobe.d/nvidia-blacklist.conf"
    expect 0 bake_stack "$root" "$KERNEL" --userspace "$scratch/blacklist"
    rm -r "$root"/usr/src/linux-*
    who_has_the_gpu "$root"
    assert_equal "rivals loaded" 0 "$(said rivals)"
    assert_equal "who has the GPU" nvidia "$(said driver)"

    expect 0 "$prebake_node" park --root "$root"
    who_has_the_gpu "$root"
    assert_step blacklist 1
    assert_equal "rivals loaded while parked" 2 "$(said rivals)"
    assert_contains "who has the GPU while parked" "$(said driver)" "nouveau nova_core"
}

run_tests "$@"

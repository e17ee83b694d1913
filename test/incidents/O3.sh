#!/bin/bash
# O3 (amazon-eks-ami 2733): dkms triggered dracut at boot, and the unit failed where the driver was there
# already. Already in place, or no GPU: 0; and nobody makes an initramfs.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/reconciling.sh
. "$test_lib/reconciling.sh"

# A root with what a distribution would run, and a file that shows who ran.
with_hooks() {
    local hook
    mkdir -p "$root"/etc/{kernel/postinst.d,initramfs,dkms} "$root/boot" "$root/tmp"
    (cd "$root/tmp" && find . -print0 | cpio --quiet -0 -o -H newc) >"$root/boot/initrd.img-$KERNEL"
    cp "$root/boot/initrd.img-$KERNEL" "$scratch/initrd"
    for hook in usr/sbin/update-initramfs usr/bin/dracut etc/kernel/postinst.d/dkms; do
        install -D -m 755 /dev/stdin "$root/$hook" <<HOOK
#!/bin/sh
echo $hook >>/tmp/ran
HOOK
    done
}

traced() {
    expect "$1" strace -f -qq -e signal=none -e trace=execve -o "$scratch/started" \
        "$prebake_node" reconcile --root "$root" --kernel "$KERNEL" --driver-type=cuda \
        --driver-version=1.0 "${@:2}"
    assert_equal "who was started" "" "$(tail -n +2 "$scratch/started" |
        grep -oE 'execve\("[^"]*' | grep -vE '/(depmod|ldconfig|modprobe)$' || true)"
    assert_absent "$root/tmp/ran"
    cmp "$scratch/initrd" "$root/boot/initrd.img-$KERNEL" || fail "the initramfs was made anew"
}

# Activated at the first boot; there already at every other.
test_o3_there_already() {
    local boot
    image_root cuda-parked
    with_hooks
    for boot in first second third; do
        echo "the $boot boot"
        traced 0 --gpu-node=true --skip-driver=false
        assert_decision skip_build=true status=done
    done
    module_there || fail "it should be in place"
}

# Nothing to erase is no failure either.
test_o3_no_gpu() {
    local boot
    image_root cuda-parked
    with_hooks
    traced 0 --gpu-node=false --skip-driver=false
    assert_decision action=teardown status=done
    for boot in second third; do
        traced 0 --gpu-node=false --skip-driver=false
        assert_equal "the $boot boot says nothing" "" "$out$err"
    done
}

# Not of a system whose kernel is to load it: no device is waited for, no node is made.
test_o3_no_device_is_needed() {
    image_root cuda-active
    with_hooks
    mkdir -p "$scratch/sys/bus/pci/devices"
    traced 0 --gpu-node=true --skip-driver=false --sysfs "$scratch/sys"
    assert_decision action=keep skip_build=true
}

reconciling_images cuda
run_tests "$@"

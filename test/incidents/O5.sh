#!/bin/bash
# O5 (openSUSE nvidia-driver-G06 25): an old nvidia.ko in the initramfs was loaded first, whatever was
# installed or removed in the root file system since. Images are made by the real mkinitramfs.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

image=boot/initrd.img-$KERNEL
module=$small_name-core

# A root with Debian's initramfs-tools that puts the bake's module into each image, as plymouth or a
# customer's configuration does.
prepared_root() {
    local package
    root=$(overlay_root dkms)
    for package in initramfs-tools-core initramfs-tools klibc-utils libklibc cpio logsave; do
        dpkg-deb --fsys-tarfile "$(apt_downloaded "$package")" |
            tar -x -C "$root" --keep-directory-symlink
    done
    sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=gzip/' \
        "$root/etc/initramfs-tools/initramfs.conf"
    printf 'veth\n%s\n' "$module" >"$root/etc/initramfs-tools/modules"
}

make_image() { expect 0 run_in "$root" mkinitramfs -o "/$image" "$KERNEL"; }

image_modules() { gzip -dc <"$root/$image" | cpio -t --quiet | grep -o '[^/]*\.ko$' | sort; }

# What scripts do: the files, the registration, depmod; not a look at the initramfs.
remove_as_scripts_do() {
    rm -rf "$root/var/lib/dkms/$small_name" "$root/lib/modules/$KERNEL/updates"
    depmod -b "$root" "$KERNEL"
}

test_o5_removed_and_still_loaded() {
    prepared_root
    bake_small "$root" 1.0 >/dev/null
    make_image
    remove_as_scripts_do
    run modprobe -d "$root" -S "$KERNEL" -n "$module"
    assert_equal "modprobe of the removed module" 1 "$status"
    assert_contains "the initramfs still has it" "$module.ko" "$(image_modules)"
}

test_o5_every_initramfs_is_read() {
    prepared_root
    make_image
    assert_not_contains "modules before the bake" "$small_name" "$(image_modules)"
    bake_small "$root" 1.0 >/dev/null
    expect 0 "$prebake" audit --root "$root" --expect active
    make_image
    assert_contains "the image has the module" "$module.ko" "$(image_modules)"

    expect_refusal 7 "/$image holds the baked module" "$prebake" seal --root "$root"
    expect_refusal 7 "/$image holds the baked module" "$prebake_node" audit --root "$root"

    expect 3 teardown "$root"
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "telemetry" "initramfs=stale" "$out"
    assert_contains "what to do" "update-initramfs -u -k $KERNEL" "$err"
    assert_absent "$root/lib/modules/$KERNEL/updates"

    make_image
    assert_not_contains "modules after the teardown" "$small_name" "$(image_modules)"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "initramfs=clean" "$out"
    expect 0 "$prebake_node" audit --root "$root" --expect absent
}

# Parked there is nothing that an image could get.
test_o5_parked() {
    prepared_root
    bake_small "$root" 1.0 --layout parked >/dev/null
    make_image
    assert_not_contains "modules in the image" "$small_name" "$(image_modules)"
    expect 0 "$prebake" seal --root "$root"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
}

run_tests "$@"

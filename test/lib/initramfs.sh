# shellcheck shell=bash
# Initramfs images of $root, made as the distributions' tools make them. Read after world.sh.

# An image $1 as mkinitramfs makes them: microcode, then the files below folder $3 packed by $2.
make_initramfs() {
    local image=$1 pack=$2 files=$3
    mkdir -p "$root/boot" "$scratch/early/kernel/x86/microcode"
    echo code >"$scratch/early/kernel/x86/microcode/GenuineIntel.bin"
    bsdtar --format newc -cf - -C "$scratch/early" . >"$root/boot/$image"
    bsdtar --format newc -cf - -C "$files" . | $pack >>"$root/boot/$image"
}

# The modules of the kernel, and with an argument that one of the bake.
# shellcheck disable=SC2120  # most callers want none of the bake
initramfs_files() {
    local files=$scratch/files modules=usr/lib/modules/$KERNEL
    rm -rf "$files"
    mkdir -p "$files/$modules/updates/dkms"
    cp -a "$root/$modules/kernel" "$files/$modules/"
    printf '#!/bin/sh\n' >"$files/init"
    [[ $# -eq 0 ]] || cp "$root/$modules/updates/dkms/$1" "$files/$modules/${2:-updates/dkms/$1}"
    printf '%s\n' "$files"
}

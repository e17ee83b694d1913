# shellcheck shell=bash
# What a run begins with: a disk of images.sh at $root, so that each run finds the inodes and times
# of the real thing. The copies are in memory, but for the cold one. Read after images.sh.

# An ext4 file system in the file $1 as $root, with what a system has beneath it.
disk_mount() {
    root=$1.mounted
    mkdir -p "$root"
    mount -o loop,noatime "$1" "$root"
    mount -t proc proc "$root/proc"
    [[ -e $root/dev/fd ]] || ln -s /proc/self/fd "$root/dev/fd"
}

disk_drop() {
    umount "$1.mounted/proc" "$1.mounted"
    rm "$1"
}

# Everything is in memory and nothing is still to be written.
disk_warm() {
    find "$root" -xdev -type f -exec cat {} + >/dev/null
    sync -f "$root"
}

# A copy of its own for one run.
disk_fresh() {
    local copy=$disks/fresh
    [[ ! -e $copy ]] || disk_drop "$copy"
    cp --sparse=always "$bench_dir/$1" "$copy"
    disk_mount "$copy"
    disk_warm
}

# One copy for all runs of commands that leave it as they found it.
disk_same() {
    local copy=$disks/same-$1
    root=$copy.mounted
    [[ -e $copy ]] && return 0
    cp --sparse=always "$bench_dir/$1" "$copy"
    disk_mount "$copy"
    disk_warm
}

# A copy of its own on this machine's disk, of which nothing is in memory.
disk_cold() {
    local copy=$bench_dir/cold
    [[ ! -e $copy ]] || disk_drop "$copy"
    cp --sparse=always "$bench_dir/$1" "$copy"
    sync "$copy"
    disk_mount "$copy"
    dd if="$copy" iflag=nocache count=0 status=none
}

# Somebody brought a module for each kernel after the image was sealed, and ran depmod.
disk_changed() {
    local modules
    disk_fresh "$1"
    for modules in "$root"/lib/modules/*; do
        mkdir "$modules/extra"
        cp "$modules/kernel/drivers/net/dummy.ko" "$modules/extra/customer.ko"
        chroot "$root" depmod "${modules##*/}"
    done
    disk_warm
}

# The command runs in $root, as on a node.
inside() { command=(--root "$root" "$@"); }

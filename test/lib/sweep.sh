# shellcheck shell=bash
# Sweeps: every call of a command that changes something goes wrong once. A case is a folder:
#
#     start.img   the root before the command, as an ext4 image: inodes and times stay as they are
#     before      its snapshot before the bake: what no run may touch
#     calls       what inject listed in an uninjected run of the command
#
# Read after world.sh. The root stands at $sweep_root; the case's functions act on it.

# A small system on an ext4 file system of its own. A point costs a copy of the image and a mount.
sweep_make_image() {
    local tree=$1 image=$2
    truncate -s 40M "$image"
    mke2fs -q -t ext4 -O ^has_journal -I 256 -N 1024 -d "$tree" "$image"
}

sweep_mount() {
    mountpoint -q "$sweep_root" && umount "$sweep_root"
    cp --sparse=always "$1" "$sweep_root.img"
    mount -o loop "$sweep_root.img" "$sweep_root"
}

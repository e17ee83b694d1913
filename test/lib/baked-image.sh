# shellcheck shell=bash
# The small root with a bake in it, kept as a file system image: every test mounts a copy of its
# own, in which inodes and times are those of the bake. Read after world.sh and small-root.sh.

# Puts a copy of image $1 at $root. Never the same file twice: a process of this machine that was
# put into a mount namespace of its own meanwhile keeps the old one mounted there.
image_mount() {
    if mountpoint -q "$root"; then umount "$root" && rm "$image"; fi
    mkdir -p "$root"
    image=$(mktemp "$root.XXXXXX")
    cp --sparse=always "$1" "$image"
    mount -o loop,noatime "$image" "$root"
}

# Makes the images `unbaked` and `baked` once, for all tests of a file, and a snapshot beside each.
# Their files are in memory.
baked_image_make() {
    images=$scratch/images
    mkdir "$images"
    mount -t tmpfs tmpfs "$images"
    root=$images/root
    small_root "$images/tree"
    small_source 1.0 "$scratch/small-1.0"
    small_bundle "$images/tree" "$images/cache" "$scratch/small-1.0"
    truncate -s 64M "$images/unbaked"
    mke2fs -q -t ext4 -O ^has_journal -N 4000 -d "$images/tree" "$images/unbaked"
    rm -r "$images/tree"
    image_mount "$images/unbaked"
    snapshot "$root" >"$images/unbaked.snapshot"
    cache=$images/cache bake_small "$root" 1.0 >/dev/null 2>&1 || die "the small bake failed"
    snapshot "$root" >"$images/baked.snapshot"
    sync -f "$root" # it may stay mounted in another process's namespace
    umount "$root"
    mv "$image" "$images/baked"
}

baked_root() { image_root baked; }

unbaked_root() { image_root unbaked; }

# A fresh copy of an image as $root, and beside it a folder that nobody has any business in:
# $outside.
image_root() {
    root=$scratch/root
    outside=$scratch/outside
    image_mount "$images/$1"
    [[ ! -d $outside ]] || return 0
    mkdir -p "$outside/folder"
    echo kept >"$outside/file"
    echo kept >"$outside/folder/file"
    outside_is_as_it_should_be
}

# After a test has put something there.
outside_is_as_it_should_be() { "$build/test/lib/snapshot" "$outside" >"$scratch/outside.before"; }

outside_untouched() {
    "$build/test/lib/snapshot" "$outside" >"$scratch/outside.after"
    assert_same_tree "nothing outside the root is touched" "$scratch/outside.before" \
        "$scratch/outside.after"
}

# The root, prebake's own folder apart, is the baked one.
bake_untouched() {
    snapshot "$root" | grep -v '^/var/lib/prebake[/ ]' >"$scratch/bake.after"
    grep -v '^/var/lib/prebake[/ ]' "$images/baked.snapshot" >"$scratch/bake.before"
    assert_same_tree "the bake is untouched" "$scratch/bake.before" "$scratch/bake.after"
    outside_untouched
}

# The root is the one before the bake. What depmod made anew has another time.
bake_is_gone() {
    local times='s,^\(/usr/lib/modules/[^/]*/modules\..*\) mtime=[^ ]*,\1,'
    snapshot "$root" | sed "$times" >"$scratch/gone.after"
    sed "$times" "$images/unbaked.snapshot" >"$scratch/gone.before"
    assert_same_tree "the root is as before the bake" "$scratch/gone.before" "$scratch/gone.after"
    outside_untouched
}

# shellcheck shell=bash
# The small root with a bake in it, kept as a file system image: every test mounts a copy of its
# own, in which inodes and times are those of the bake. Read after world.sh, small-root.sh, sweep.sh.
# shellcheck disable=SC2034  # variables are for the test files

# Makes the image once, for all tests of a file; beside it the snapshots `unbaked` and `baked`.
baked_image_make() {
    sweep_begin
    baked_work=$work
    small_root "$work/tree"
    small_bundle "$work/tree" "$work/cache"
    sweep_image "$work/tree" "$work/unbaked.img"
    rm -r "$work/tree"
    sweep_mount "$work/unbaked.img"
    snapshot "$root" >"$work/unbaked"
    cache=$work/cache bake_small "$root" 1.0 >/dev/null 2>&1 || die "the small bake failed"
    snapshot "$root" >"$work/baked"
    umount "$root"
    mv "$image" "$work/baked.img"
}

# A fresh copy of the baked root, or of the one before the bake ("unbaked"), as $root, and beside
# it a folder that nobody has any business in: $outside.
baked_root() {
    root=$scratch/root
    outside=$scratch/outside
    sweep_mount "$baked_work/${1:-baked}.img"
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
    grep -v '^/var/lib/prebake[/ ]' "$baked_work/baked" >"$scratch/bake.before"
    assert_same_tree "the bake is untouched" "$scratch/bake.before" "$scratch/bake.after"
    outside_untouched
}

# The root is the one before the bake. What depmod made anew has another time.
bake_is_gone() {
    local times='s,^\(/usr/lib/modules/[^/]*/modules\..*\) mtime=[^ ]*,\1,'
    snapshot "$root" | sed "$times" >"$scratch/gone.after"
    sed "$times" "$baked_work/unbaked" >"$scratch/gone.before"
    assert_same_tree "the root is as before the bake" "$scratch/gone.before" "$scratch/gone.after"
    outside_untouched
}

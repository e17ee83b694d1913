# shellcheck shell=bash
# Roots to bake into, and looking at them.

open_source="nvidia-open-kernel-dkms"
open_name="nvidia-current-open"
small_name="prebake-small"

# A copy of the kept root $1 as $scratch/root; prints its path.
fresh_root() {
    local root=$scratch/${2:-root}
    BUILD_DIR=$build "$scripts/make-root" "$1" "$root" >&2
    printf '%s\n' "$root"
}

# A layer over the directory $1, as image builders have them: made at once, for tests that spoil
# the tree. Prints its path.
overlay_over() {
    local layers=$scratch/${2:-overlay}
    mkdir -p "$layers"/{upper,work,root}
    mount -t overlay overlay "$layers/root" \
        -o "lowerdir=$1,upperdir=$layers/upper,workdir=$layers/work"
    printf '%s\n' "$layers/root"
}

# A layer over the kept root $1.
overlay_root() {
    BUILD_DIR=$build "$scripts/make-root" "$1" >&2
    overlay_over "$build/roots/$1" "${@:2}"
}

# prebake-node is a component of the image and stays after a teardown.
snapshot() { "$build/test/lib/snapshot" "$1" --exclude /usr/sbin/prebake-node; }

# With it too: a bake that fails takes back the program it put there.
snapshot_with_program() { "$build/test/lib/snapshot" "$1"; }

assert_same_tree() {
    local what=$1 before=$2 after=$3 difference
    [[ -s $before && -s $after ]] || fail "$what: an empty snapshot proves nothing"
    difference=$(diff "$before" "$after") && return 0
    show 'differences (< before, > after)' "$(head -n 40 <<<"$difference")"
    fail "$what"
}

assert_different_tree() {
    ! cmp -s "$2" "$3" || fail "$1: the tree should have changed"
}

# The refused command must have changed nothing.
expect_refusal_unchanged() {
    local unchanged=$1
    snapshot_with_program "$unchanged" >"$scratch/unchanged.before"
    expect_refusal "${@:2}"
    snapshot_with_program "$unchanged" >"$scratch/unchanged.after"
    assert_same_tree "the root is unchanged" "$scratch/unchanged.before" "$scratch/unchanged.after"
}

# Puts another kernel's headers into root $1.
put_newer_headers() {
    local package
    for package in "linux-headers-$NEWER_KERNEL" "linux-headers-$NEWER_KERNEL_COMMON"; do
        dpkg-deb --fsys-tarfile "$(apt_downloaded "$package")" |
            tar -x -C "$1" --keep-directory-symlink
    done
}

# Puts another kernel into root $1, of a few modules, with its headers and index.
put_newer_kernel() {
    local root=$1 modules=$1/lib/modules/$NEWER_KERNEL
    put_newer_headers "$root"
    mkdir "$modules/kernel"
    cp "$root/lib/modules/$KERNEL"/kernel/drivers/net/{dummy,veth}.ko "$modules/kernel/"
    cp "$root/lib/modules/$KERNEL"/modules.{order,builtin,builtin.modinfo} "$modules/"
    (umask 022 && depmod -b "$root" "$NEWER_KERNEL")
}

# The small DKMS source of two modules, as version $1 in directory $2.
small_source() {
    local version=$1 dir=$2
    cp -r "$test_lib/small-module" "$dir"
    sed -i "s/@VERSION@/$version/" "$dir/dkms.conf" "$dir"/*.c
}

# The source of NVIDIA's open modules out of its package, for all tests of a file: reading the package
# takes a bake longer than all else.
nvidia_source=
nvidia_unpack() {
    local into=$scratch_base/nvidia
    mkdir "$into"
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" |
        tar -x -C "$into" ./usr/src
    nvidia_source=$into/usr/src/$open_name-$NVIDIA_VERSION
}

# Bakes NVIDIA's open modules into root $1, from the package unless they were unpacked; what was
# compiled once comes from the cache. While test/compile has them compiled everybody else waits.
nvidia_lock=--shared
bake_nvidia() {
    local root=$1
    shift
    flock --close "$nvidia_lock" "$cache.lock" "$prebake" bake --root "$root" --kernel "$KERNEL" --cache "$cache" "$@" \
        --source "${nvidia_source:-$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")}"
}

# Bakes the small source into root $1 as version $2.
bake_small() {
    local root=$1 version=$2
    shift 2
    [[ -d $scratch/small-$version ]] || small_source "$version" "$scratch/small-$version"
    "$prebake" bake --root "$root" --source "$scratch/small-$version" --kernel "$KERNEL" \
        --cache "$cache" "$@"
}

teardown() { "$prebake_node" teardown --root "$1" "${@:2}"; }

# Runs a command inside a root, with /proc and /dev/fd as the real dkms wants them.
in_root() {
    local root=$1
    shift
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    [[ -e $root/dev/fd ]] || ln -s /proc/self/fd "$root/dev/fd"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root "$@"
}

# in_root(), and the root is as before for snapshots: nothing is left mounted in it.
run_in() {
    local ended=0
    in_root "$@" || ended=$?
    umount "$1/proc"
    return "$ended"
}

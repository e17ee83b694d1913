# shellcheck shell=bash
# The disks that the bench works on, made once and kept in build/bench. Read after world.sh.
#
#   derived       what dkms compiled for the kernels beside KERNEL, from the bake's registration
#   unbaked       a Debian system with dkms and the whole module trees of three kernels
#   sealed        unbaked, NVIDIA's modules and userspace baked for KERNEL, dkms' modules installed
#                 for the others, sealed
#   erased        sealed, and torn down
#   parked        unbaked, NVIDIA's modules for KERNEL and 500 MB of userspace baked and parked
#   active        parked, activated, with two initramfs images
#   many-NUMBER   unbaked, with NUMBER small modules as dkms registers and installs them: "many" for a
#                 kernel that has no other modules to speak of, "full" for KERNEL with all of its own
#
# Each is used again while its recipe is the same: the text of the functions that make it, and what
# goes in.

# shellcheck source=scripts/lib/bench-kernels.sh
. "$scripts/lib/bench-kernels.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"
# shellcheck source=test/lib/initramfs.sh
. "$test_lib/initramfs.sh"

bench_dir=$build/bench
bench_kernels=("$KERNEL" "${BENCH_KERNELS[@]}")
small_kernel=6.99.0-small
nvidia=$open_name/$NVIDIA_VERSION

# Keeps what the function $2 makes as the path $1; further arguments say what goes in.
bench_keep() {
    local kept=$bench_dir/$1 make=$2 recipe
    recipe=$( (declare -f "$make" && printf '%s\n' "$NVIDIA_VERSION" "${bench_kernels[@]}" "${@:3}") |
        sha256sum)
    [[ -e $kept && $(cat "$kept.recipe" 2>/dev/null) == "$recipe" ]] && return 0
    say "making $kept"
    rm -rf "$kept" "$kept.recipe" "$kept.new"
    "$make" "$kept.new"
    mv "$kept.new" "$kept"
    printf '%s\n' "$recipe" >"$kept.recipe"
}

bench_recipe() { cat "$bench_dir/$1.recipe"; }

# Unpacks packages into root $1.
bench_unpack() {
    local root=$1 package
    shift
    for package; do
        dpkg-deb --fsys-tarfile "$(apt_downloaded "$package")" |
            tar -x -C "$root" -p --keep-directory-symlink --exclude='./usr/share/doc/*'
    done
}

make_derived() {
    local into=$1 root kernel package
    root=$(overlay_root dkms deriving)
    expect 0 bake_nvidia "$root"
    for kernel in "${BENCH_KERNELS[@]}"; do
        mapfile -t packages < <(bench_kernel_packages "$kernel")
        bench_unpack "$root" "${packages[@]}"
        say "dkms compiles NVIDIA's modules for $kernel"
        run in_root "$root" dkms build "$nvidia" -k "$kernel"
        assert_contains "dkms status" "$nvidia, $kernel, x86_64: built" \
            "$(in_root "$root" dkms status)"
        mkdir -p "$into/$kernel"
        cp -a "$root/var/lib/dkms/$nvidia/$kernel/x86_64" "$into/$kernel/"
    done
}

make_unbaked() {
    local disk=$1 root kernel
    root=$(fresh_root dkms unbaked)
    for kernel in "${BENCH_KERNELS[@]}"; do
        bench_unpack "$root" "linux-image-$kernel"
        (umask 022 && depmod -b "$root" "$kernel")
    done
    install -D -t "$root/usr/local/sbin" "$top/test/bench/peers"/*
    truncate -s 4G "$disk"
    mke2fs -q -t ext4 -d "$root" "$disk"
    rm -rf --one-file-system "$root"
}

# A copy of the disk $1 as the file $2, mounted at $root.
bench_mount_copy() {
    root=$scratch/making
    cp --sparse=always "$bench_dir/$1" "$2"
    mkdir -p "$root"
    mount -o loop,noatime "$2" "$root"
}

# What an image builder takes out last; the blocks go, too, so that copies are quick.
bench_finish() {
    rm -rf "$root"/usr/src/linux-* "$root"/usr/lib/gcc "$root"/usr/lib/linux-kbuild-* \
        "${root:?}"/boot/* "$root"/var/cache/apt "$root"/var/lib/apt/lists
    ! mountpoint -q "$root/proc" || umount "$root/proc"
}

bench_unmount() {
    fstrim "$root"
    umount "$root"
}

make_sealed() {
    local kernel
    bench_mount_copy unbaked "$1"
    userspace_make "$scratch/userspace"
    expect 0 bake_nvidia "$root" --userspace "$scratch/userspace"
    rm -r "$scratch/userspace"
    for kernel in "${BENCH_KERNELS[@]}"; do
        cp -a "$bench_dir/derived/$kernel" "$root/var/lib/dkms/$nvidia/"
        run in_root "$root" dkms install "$nvidia" -k "$kernel"
    done
    for kernel in "${bench_kernels[@]}"; do
        assert_contains "dkms status" "$nvidia, $kernel, x86_64: installed" \
            "$(in_root "$root" dkms status)"
    done
    bench_finish
    expect 0 "$prebake" seal --root "$root"
    assert_contains "sealed" "kernels=${#bench_kernels[@]} " "$out"
    bench_unmount
}

make_erased() {
    bench_mount_copy sealed "$1"
    expect 0 teardown "$root"
    bench_unmount
}

# A driver's userspace, filled up to 500 MB.
make_large_userspace() {
    local dir=$1 i
    userspace_make "$dir"
    for i in {1..50}; do
        head -c 10M /dev/urandom >"$dir/usr/share/nvidia/data-$i"
    done
}

make_parked() {
    bench_mount_copy unbaked "$1"
    make_large_userspace "$scratch/userspace"
    expect 0 bake_nvidia "$root" --layout parked --userspace "$scratch/userspace"
    rm -r "$scratch/userspace"
    bench_finish
    expect 0 "$prebake" seal --root "$root"
    bench_unmount
}

make_active() {
    local files
    bench_mount_copy parked "$1"
    expect 0 "$prebake_node" activate --root "$root"
    # shellcheck disable=SC2119
    files=$(initramfs_files)
    make_initramfs "initrd.img-$KERNEL" zstd "$files"
    make_initramfs initrd.img-rescue gzip "$files"
    expect 0 "$prebake" seal --root "$root"
    bench_unmount
}

# The kept disk many-$1.
keep_many() {
    bench_keep "many-$1" "make_many_$1" "$(bench_recipe unbaked)" \
        "$(declare -f make_many register_many prebuilt_registered)"
}
make_many_150() { make_many 150 "$1"; }
make_many_600() { make_many 600 "$1"; }

register_many() {
    local package=$1/1.0 kernel=$2 number=$3 modules
    mapfile -t modules < <(seq -f "$1%04g" "$number")
    prebuilt_source "$root" "$1" 1.0 "${modules[@]}"
    prebuilt_registered "$root" "$package" "$kernel"
    assert_contains "dkms takes the tree for its own" "$package, $kernel, x86_64: installed" \
        "$(dkms_in "$root" status)"
}

make_many() {
    bench_mount_copy unbaked "$2"
    fake_kernel "$root" "$small_kernel"
    register_many many "$small_kernel" "$1"
    register_many full "$KERNEL" "$1"
    bench_finish
    bench_unmount
}

bench_images() {
    mkdir -p "$bench_dir"
    bench_keep unbaked make_unbaked "$(cat "$build/roots/dkms.recipe" "$top/test/bench/peers"/*)"
    keep_many 150
    keep_many 600
    bench_keep derived make_derived
    bench_keep sealed make_sealed "$(bench_recipe derived)" "$(bench_recipe unbaked)" \
        "$(cat "$prebake" "$prebake_node" | sha256sum)" "$(declare -f bench_finish userspace_make)"
    bench_keep erased make_erased "$(bench_recipe sealed)"
    bench_keep parked make_parked "$(bench_recipe unbaked)" \
        "$(cat "$prebake" "$prebake_node" | sha256sum)" "$(declare -f userspace_make)"
    bench_keep active make_active "$(bench_recipe parked)" "$(declare -f make_initramfs)"
}

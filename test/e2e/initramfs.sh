#!/bin/bash
# Initramfs images on a node: those that a bake or a seal read are not read again; one that is new is
# read by the system's own decompressors; and a teardown that can't say that the bake's modules are
# in none of them is incomplete.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"
# shellcheck source=test/lib/initramfs.sh
. "$test_lib/initramfs.sh"

image=initrd.img-$KERNEL

baked_root() {
    start_root
    [[ $# -eq 0 ]] || make_initramfs "$image" "$1" "$(initramfs_files)"
    bake_root >/dev/null
}

# The images made from what is in the root now, and with an argument one of the bake's modules.
make_anew() {
    rm "$root/boot/$image" 2>/dev/null || true
    make_initramfs "$image" "$1" "$(initramfs_files "${@:2}")"
}

# A teardown; $started and $opened are the programs that it started and the images that it read.
watched_teardown() {
    local log=$scratch/watched
    run strace -f -qq -e trace=execve,openat,openat2 -o "$log" "$prebake_node" teardown --root "$root"
    # shellcheck disable=SC2034
    started=$(grep -F 'execve(' "$log" | sed 1d | cut -d'"' -f2)
    opened=$(grep -F O_RDONLY "$log" | grep -vF O_PATH | grep -c "$image" || true)
}

expect_incomplete() {
    expect 3 teardown "$root"
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "telemetry" "initramfs=$1" "$out"
    assert_contains "the marker stays" "marker_after=true" "$out"
    assert_contains "the sentence" "/boot/$image" "$err"
    # All else is done.
    assert_absent "$root/var/lib/dkms/$small_name"
    assert_absent "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko"
}

expect_cleaned() {
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "initramfs=clean" "$out"
    assert_absent "$root/var/lib/prebake"
}

test_unchanged_images_are_not_read() {
    baked_root "zstd -q"
    watched_teardown
    assert_equal "exit status" 0 "$status"
    assert_contains "telemetry" "initramfs=clean" "$out"
    assert_equal "programs" "" "$started"
    assert_equal "images that were read" 0 "$opened"
}

test_no_images() {
    baked_root
    expect_cleaned
}

# The digest tells, and no decompressor is needed.
test_copied_images_are_not_unpacked() {
    baked_root "zstd -q"
    cp -a "$root" "$scratch/copy"
    root=$scratch/copy
    touch "$root/boot/$image"
    watched_teardown
    assert_equal "exit status" 0 "$status"
    assert_equal "programs but depmod" "" "$(grep -v depmod <<<"$started" || true)"
    assert_equal "images that were read" 1 "$opened"
}

# Packed each way, by the program for it; then made anew without the module.
test_image_with_a_module() {
    local pack
    baked_root "zstd -q"
    initramfs_files "$small_name-core.ko" >/dev/null
    for pack in cat "gzip -n" "bzip2" "xz --check=crc32" "lz4 -q" "lz4 -q -l" "zstd -q"; do
        rm "$root/boot/$image"
        make_initramfs "$image" "$pack" "$scratch/files"
        expect_incomplete stale
        assert_contains "what to do" "update-initramfs -u -k $KERNEL" "$err"
    done
    make_anew "zstd -q"
    watched_teardown
    assert_equal "exit status" 0 "$status"
    assert_contains "telemetry" "initramfs=clean" "$out"
    assert_equal "the one program" zstd "$(basename "$started")"
}

# A renamed module, told by its build id, as it is and packed.
test_image_with_a_renamed_module() {
    local tool
    baked_root "zstd -q"
    make_anew "zstd -q" "$small_name-core.ko" kernel/renamed.ko
    for tool in xz zstd; do
        "$tool" -q --keep "$scratch/files/usr/lib/modules/$KERNEL/kernel/renamed.ko"
    done
    rm "$scratch/files/usr/lib/modules/$KERNEL/kernel/renamed.ko.xz"
    rm "$scratch/files/usr/lib/modules/$KERNEL/kernel/renamed.ko"
    expect_incomplete stale
    assert_contains "the module" "kernel/renamed.ko" "$err"
    rm "$root/boot/$image"
    make_initramfs "$image" "gzip -n" "$scratch/files"
    expect_incomplete stale
    assert_contains "the module" "kernel/renamed.ko.zst" "$err"
}

# The place of a module of DKMS' own making, also when nothing but the image still has it.
test_image_with_a_derived_module() {
    local second=6.99.0-second
    baked_root "zstd -q"
    add_kernel "$second"
    derive_build "$second"
    image=initrd.img-$second
    mkdir -p "$scratch/derived/lib/modules/$second/updates/dkms"
    echo "a build of its own" >"$scratch/derived/lib/modules/$second/updates/dkms/$small_name-user.ko"
    make_initramfs "$image" "zstd -q" "$scratch/derived"
    expect_incomplete stale
    expect_incomplete stale
    assert_contains "what to do" "update-initramfs -u -k $second" "$err"
    rm "$root/boot/$image"
    expect_cleaned
}

# A customer's driver in the module's place, and in the image: theirs.
test_image_with_a_customers_module() {
    baked_root "zstd -q"
    cp "$start/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" \
        "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko"
    make_anew "zstd -q" "$small_name-core.ko"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "foreign=1 initramfs=clean" "$out"
}

# Nobody can say what is in it.
test_image_that_can_not_be_read() {
    baked_root "zstd -q"
    head -c 5000 /dev/urandom >"$root/boot/$image"
    expect_incomplete unread
    make_anew "zstd -q"
    truncate -s -1000 "$root/boot/$image"
    expect_incomplete unread
    make_anew "zstd -q"
    expect_cleaned
}

# In a root that is entered: without the program for it.
test_decompressor_that_is_missing() {
    baked_root
    make_anew "zstd -q"
    cp "$prebake_node" "$root/usr/sbin/prebake-node"
    expect 3 chroot "$root" /usr/sbin/prebake-node teardown
    assert_contains "telemetry" "initramfs=unread" "$out"
    assert_contains "the sentence" "zstd is not installed" "$err"
    make_anew cat
    expect 0 chroot "$root" /usr/sbin/prebake-node teardown
    assert_contains "telemetry" "initramfs=clean" "$out"
}

# What is there before the bake is looked at before anything is placed.
test_bake_with_an_image_of_the_module() {
    baked_root
    mkdir "$scratch/kept"
    cp "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko" "$scratch/kept"
    rm -rf "$root"
    start_root
    mkdir -p "$scratch/files/lib/modules/$KERNEL/updates/dkms"
    cp "$scratch/kept"/* "$scratch/files/lib/modules/$KERNEL/updates/dkms/"
    make_initramfs "$image" "zstd -q" "$scratch/files"
    expect_refusal_unchanged "$root" 7 "update-initramfs -u -k $KERNEL" bake_root
}

test_json() {
    baked_root "zstd -q"
    make_anew "zstd -q" "$small_name-core.ko"
    expect 3 teardown "$root" --json
    assert_equal "initramfs" stale "$(jq -r .initramfs <<<"$out")"
}

sealing_begin
run_tests "$@"

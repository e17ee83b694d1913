#!/bin/bash
# prebake seal: after whatever an image's build did since the bake, a teardown on a node switches
# index files and runs no depmod, and the index is what depmod would give; and an image that can't
# be torn down, or whose bake is of no use, fails its build.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"
# shellcheck source=test/lib/initramfs.sh
. "$test_lib/initramfs.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

state=var/lib/prebake
placed=lib/modules/$KERNEL/updates/dkms/$small_name-core.ko
second=6.99.0-second
third=6.99.0-third

baked_root() {
    start_root
    snapshot "$root" >"$scratch/before"
    bake_root >/dev/null
}

expect_sealed() {
    expect 0 seal
    assert_equal "one line" 1 "$(wc -l <<<"$out")"
    assert_contains "telemetry" "PREBAKE event=seal status=sealed $1 duration_ms=" "$out"
}

# Sealing again finds nothing to do and changes nothing.
expect_nothing_left_to_seal() {
    snapshot_with_program "$root" >"$scratch/sealed"
    expect 0 seal
    assert_contains "telemetry" "refreshed=0 forgotten=0" "$out"
    snapshot_with_program "$root" >"$scratch/sealed-again"
    assert_same_tree "the second seal" "$scratch/sealed" "$scratch/sealed-again"
}

expect_switch() {
    traced_teardown
    assert_equal "programs that the teardown starts" "" "$started"
}

# --- indexes

test_unchanged_image() {
    baked_root
    snapshot_with_program "$root" >"$scratch/baked"
    expect_sealed "kernels=1 refreshed=0 forgotten=0"
    snapshot_with_program "$root" >"$scratch/sealed"
    assert_same_tree "a seal with nothing to do" "$scratch/baked" "$scratch/sealed"
    expect_switch
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

test_module_added_without_depmod() {
    baked_root
    add_module "$KERNEL" updates/other.ko
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    assert_index_is_fresh "$KERNEL"
    expect_nothing_left_to_seal
    expect_switch
    assert_index_is_fresh "$KERNEL"
    run modprobe -d "$root" -S "$KERNEL" -n other
    assert_equal "the other module is found" 0 "$status"
}

test_module_removed_and_depmod_run() {
    baked_root
    rm "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko"
    (umask 022 && depmod -b "$root" "$KERNEL")
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    expect_nothing_left_to_seal
    expect_switch
    assert_index_is_fresh "$KERNEL"
}

# The files from before the bake, times and all: nothing but an index of the same content came.
test_depmod_run_alone() {
    baked_root
    (umask 022 && depmod -b "$root" "$KERNEL")
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    expect_nothing_left_to_seal
    expect_switch
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# DKMS built for kernels that came after the bake.
test_derived_kernels() {
    baked_root
    add_kernel "$second"
    add_kernel "$third"
    index_of "$second" >"$scratch/second"
    derive_build "$second"
    expect_sealed "kernels=2 refreshed=1 forgotten=0"
    derive_build "$third"
    expect_sealed "kernels=3 refreshed=1 forgotten=0"
    expect_nothing_left_to_seal
    assert_equal "modules that a teardown need not read" \
        "$(find "$root/lib/modules/$second/updates" "$root/lib/modules/$third/updates" \
            -name '*.ko' | wc -l)" \
        "$(jq '.compared | length' "$root/$state/facts")"
    expect_switch
    assert_equal "the second kernel's index" "$(<"$scratch/second")" "$(index_of "$second")"
    assert_index_is_fresh "$third"
    assert_absent "$root/var/lib/dkms/$small_name"
    assert_absent "$root/lib/modules/$second/updates"
}

# In its place, with the old name, size and time.
test_derived_module_that_was_changed() {
    local module
    baked_root
    add_kernel "$second"
    derive_build "$second"
    expect_sealed "kernels=2 refreshed=1 forgotten=0"
    module=$root/lib/modules/$second/updates/dkms/$small_name-core.ko
    touch -r "$module" "$scratch/time"
    printf X | dd of="$module" bs=1 seek=100 conv=notrunc status=none
    touch -r "$scratch/time" "$module"
    run "$prebake_node" teardown --root "$root"
    assert_contains "it is somebody else's" "foreign=1" "$out"
    assert_exists "$module"
    assert_index_is_fresh "$second"
}

# The real dkms does it, compiling in the root.
test_kernel_that_dkms_built_for() {
    root=$(overlay_root dkms)
    bake_small "$root" 1.0 >/dev/null
    fake_kernel "$root" "$second"
    index_of "$second" >"$scratch/second"
    run dkms_in "$root" autoinstall -k "$second"
    assert_contains "dkms status" "$small_name/1.0, $second, x86_64: installed" \
        "$(dkms_in "$root" status 2>&1)"
    assert_exists "$root/lib/modules/$second/updates/dkms/$small_name-core.ko"
    expect_sealed "kernels=2 refreshed=1 forgotten=0"
    expect_switch
    assert_equal "the second kernel's index" "$(<"$scratch/second")" "$(index_of "$second")"
    assert_absent "$root/var/lib/dkms/$small_name"
    assert_absent "$root/lib/modules/$second/updates"
}

test_kernel_that_is_gone_is_forgotten() {
    baked_root
    add_kernel "$second"
    derive_build "$second"
    expect_sealed "kernels=2 refreshed=1 forgotten=0"
    rm -r "$root/lib/modules/$second" "$root/var/lib/dkms/$small_name/kernel-$second-x86_64" \
        "$root/var/lib/dkms/$small_name/1.0/$second"
    expect_sealed "kernels=1 refreshed=0 forgotten=1"
    assert_absent "$root/$state/store/index/$second"
    expect_nothing_left_to_seal
    expect_switch
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# Not sealed since: depmod for the kernels that changed, and for no other.
test_changed_after_sealing() {
    baked_root
    add_kernel "$second"
    derive_build "$second"
    expect_sealed "kernels=2 refreshed=1 forgotten=0"
    add_module "$second" updates/other.ko
    traced_teardown
    assert_equal "one program" 1 "$(wc -l <<<"$started")"
    assert_contains "it is depmod" "depmod" "$started"
    assert_contains "for the kernel that changed" "\"$second\"" "$started"
    assert_index_is_fresh "$second"
    assert_index_is_fresh "$KERNEL"
}

# In its place, so that no folder changes.
test_module_rewritten_after_sealing() {
    baked_root
    add_module "$KERNEL" extra/vendor.ko
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    cat "$start/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" \
        >"$root/lib/modules/$KERNEL/extra/vendor.ko"
    traced_teardown
    assert_equal "one program" 1 "$(wc -l <<<"$started")"
    assert_contains "it is depmod" "depmod" "$started"
    assert_index_is_fresh "$KERNEL"
}

# Parking and activating moves modules, whose times change with that.
test_parked_and_activated_after_sealing() {
    baked_root
    add_module "$KERNEL" extra/other.ko
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    expect 0 "$prebake_node" park --root "$root"
    expect 0 strace -f -qq -e trace=execve -e signal=none -o "$scratch/execve" \
        "$prebake_node" activate --root "$root"
    assert_equal "programs that activating starts" 1 "$(wc -l <"$scratch/execve")"
    expect_switch
    assert_index_is_fresh "$KERNEL"
}

test_never_sealed() {
    baked_root
    add_module "$KERNEL" updates/other.ko
    traced_teardown
    assert_contains "depmod" "\"$KERNEL\"" "$started"
    assert_index_is_fresh "$KERNEL"
}

# As an image that was taken file by file: everything has another inode.
test_copied_image() {
    baked_root
    cp -a "$root" "$scratch/copy"
    root=$scratch/copy
    expect_sealed "kernels=1 refreshed=1 forgotten=0"
    expect_nothing_left_to_seal
    touch "$root/usr/src/$small_name-1.0/dkms.conf" # by its content it would still be ours
    expect_switch
    assert_contains "the recorded inodes are the copy's" "foreign=1" "$out"
    rm -r "$root/usr/src/$small_name-1.0"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

test_json() {
    baked_root
    add_module "$KERNEL" updates/other.ko
    expect 0 seal --json
    assert_equal "its facts" \
        '["seal","sealed",1,1,0,0]' \
        "$(jq -c '[.event, .status, .kernels, .refreshed, .forgotten, .initramfs]' <<<"$out")"
    jq -e '.format == 1 and .duration_ms >= 0' <<<"$out" >/dev/null || fail "format: $out"
}

# --- what fails a build

test_no_bake() {
    start_root
    expect_refusal_unchanged "$root" 4 "carries no bake" seal
    bake_root
    expect 0 teardown "$root"
    expect_refusal_unchanged "$root" 4 "carries no bake" seal
}

# One change to a baked root, as a command, must be refused with the status and words given.
refused() {
    local status_wanted=$1 words=$2
    shift 2
    umount "$scratch/changed/root" 2>/dev/null || true
    rm -rf "$scratch/changed" "$scratch/root"
    baked_root
    (cd "$root" && "$@")
    expect_refusal_unchanged "$root" "$status_wanted" "$words" seal
}

flip_a_byte() { printf x | dd of="$1" seek=999 bs=1 conv=notrunc status=none; }

other_marker() {
    local digest
    digest=$(sha256sum "$state/facts" | cut -c1-64)
    sed -i "s/^manifest_sha256=.*/manifest_sha256=$digest/" "$state/marker"
}

test_damaged_bake() {
    refused 7 "$small_name-core.ko is gone" rm "$placed"
    refused 7 "$small_name-core.ko is not what" flip_a_byte "$placed"
    refused 7 "dkms.conf is not what" sed -i 's/yes/no/' "usr/src/$small_name-1.0/dkms.conf"
    refused 7 "DKMS" rm -r "var/lib/dkms/$small_name/1.0/$KERNEL"
    refused 7 "facts" rm "$state/facts"
    refused 7 "manifest" rm "$state/manifest.mtree"
    refused 4 "manifest" other_marker
    refused 4 "manifest" chmod 0666 "$state/manifest.mtree"
}

test_kernel_that_is_gone() {
    refused 7 "no longer has" rm -r "lib/modules/$KERNEL"
    # As after apt purge: the folder stays for what others put there.
    refused 7 "no longer has" find "lib/modules/$KERNEL/" -mindepth 1 -maxdepth 1 \
        ! -name updates -exec rm -r {} +
}

test_unfinished_change() {
    refused 3 "tearing-down" bash -c "echo tearing-down >$state/state"
    refused 7 "state" bash -c "echo nonsense >$state/state"
}

test_node_program() {
    refused 7 "prebake-node is gone" rm usr/sbin/prebake-node
    refused 7 "prebake-node is gone" chmod 0644 usr/sbin/prebake-node
    refused 13 "libkmod.so.2" find usr/lib/x86_64-linux-gnu -name 'libkmod.so.2*' -delete
}

test_headers() {
    local headers=usr/src/linux-headers-$KERNEL
    refused 7 "Module.symvers" sed -i '1s/^0x......../0x01234567/' "$headers/Module.symvers"
    baked_root_without "$headers"
    expect_sealed "kernels=1 refreshed=0 forgotten=0"
}

baked_root_without() {
    rm -rf "$root"
    baked_root
    rm -r "${root:?}/$1"
}

# --- initramfs

test_initramfs_without_the_modules() {
    baked_root
    make_initramfs "initrd.img-$KERNEL" "zstd -q" "$(initramfs_files)"
    make_initramfs "initrd.img-other" "gzip -n" "$(initramfs_files)"
    make_initramfs "initrd.img-third" "xz --check=crc32" "$(initramfs_files)"
    expect 0 seal --json
    assert_equal "images that were read" 3 "$(jq .initramfs <<<"$out")"
}

test_initramfs_with_a_baked_module() {
    local pack
    for pack in cat "gzip -n" "xz --check=crc32" "zstd -q" bzip2; do
        rm -rf "$scratch/root"
        baked_root
        make_initramfs "initrd.img-$KERNEL" "$pack" "$(initramfs_files "$small_name-core.ko")"
        expect_refusal_unchanged "$root" 7 "boot/initrd.img-$KERNEL holds the baked module" seal
        assert_contains "the module" "updates/dkms/$small_name-core.ko" "$err"
        assert_contains "what to do" "update-initramfs -u -k $KERNEL" "$err"
    done
}

# Under another name in another place: the build id tells.
test_initramfs_with_a_renamed_module() {
    baked_root
    make_initramfs "initrd.img-$KERNEL" "zstd -q" \
        "$(initramfs_files "$small_name-core.ko" kernel/renamed.ko)"
    expect_refusal_unchanged "$root" 7 "kernel/renamed.ko" seal
}

test_initramfs_with_a_derived_module() {
    baked_root
    add_kernel "$second"
    derive_build "$second"
    mkdir -p "$scratch/derived/lib/modules/$second/updates/dkms"
    echo "a build of its own" >"$scratch/derived/lib/modules/$second/updates/dkms/$small_name-user.ko"
    make_initramfs "initrd.img-$second" "zstd -q" "$scratch/derived"
    expect_refusal_unchanged "$root" 7 "update-initramfs -u -k $second" seal
}

test_initramfs_that_is_none() {
    baked_root
    mkdir -p "$root/boot"
    head -c 5000 /dev/urandom >"$root/boot/initrd.img-$KERNEL"
    expect_refusal_unchanged "$root" 7 "boot/initrd.img-$KERNEL" seal
}

sealing_begin
run_tests "$@"

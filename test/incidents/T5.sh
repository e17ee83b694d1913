#!/bin/bash
# T5 (AgentBaker 9544 review): a clean-up that could not remove a file reported "incomplete" and
# exited with 0; the caller went on. Here it is 3, and again until the file can go.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

updates=usr/lib/modules/$KERNEL/updates/dkms
marker=var/lib/prebake/marker

# Incomplete as often as it is tried, everything else gone, the file named; then whole.
incomplete_while() {
    local hold=$1 release=$2 file=$3 tries
    baked_root
    "$hold" "$root/$file"
    for tries in 1 2; do
        expect 3 teardown "$root"
        assert_contains "try $tries: the event" " status=incomplete " "$out"
        assert_contains "try $tries: the marker stays" " marker_after=true " "$out"
        assert_contains "try $tries: the file is named" "$root/$file" "$err"
        assert_exists "$root/$marker"
        assert_equal "the state" tearing-down "$(<"$root/var/lib/prebake/state")"
        assert_absent "$root/$updates/$small_name-user.ko"
        modprobe_finds_nothing
    done
    "$release" "$root/$file"
    expect 0 teardown "$root"
    assert_contains "the event" " status=cleaned " "$out"
    assert_absent "$root/$marker"
    bake_is_gone
}

# Not even the module that could not go.
modprobe_finds_nothing() {
    run modprobe -d "$root" -S "$KERNEL" --show-depends "$small_name-core"
    ((status != 0)) || fail "modprobe resolves it: $out"
}

# A mount on the file itself: unlink(2) gives EBUSY. (chattr +i on the file would change its ctime:
# a file that somebody gave an attribute is somebody's, and stays.)
mounted() {
    mount --bind "$1" "$1"
    mount -o remount,bind,ro "$1"
}
unmounted() { umount "$1"; }

# Nothing can be removed from its folder.
immutable() { chattr +i "$(dirname "$1")"; }
mutable() { chattr -i "$(dirname "$1")"; }

test_t5_module_with_a_mount_on_it() {
    incomplete_while mounted unmounted "$updates/$small_name-core.ko"
}

# DKMS made the modules for another kernel, too: its index is put right all the same.
test_t5_another_kernel_is_put_right() {
    local tries
    baked_root
    small_root_derive "$root"
    mounted "$root/$updates/$small_name-core.ko"
    for tries in 1 2; do
        expect 3 teardown "$root"
        assert_contains "try $tries: the file is named" "$root/$updates/$small_name-core.ko" "$err"
        assert_absent "$root/usr/lib/modules/$later_kernel/updates/dkms/$small_name-core.ko"
        run modprobe -d "$root" -S "$later_kernel" -n "$small_name-core"
        assert_contains "try $tries: the other kernel's index" "not found" "$err"
    done
    unmounted "$root/$updates/$small_name-core.ko"
    expect 0 teardown "$root"
    bake_is_gone
}

test_t5_source_with_a_mount_on_it() {
    incomplete_while mounted unmounted "usr/src/$small_name-1.0/small_core.c"
}

test_t5_registration_in_an_immutable_folder() {
    incomplete_while immutable mutable \
        "var/lib/dkms/$small_name/1.0/$KERNEL/x86_64/module/$small_name-user.ko"
}

test_t5_source_in_an_immutable_folder() {
    incomplete_while immutable mutable "usr/src/$small_name-1.0/small_user.c"
}

# In an image that was copied, contents decide what is ours, and an attribute of the file is only in
# the way.
test_t5_immutable_file_in_a_copy() {
    local copy=$scratch/copy
    baked_root
    cp -a "$root" "$copy"
    chattr +i "$copy/$updates/$small_name-core.ko"
    expect 3 teardown "$copy"
    assert_contains "the event" " status=incomplete " "$out"
    assert_contains "the file is named" "$small_name-core.ko" "$err"
    assert_exists "$copy/$marker"
    chattr -i "$copy/$updates/$small_name-core.ko"
    expect 0 teardown "$copy"
    assert_absent "$copy/$updates/$small_name-core.ko"
    assert_absent "$copy/$marker"
}

test_t5_json_says_it_too() {
    baked_root
    mounted "$root/$updates/$small_name-core.ko"
    expect 3 teardown "$root" --json
    assert_equal "status and marker_after" "incomplete true" \
        "$(jq -r '"\(.status) \(.marker_after)"' <<<"$out")"
    unmounted "$root/$updates/$small_name-core.ko"
}

# The real dkms with the same obstacle: it says so, removes its registration all the same, ends with
# 0 and can't be run again.
test_t5_dkms() {
    baked_root
    local theirs obstacle=lib/modules/$KERNEL/updates/dkms/stuck.ko
    theirs=$(overlay_root dkms theirs)
    prebuilt_source "$theirs" stuck 1.0 stuck
    dkms_installed "$theirs" stuck/1.0 "$KERNEL"
    mounted "$theirs/$obstacle"
    expect 0 dkms_in "$theirs" remove stuck/1.0 --all
    assert_exists "$theirs/$obstacle"
    assert_equal "dkms status" "" "$(dkms_in "$theirs" status)"
    unmounted "$theirs/$obstacle"
    run dkms_in "$theirs" remove stuck/1.0 --all
    ((status != 0)) || fail "dkms should not know it any more: $out"
    assert_exists "$theirs/$obstacle"
}

baked_image_make
run_tests "$@"

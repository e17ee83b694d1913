#!/bin/bash
# prebake-node teardown --legacy-marker: which marker counts, and which is not believed. What goes by
# it and what stays is in test/incidents (C1, T6, T7, T8, X1) and test/sweeps/legacy.sh.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/initramfs.sh
. "$test_lib/initramfs.sh"

version=580.126.09

legacy_image() {
    root=$(overlay_root node "${1:-root}")
    legacy_programs_of "$root" "$version"
    legacy_write_marker "$root" "$version"
}

# prebake's own bake is what a first run takes down; the other tool's is a second run's matter.
test_own_marker_wins() {
    legacy_image
    bake_small "$root" 1.0
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_absent "$root/var/lib/prebake"
    assert_absent "$root/$legacy_updates/prebake-small-core.ko"
    assert_exists "$root$legacy_marker"
    assert_exists "$root/usr/bin/nvidia-smi"
    expect 0 legacy_teardown "$root"
    assert_absent "$root$legacy_marker"
    assert_absent "$root/usr/bin/nvidia-smi"
}

# It asks for a lock, so that the folder is made; nothing of it stays.
test_state_folder_goes_again() {
    legacy_image
    expect 0 legacy_teardown "$root"
    assert_absent "$root/var/lib/prebake"
    legacy_image second
    mkdir -m 0700 "$root/var/lib/prebake"
    echo 'somebody wrote this' >"$root/var/lib/prebake/note"
    expect 0 legacy_teardown "$root"
    assert_exists "$root/var/lib/prebake/note"
}

# The signal that ends it comes when the modules go: the index does not name them afterwards.
test_signal_between_files_and_index() {
    legacy_image
    legacy_module "$root/$legacy_updates/nvidia.ko" "$version"
    (umask 022 && depmod -b "$root" "$KERNEL")
    run strace -f -qq -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=SIGTERM:when=1 \
        "$prebake_node" teardown --root "$root" --legacy-marker "$legacy_marker"
    assert_equal "status of a signal" 143 "$status"
    assert_absent "$root/$legacy_updates/nvidia.ko"
    run modprobe -d "$root" -S "$KERNEL" -n nvidia
    assert_equal "modprobe finds it" 1 "$status"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
}

test_only_when_asked() {
    legacy_image
    snapshot "$root" >"$scratch/before"
    expect 0 teardown "$root"
    assert_equal "nothing is said" "" "$out$err"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "without the option" "$scratch/before" "$scratch/after"
}

test_json() {
    legacy_image
    echo 'not proven' >"$root/usr/bin/nvidia-powerd"
    expect 0 legacy_teardown "$root" --json
    assert_equal "the result" '"cleaned" 1 false' \
        "$(jq -c '.status, .foreign, .marker_after' <<<"$out" | paste -sd ' ')"
}

test_paths_that_are_none() {
    local path
    legacy_image
    for path in opt/marker /opt/../opt/marker / ""; do
        expect_refusal_unchanged "$root" 2 --legacy-marker "$prebake_node" teardown --root "$root" \
            --legacy-marker "$path"
    done
}

test_markers_that_are_not_believed() {
    local marker
    legacy_image
    marker=$root$legacy_marker
    chmod 0666 "$marker"
    expect_refusal_unchanged "$root" 4 "writable" legacy_teardown "$root"
    chmod 0644 "$marker"
    chown 1000 "$marker"
    expect_refusal_unchanged "$root" 4 "owned by root" legacy_teardown "$root"
    chown 0 "$marker"
    ln "$marker" "$marker.second"
    expect_refusal_unchanged "$root" 4 "hard link" legacy_teardown "$root"
    rm "$marker"
    ln -s "$(basename "$marker.second")" "$marker"
    expect_refusal_unchanged "$root" 4 "symbolic link" legacy_teardown "$root"
    rm "$marker"
    mkfifo "$marker"
    expect_refusal_unchanged "$root" 4 "regular file" legacy_teardown "$root"
    rm "$marker"
    mv "$marker.second" "$marker"
    chmod 0777 "$(dirname "$marker")"
    expect_refusal_unchanged "$root" 4 "$(dirname "$legacy_marker")" legacy_teardown "$root"
}

test_values_that_are_not_believed() {
    local value
    legacy_image
    for value in ../../etc '580.126.09 status=cleaned' '580/126' 580.126.09x; do
        printf 'driver_version=%s\n' "$value" >"$root$legacy_marker"
        expect_refusal_unchanged "$root" 4 driver_version legacy_teardown "$root"
    done
    printf 'driver_version=%s\ndriver_version=%s\n' "$version" 550.1 >"$root$legacy_marker"
    expect_refusal_unchanged "$root" 7 "repeats" legacy_teardown "$root"
    printf 'driver_version=%s\0\n' "$version" >"$root$legacy_marker"
    expect_refusal_unchanged "$root" 7 NUL legacy_teardown "$root"
    head -c 70000 /dev/zero | tr '\0' x >"$root$legacy_marker"
    expect_refusal_unchanged "$root" 4 "$legacy_marker" legacy_teardown "$root"
}

# Planted links: nothing is removed through them.
test_planted_links() {
    legacy_image
    mkdir "$root/opt/mine"
    legacy_library "$root/opt/mine/libcuda.so.$version" "$version"
    ln -s /opt/mine "$root/usr/bin/lib64"
    mkdir -p "$root/lib/modules/$KERNEL/updates"
    mkdir "$root/opt/modules"
    legacy_module "$root/opt/modules/nvidia.ko" "$version"
    ln -s /opt/modules "$root/$legacy_updates"
    ln -s /opt/mine "$root/var/lib/dkms"
    expect 0 legacy_teardown "$root"
    assert_exists "$root/opt/mine/libcuda.so.$version"
    assert_exists "$root/opt/modules/nvidia.ko"
    assert_exists "$root/usr/bin/lib64"
    assert_exists "$root/$legacy_updates"
}

# A module and an image that was made while it was there, as $1 in the folder of its kernel's modules.
image_with_a_module() {
    local files=$scratch/image
    legacy_image "${2:-root}"
    legacy_module "$root/$legacy_updates/nvidia-uvm.ko" "$version"
    run_in "$root" depmod "$KERNEL"
    rm -rf "$files"
    mkdir -p "$files/usr/lib/modules/$KERNEL/$(dirname "$1")"
    cp "$root/$legacy_updates/nvidia-uvm.ko" "$files/usr/lib/modules/$KERNEL/$1"
    make_initramfs "initrd.img-$KERNEL" "gzip -n" "$files"
}

expect_incomplete() {
    expect 3 legacy_teardown "$root"
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "telemetry" "initramfs=$1" "$out"
    assert_contains "the image" "/boot/initrd.img-$KERNEL" "$err"
    assert_exists "$root$legacy_marker"
    assert_absent "$root/$legacy_updates/nvidia-uvm.ko"
    assert_absent "$root/usr/bin/nvidia-smi"
}

# The image is made anew between two runs; until then each says the same, however the module is named.
test_module_in_an_initramfs() {
    local place
    for place in updates/dkms/nvidia-uvm.ko updates/dkms/nvidia_uvm.ko; do
        image_with_a_module "$place" "$(basename "$place")"
        expect_incomplete stale
        expect_incomplete stale
        assert_contains "what to do" "update-initramfs -u -k $KERNEL" "$err"
        rm "$root/boot/initrd.img-$KERNEL"
        make_initramfs "initrd.img-$KERNEL" "gzip -n" "$scratch/early"
        expect 0 legacy_teardown "$root"
        assert_contains "telemetry" "status=cleaned" "$out"
        assert_contains "telemetry" "initramfs=clean" "$out"
        assert_absent "$root$legacy_marker"
    done
}

test_initramfs_that_can_not_be_read() {
    image_with_a_module updates/dkms/nvidia-uvm.ko
    head -c 5000 /dev/urandom >"$root/boot/initrd.img-$KERNEL"
    expect_incomplete unread
}

# Another module of the same name, in another folder, and in the bake's own place a customer's.
test_other_modules_in_an_initramfs() {
    image_with_a_module kernel/drivers/nvidia-uvm.ko
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "initramfs=clean" "$out"
    image_with_a_module updates/dkms/nvidia-uvm.ko customer
    legacy_module "$root/$legacy_updates/nvidia-uvm.ko" 590.1
    run_in "$root" depmod "$KERNEL"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "foreign=1 initramfs=clean" "$out"
    assert_exists "$root/$legacy_updates/nvidia-uvm.ko"
}

test_no_initramfs() {
    legacy_image
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "initramfs=clean" "$out"
}

run_tests "$@"

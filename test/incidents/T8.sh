#!/bin/bash
# T8 (AgentBaker 0e1bf6c5cc): a clean-up by a fixed list of names left programs and the libraries
# that were copied to the system's own folder.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

userspace_kept

version=580.126.09
system_libraries=usr/lib/x86_64-linux-gnu

# The first boot with a GPU copies the libraries (install.sh of the AKS GPU image).
copy_libraries() {
    cp -r "$1"/usr/bin/lib64/lib64/* "$1/$system_libraries/"
    run_in "$1" ldconfig
}

# Content, not times, of what depmod and ldconfig write: a teardown runs them anew.
legacy_snapshot() {
    snapshot "$1" | sed -E '/\/(modules\.[a-z.]+|ld\.so\.cache|aux-cache) /s/ mtime=[0-9.]+//' |
        sed -E '/\/aux-cache /s/ sha256=.*//; /\/aux-cache /s/ size=[0-9]+//'
}

prepared_root() {
    root=$(overlay_root dkms "$1")
    legacy_source "$root" nvidia "$version"
    mkdir -p "$root$(dirname "$legacy_marker")" "$root/var/lib/dkms"
    mkdir -m 0700 "$root/var/lib/nvidia"
    run_in "$root" depmod "$KERNEL"
    run_in "$root" ldconfig
}

# Programs by a list that has not kept up with the driver, libraries by their folder.
clean_by_names() {
    local root=$1 name
    rm -rf "$root/var/lib/dkms/nvidia" "$root"/lib/modules/*/updates/dkms/nvidia*.ko* \
        "$root/usr/bin/lib64"
    for name in nvidia-smi nvidia-debugdump nvidia-persistenced nvidia-cuda-mps-control \
        nvidia-cuda-mps-server nvidia-modprobe nvidia-bug-report.sh; do
        rm -f "$root/usr/bin/$name"
    done
    rm -f "$root/etc/ld.so.conf.d/nvidia.conf" "$root$legacy_marker"
    run_in "$root" ldconfig
}

test_t8_names_leave_files_behind() {
    prepared_root theirs
    legacy_bake "$root" "$version"
    copy_libraries "$root"
    clean_by_names "$root"
    assert_exists "$root/usr/bin/nvidia-settings"
    assert_exists "$root/usr/bin/nvidia-newtool"
    assert_exists "$root/$system_libraries/libcuda.so.$version"
    assert_contains "the loader still finds them" libcuda.so.1 "$(run_in "$root" ldconfig -p)"
}

test_t8_identity() {
    prepared_root root
    legacy_snapshot "$root" >"$scratch/before"
    legacy_bake "$root" "$version"
    copy_libraries "$root"
    legacy_snapshot "$root" >"$scratch/baked"
    assert_different_tree "the bake" "$scratch/before" "$scratch/baked"
    assert_contains "the loader finds it" libcuda.so.1 "$(run_in "$root" ldconfig -p)"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "foreign=0" "$out"
    # The installer's log stays: it also lists what is in none of the known places.
    legacy_snapshot "$root" | grep -v '^/var/lib/nvidia/log ' >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
    assert_not_contains "the loader" "nvidia" "$(run_in "$root" ldconfig -p)"
    assert_not_contains "the loader" "libcuda" "$(run_in "$root" ldconfig -p)"
}

# Without a marker nothing is looked at, without a version in it nothing is believed.
test_t8_no_marker_no_change() {
    prepared_root root
    legacy_bake "$root" "$version"
    sed -i '/driver_version/d' "$root$legacy_marker"
    expect_refusal_unchanged "$root" 4 driver_version legacy_teardown "$root"
    echo driver_version=1.0 >>"$root$legacy_marker"
    expect_refusal_unchanged "$root" 4 1.0 legacy_teardown "$root"
    rm "$root$legacy_marker"
    snapshot "$root" >"$scratch/before"
    expect 0 legacy_teardown "$root"
    assert_equal "nothing is said" "" "$out$err"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root" "$scratch/before" "$scratch/after"
}

# A bake of our own knows each path it placed; what a node's owner copied since stays, and is not
# found any more by another name.
test_t8_our_own_bake() {
    local cache
    userspace_root
    cache=$root/etc/ld.so.cache
    userspace_loader_cache "$root"
    snapshot "$root" >"$scratch/before"
    expect 0 userspace_bake
    assert_contains "the loader finds it" libnvidia-ml.so.1 "$(ldconfig -p -C "$cache")"
    cp "$root/usr/bin/nvidia-smi" "$root/usr/bin/customers-copy"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_not_contains "the loader" nvidia "$(ldconfig -p -C "$cache")"
    assert_exists "$root/usr/bin/customers-copy"
    rm "$root/usr/bin/customers-copy"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

run_tests "$@"

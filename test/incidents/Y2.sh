#!/bin/bash
# Y2 (AgentBaker 9545, 9609): images live for half a year, so that old scripts meet new images, and new
# scripts old images. Each of the four pairs ends on the safe path, if on the slow one.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/reconciling.sh
. "$test_lib/reconciling.sh"

# The old scripts: they know the marker of the other tool's images, and nothing of prebake.
old_consumer() {
    local marker=$root$legacy_marker
    if [[ -f $marker ]] && grep -qx "kernel=$KERNEL" "$marker" &&
        grep -qx "driver_version=$1" "$marker"; then
        echo skipped
    else
        old_full_build
        echo built
    fi
}

# Modules of its own, by the names that it always had, with the real depmod.
old_full_build() {
    install -D -m 644 "$root/usr/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" \
        "$root/usr/lib/modules/$KERNEL/updates/dkms/built-in-full.ko"
    (umask 022 && depmod -b "$root" "$KERNEL")
}

# On a node that wants no driver.
old_clean_up() {
    [[ -f $root$legacy_marker ]] || return 0
    rm -rf "$root/var/lib/dkms/$small_name" "$root/usr/src/$small_name-1.0"
    rm -f "$root/usr/lib/modules/$KERNEL/updates/dkms/$small_name"-*.ko "$root$legacy_marker"
    (umask 022 && depmod -b "$root" "$KERNEL")
}

resolves() { modprobe -d "$root" -S "$KERNEL" --show-depends "$1" >/dev/null 2>&1; }

# New image, new scripts.
test_y2_new_and_new() {
    image_root cuda-parked
    expect 0 managed cuda 1.0
    assert_decision action=activate skip_build=true
    image_root cuda-active
    expect 0 managed cuda 1.0
    assert_decision action=keep skip_build=true
}

# A parked image shows old scripts nothing: they build in full, and what they built stays.
test_y2_old_scripts_parked_image() {
    image_root cuda-parked
    assert_equal "the old scripts" built "$(old_consumer 1.0)"
    resolves built-in-full || fail "what they built should be found"
    ! resolves "$small_name-core" || fail "the parked modules should not"
    expect 0 reconcile --gpu-node=false --skip-driver=false
    assert_decision action=teardown status=done
    resolves built-in-full || fail "what they built is theirs"
    image_root cuda-parked
    old_clean_up
    ! resolves "$small_name-core" || fail "a node without a driver has one"
    assert_equal "setuid or not, nothing is in its place" "" "$(find "$root" -xdev \
        -path "$root/var/lib/prebake" -prune -o -name "$small_name*" ! -name '*.kept' -print)"
}

# An active image has the marker that they look for, and it is true.
test_y2_old_scripts_active_image() {
    image_root cuda-active
    assert_equal "the old scripts" skipped "$(old_consumer 1.0)"
    resolves "$small_name-core" || fail "skipped, and there is no driver"
    assert_equal "another version" built "$(old_consumer 2.0)"
}

# What they clean up by names is gone; the rest goes with the next run of whoever knows it.
test_y2_old_clean_up_active_image() {
    image_root cuda-active
    old_clean_up
    ! resolves "$small_name-core" || fail "a node without a driver has one"
    expect 5 managed cuda 1.0
    assert_decision action=teardown reason=damaged skip_build=false
    marker_is_gone "after the old scripts"
    image_root cuda-active
    old_clean_up
    expect 0 reconcile --gpu-node=false --skip-driver=false
    assert_decision action=teardown reason=not_gpu_node status=done
    marker_is_gone "after the old scripts"
}

# An old image with new scripts: its marker is understood, and nothing that it does not say.
test_y2_new_scripts_old_image() {
    image_root legacy
    expect 0 managed cuda "$legacy_version"
    assert_decision action=keep reason=matches skip_build=true
    expect 5 managed cuda 590.1
    assert_decision action=teardown reason=version_differs
    marker_is_gone "another version"
    image_root legacy
    expect 0 reconcile --gpu-node=true --skip-driver=true
    assert_decision action=teardown reason=skip_driver
    marker_is_gone "no driver wanted"
}

# A marker whose modules are gone promises what is not there.
test_y2_old_image_without_its_modules() {
    image_root legacy
    rm "$root/usr/lib/modules/$KERNEL/updates/dkms/nvidia.ko"
    assert_equal "the old scripts" skipped "$(old_consumer "$legacy_version")"
    expect 5 managed cuda "$legacy_version"
    assert_decision action=teardown reason=damaged skip_build=false
}

# A newer prebake's image: untouched, and nobody skips.
test_y2_newer_records() {
    local before
    image_root cuda-parked
    sed -i 's/^format=1/format=2/' "$root/$state/marker"
    before=$(fingerprint)
    expect 4 managed cuda 1.0
    assert_decision action=none reason=marker_refused skip_build=false
    expect 4 reconcile --gpu-node=false --skip-driver=false
    assert_equal "the root" "$before" "$(fingerprint)"
}

own_compat=$legacy_marker
reconciling_images cuda
run_tests "$@"

#!/bin/bash
# T6 (a reference script): `grep ^nvidia` over modules matched the in-tree nvidiafb: incomplete for
# ever.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"

version=580.126.09

legacy_image() {
    root=$(overlay_root dkms "$1")
    legacy_source "$root" nvidia "$version"
    legacy_bake "$root" "$version"
    # Debian's cloud kernel has no frame buffers: the module is put where the others' is.
    legacy_module "$root/lib/modules/$KERNEL/kernel/drivers/video/fbdev/nvidia/nvidiafb.ko" 6.1
    legacy_module "$root/$legacy_updates/nvidiafb.ko" "$version"
    run_in "$root" depmod "$KERNEL"
}

# Complete means that no module beginning with nvidia is known any more.
looks_incomplete() { run_in "$1" cat "/lib/modules/$KERNEL/modules.dep" | grep -q '/nvidia[^/]*\.ko:'; }

test_t6_a_prefix_is_never_gone() {
    legacy_image theirs
    rm -f "$root/$legacy_updates"/nvidia{,-modeset,-drm,-uvm,-peermem}.ko
    run_in "$root" depmod "$KERNEL"
    looks_incomplete "$root" || fail "the prefix should have matched nvidiafb"
}

# Not even one that says it is of the marker's version, in the driver's own folder.
test_t6_exact_names() {
    legacy_image root
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "modprobe_after=false" "$out"
    assert_absent "$root$legacy_marker"
    assert_equal "what is left in the folder" nvidiafb.ko "$(ls "$root/$legacy_updates")"
    assert_exists "$root/lib/modules/$KERNEL/kernel/drivers/video/fbdev/nvidia/nvidiafb.ko"
    assert_contains "modprobe" nvidiafb.ko \
        "$(run_in "$root" modprobe -S "$KERNEL" --show-depends nvidiafb)"
}

run_tests "$@"

#!/bin/bash
# NVIDIA's other driver, and a kernel that the driver does not compile for: minutes of compiling each.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

# The proprietary driver goes through the same command.
test_proprietary_driver() {
    local root modules=lib/modules/$KERNEL/updates/dkms
    root=$(overlay_root node)
    expect 0 "$prebake" bake --root "$root" --kernel "$KERNEL" --cache "$cache" \
        --source "$(apt_downloaded nvidia-kernel-dkms "$NVIDIA_VERSION*")"
    grep -qx module=nvidia-current "$root/var/lib/prebake/marker" ||
        fail "$(<"$root/var/lib/prebake/marker")"
    expect 0 modinfo -F license "$root/$modules/nvidia-current.ko"
    assert_equal "licence" NVIDIA "$out"
    expect 0 teardown "$root"
}

# 535.261.03 calls pci_resize_resource(), which gained an argument in this kernel.
test_nvidia_does_not_compile_for_newer_kernel() {
    local root
    root=$(overlay_root node)
    put_newer_headers "$root"
    expect_refusal_unchanged "$root" 11 "nv-pci.c:223" "$prebake" bake --root "$root" \
        --source "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" --kernel "$NEWER_KERNEL" \
        --cache "$cache"
    assert_contains "the compiler's words" "pci_resize_resource" "$err"
    assert_log_is_kept nv-pci.c:223
}

run_tests "$@"

#!/bin/bash
# Faults of image builds that others met, replayed. Each test shows what the real dkms does with
# the same input where it can.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

updates=lib/modules/$KERNEL/updates/dkms
small=$small_name/1.0

# The small source with a change, in the root's /usr/src and as $scratch/small-1.0.
changed_source() {
    local root=$1
    shift
    small_source 1.0 "$scratch/small-1.0"
    (cd "$scratch/small-1.0" && "$@")
    cp -r "$scratch/small-1.0" "$root/usr/src/$small_name-1.0"
}

# B2: a source that compiles for whatever kernel it likes (AgentBaker a840112fc4).
test_b2_built_for_another_kernel() {
    local theirs
    theirs=$(overlay_root dkms theirs)
    put_newer_headers "$theirs"
    changed_source "$theirs" sed -i "s,-C [^ ]*,-C /lib/modules/$NEWER_KERNEL/build," dkms.conf
    in_root "$theirs" dkms add "$small"
    expect 0 in_root "$theirs" dkms install "$small" -k "$KERNEL"
    assert_equal "dkms takes it" "$small, $KERNEL, x86_64: installed" \
        "$(in_root "$theirs" dkms status)"

    root=$(overlay_root dkms)
    put_newer_headers "$root"
    expect_refusal_unchanged "$root" 7 vermagic bake_small "$root" 1.0
    assert_contains "both kernels are named" "$NEWER_KERNEL" "$err"
}

# B6: two vermagic entries, of which the kernel reads one and modinfo the other
# (bottlerocket-kernel-kit 176).
test_b6_two_vermagics() {
    root=$(overlay_root node)
    small_source 1.0 "$scratch/small-1.0"
    echo 'MODULE_INFO(vermagic, "6.99.0 SMP");' >>"$scratch/small-1.0/small_core.c"
    expect_refusal_unchanged "$root" 7 vermagic bake_small "$root" 1.0
}

# B8: no headers, and dkms' service at boot is content (dkms 545).
test_b8_no_headers() {
    local theirs
    theirs=$(overlay_root dkms theirs)
    changed_source "$theirs" true
    in_root "$theirs" dkms add "$small"
    rm "$theirs/lib/modules/$KERNEL/build"
    run in_root "$theirs" dkms autoinstall -k "$KERNEL"
    assert_contains "dkms says it" "headers" "$out$err"

    root=$(overlay_root node)
    rm "$root/lib/modules/$KERNEL/build"
    expect_refusal_unchanged "$root" 21 "linux-headers-$KERNEL" bake_small "$root" 1.0
}

# P1: xz with a CRC64, which the kernel's decoder does not know (dkms 386).
test_p1_xz_with_crc32() {
    root=$(overlay_root node)
    bake_small "$root" 1.0 --compress xz
    expect 0 xz --robot -lvv "$root/$updates/prebake-small-core.ko.xz"
    assert_contains "the check" "CRC32" "$out"
    assert_not_contains "the check" "CRC64" "$out"
}

# P2: one foreign .ko.xz in the tree made dkms compress all of its own (dkms 86, 402).
test_p2_foreign_compressed_module() {
    root=$(overlay_root node)
    mkdir -p "$root/$updates"
    xz -c "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" >"$root/$updates/other.ko.xz"
    bake_small "$root" 1.0
    assert_exists "$root/$updates/prebake-small-core.ko"
    assert_absent "$root/$updates/prebake-small-core.ko.xz"
}

# P5: the signature is required and can't be made; dkms installs unsigned with a warning
# (dkms 6b1e4d3).
test_p5_signature_required() {
    root=$(overlay_root node)
    expect_refusal_unchanged "$root" 10 "--require-signature" bake_small "$root" 1.0 \
        --require-signature
    assert_absent "$root/var/lib/prebake"
}

run_tests "$@"

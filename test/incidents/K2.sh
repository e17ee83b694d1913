#!/bin/bash
# K2 (dkms 302, 332): a kernel that the source's BUILD_EXCLUSIVE leaves out was reported as a failed
# build. An exclusion is said with a status of its own (77), nothing is changed, and a kernel that comes
# later and is excluded makes nothing of the bake incomplete. The real dkms on the same source.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

kernel=6.99.0-fake

# The small source for kernels whose release matches $1.
exclusive_source() {
    small_source 1.0 "$scratch/small-1.0"
    echo "BUILD_EXCLUSIVE_KERNEL=\"$1\"" >>"$scratch/small-1.0/dkms.conf"
}

test_k2_dkms_calls_it_an_error() {
    local root
    root=$(overlay_root dkms)
    exclusive_source '^5\.'
    cp -r "$scratch/small-1.0" "$root/usr/src/$small_name-1.0"
    run dkms_in "$root" add "$small_name/1.0"
    run dkms_in "$root" install "$small_name/1.0" -k "$KERNEL"
    ((status != 0)) || fail "dkms install ends with 0"
    assert_contains "what dkms says" Error! "$out$err"
    run dkms_in "$root" autoinstall -k "$KERNEL"
    autoinstall=$status
    ((autoinstall != 77)) || fail "dkms autoinstall tells a skip from a failure"
}

test_k2_excluded_is_77() {
    local root
    root=$(overlay_root dkms)
    exclusive_source '^5\.'
    expect_refusal_unchanged "$root" 77 BUILD_EXCLUSIVE bake_small "$root" 1.0
    assert_contains "the kernel is named" "$KERNEL" "$err"
    expect 0 teardown "$root"
    assert_equal "a node has nothing to do" "" "$out$err"
}

# Not what a source that does not compile ends with.
test_k2_a_failed_build_is_another_status() {
    local root
    root=$(overlay_root node)
    small_source 1.0 "$scratch/small-1.0"
    echo '#error broken' >>"$scratch/small-1.0/small_core.c"
    expect_refusal_unchanged "$root" 11 broken bake_small "$root" 1.0
}

# DKMS passes over the later kernel; the bake's own stays whole and goes as a whole.
test_k2_a_later_kernel_is_excluded() {
    local root
    root=$(overlay_root dkms)
    snapshot "$root" >"$scratch/before"
    exclusive_source "^${KERNEL//./\\.}$"
    expect 0 bake_small "$root" 1.0
    fake_kernel "$root" "$kernel"
    run dkms_in "$root" autoinstall -k "$kernel"
    assert_equal "dkms status" "$small_name/1.0, $KERNEL, x86_64: installed" \
        "$(dkms_in "$root" status 2>&1)"
    expect 0 "$prebake_node" audit --root "$root" --expect active
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    snapshot "$root" | grep -v -e "^/usr/lib/modules/${kernel}[/ ]" -e '/mok\.' >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

run_tests "$@"

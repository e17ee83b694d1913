#!/bin/bash
# K1 (Debian 1037425, LP 2020406): a later kernel broke the driver's build, and with it the kernel's
# own installation: its postinst runs `dkms autoinstall`. A parked bake is nothing that DKMS knows, nor
# is one that was torn down: no package fails for a driver that nobody uses. The real dkms.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

kernel=6.99.0-fake

# A root with a bake, in which a kernel arrives that its source does not compile for.
root_with_breaking_kernel() {
    root=$(overlay_root dkms)
    expect 0 bake_small "$root" 1.0 "$@"
    fake_kernel "$root" "$kernel"
}

# What the kernel package's postinst does; its status is the package's.
postinst() { run dkms_in "$root" autoinstall -k "$kernel"; }

break_source() {
    local source
    for source in "$root/usr/src/$small_name-1.0"/*.c; do echo '#error broken' >>"$source"; done
}

test_k1_active_fails_the_package() {
    root_with_breaking_kernel
    break_source
    postinst
    ((status != 0)) || fail "dkms autoinstall ends with 0: $out"
    assert_not_contains "dkms status" "$kernel, x86_64: installed" "$(dkms_in "$root" status 2>&1)"
}

test_k1_parked_does_not() {
    root_with_breaking_kernel --layout parked
    postinst
    assert_equal "dkms autoinstall" 0 "$status"
    assert_not_contains "what dkms does" Building "$out$err"
}

# A failed build of the active bake is nothing that keeps a node from getting rid of it.
test_k1_torn_down_does_not() {
    root_with_breaking_kernel
    break_source
    postinst
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_equal "dkms status" "" "$(dkms_in "$root" status 2>&1)"
    postinst
    assert_equal "dkms autoinstall" 0 "$status"
}

run_tests "$@"

#!/bin/bash
# S7 (real dkms): an installed module file that is empty is `installed` all the same, and autoinstall
# does not repair it. Ours are told by what was placed: damaged, 7, active as well as parked.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

module=lib/modules/$KERNEL/updates/dkms/$small_name-core.ko
kept=var/lib/prebake/store/parked/usr/$module

test_s7_dkms_sees_nothing() {
    local root
    root=$(overlay_root dkms)
    expect 0 bake_small "$root" 1.0
    : >"$root/$module"
    expect 0 dkms_in "$root" autoinstall -k "$KERNEL"
    assert_contains "dkms status" "$small_name/1.0, $KERNEL, x86_64: installed" \
        "$(dkms_in "$root" status)"
    assert_equal "the module's size" 0 "$(stat -c %s "$root/$module")"
    expect_refusal_unchanged "$root" 7 "$module" "$prebake_node" activate --root "$root"
    expect_refusal_unchanged "$root" 7 "$module" "$prebake_node" park --root "$root"
}

test_s7_parked() {
    local root
    root=$(overlay_root dkms)
    expect 0 bake_small "$root" 1.0 --layout parked
    : >"$root/$kept"
    expect_refusal_unchanged "$root" 7 "$kept" "$prebake_node" activate --root "$root"
    expect 0 teardown "$root"
}

run_tests "$@"

#!/bin/bash
# C6 (EKS 2756): a modules-load.d entry of the driver stayed on an image without the driver, and
# systemd-modules-load failed at every boot.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"

module=$small_name-core
entry=etc/modules-load.d/driver.conf

# A bake of layout $1 whose userspace has modules loaded at boot.
baked() {
    start_root
    mkdir -p "$scratch/userspace/etc/modules-load.d"
    echo "$module" >"$scratch/userspace/$entry"
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$bundles" --layout "$1" --userspace "$scratch/userspace" 2>/dev/null
}

# As systemd-modules-load: each name of each file, looked up as modprobe does; those that fail.
failing_entries() {
    local name
    cat "$root"/{etc,run,usr/lib}/modules-load.d/*.conf 2>/dev/null | while read -r name; do
        modprobe -d "$root" -S "$KERNEL" -n "$name" 2>/dev/null || echo "$name"
    done
}

test_c6_the_module_goes_and_the_entry_stays() {
    baked active
    assert_equal "entries that fail while active" "" "$(failing_entries)"
    rm -rf "$root/var/lib/dkms/$small_name" "$root/lib/modules/$KERNEL/updates/dkms/$small_name"*
    (umask 022 && depmod -b "$root" "$KERNEL")
    assert_equal "entries that fail at boot" "$module" "$(failing_entries)"
    expect 7 "$prebake_node" audit --root "$root" --json
    assert_equal "audit says" "load names $module, which no kernel's index has (dangling)" \
        "$(jq -r '.findings[] | select(.check == "config") | .finding' <<<"$out")"
}

test_c6_no_dangling_entry() {
    baked active
    expect 0 "$prebake_node" audit --root "$root" --expect active
    expect 0 "$prebake_node" park --root "$root"
    assert_absent "$root/$entry"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
    assert_equal "entries that fail while parked" "" "$(failing_entries)"
    expect 0 "$prebake_node" activate --root "$root"
    assert_equal "entries that fail while active again" "" "$(failing_entries)"
    expect 0 teardown "$root"
    assert_absent "$root/$entry"
    assert_equal "entries that fail after the teardown" "" "$(failing_entries)"
    expect 0 "$prebake_node" audit --root "$root" --expect absent
}

# On the image of a parked bake somebody else's entry for its module fails the build.
test_c6_an_entry_of_others() {
    baked parked
    mkdir -p "$root/usr/lib/modules-load.d"
    echo "$module" >"$root/usr/lib/modules-load.d/gpu.conf"
    expect_refusal 7 "dangling" "$prebake" seal --root "$root"
}

sealing_begin
run_tests "$@"

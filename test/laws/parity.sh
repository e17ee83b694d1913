#!/bin/bash
# Law 2: what an active bake registers, the real dkms takes for its own work: it says plain
# "installed", uninstalls, removes and rebuilds it; and the tree is what dkms itself leaves.
# NVIDIA's modules as dkms itself compiles them are in test/kernels/dkms.sh.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/parity.sh
. "$test_lib/parity.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

small=$small_name/1.0

small_into_usr_src() { small_source 1.0 "$1/usr/src/$small_name-1.0"; }

# All five modules leave and come back, by dkms alone.
test_nvidia_uninstall_install_remove() {
    local root
    root=$(overlay_root dkms)
    bake_nvidia "$root"
    run dkms "$root" uninstall "$nvidia" -k "$KERNEL"
    assert_dkms_status "$root" "$nvidia, $KERNEL, x86_64: built"
    assert_absent "$root/$modules/updates/dkms/$open_name.ko"
    run dkms "$root" install "$nvidia" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$nvidia")"
    assert_equal "modules are back" 5 "$(find "$root/$modules/updates/dkms" -name '*.ko' | wc -l)"
    run dkms "$root" remove "$nvidia" --all
    assert_dkms_status "$root" ""
    assert_absent "$root/var/lib/dkms/$open_name"
    assert_absent "$root/$modules/updates/dkms/$open_name.ko"
}

test_small_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    small_into_usr_src "$theirs"
    dkms_installs "$theirs" "$small"
    bake_small "$ours" 1.0
    assert_dkms_status "$ours" "$(installed "$small")"
    assert_same_registration "$ours" "$theirs" "$small"
}

# Baked as parked and activated on the node: for dkms it is as its own work, too.
test_activated_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    small_into_usr_src "$theirs"
    dkms_installs "$theirs" "$small"
    bake_small "$ours" 1.0 --layout parked
    assert_dkms_status "$ours" ""
    expect 0 "$prebake_node" activate --root "$ours"
    assert_dkms_status "$ours" "$(installed "$small")"
    assert_same_registration "$ours" "$theirs" "$small"
    activate_again "$ours"
    assert_same_registration "$ours" "$theirs" "$small"

    run dkms "$ours" uninstall "$small" -k "$KERNEL"
    assert_dkms_status "$ours" "$small, $KERNEL, x86_64: built"
    assert_absent "$ours/$modules/updates/dkms/prebake-small-core.ko"
    run dkms "$ours" install "$small" -k "$KERNEL"
    assert_dkms_status "$ours" "$(installed "$small")"
    run dkms "$ours" remove "$small" --all
    assert_dkms_status "$ours" ""
    expect 0 teardown "$ours"
    assert_absent "$ours/usr/src/$small_name-1.0"
}

# Every path of the root with its mode, owner, attributes, links and content; when it was made apart,
# the records of a run, and what ldconfig noted of inodes.
whole_root() {
    snapshot "$1" | grep -v '^/var/cache/ldconfig/aux-cache ' | sed -E '/^\/var\/lib\/prebake\/[^/ ]* /s, size=.*,,
        /^\/var\/lib\/prebake\/store\/index\/.*\/tree /s, size=.*,,; s, mtime=[^ ]*,,'
}

# And as the bake that was active from the first, with programs, libraries, privileges and the loader's
# cache.
test_activated_is_as_baked_active() {
    local root layout
    userspace_make "$scratch/userspace"
    for layout in active parked; do
        root=$(overlay_root dkms "layers-$layout")
        ldconfig -X -r "$root"
        bake_small "$root" "$NVIDIA_VERSION" --layout "$layout" --userspace "$scratch/userspace" \
            --compat-marker /opt/marker
        [[ $layout == active ]] || expect 0 "$prebake_node" activate --root "$root"
        whole_root "$root" >"$scratch/$layout"
        assert_dkms_status "$root" "$(installed "$small_name/$NVIDIA_VERSION")"
        assert_equal "what the loader finds" "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1" \
            "$(in_root "$root" ldconfig -p | sed -n 's/.*libnvidia-ml.so.1 .* => //p' |
                sed 's,^/lib/,/usr/lib/,')"
        assert_exists "$root/opt/marker"
    done
    assert_same_tree "baked active (<), and baked parked and activated (>)" "$scratch"/{active,parked}
}

# From the registration alone: dkms finds the source by its link and compiles it anew.
test_small_removed_and_rebuilt() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    run dkms "$root" remove "$small" -k "$KERNEL"
    assert_not_contains "dkms status" installed "$(dkms "$root" status)"
    assert_absent "$root/$modules/updates/dkms/prebake-small-core.ko"
    run dkms "$root" remove "$small" --all
    expect 0 dkms "$root" install "$small" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$small")"
    assert_exists "$root/$modules/updates/dkms/prebake-small-core.ko"
    assert_exists "$root/$modules/updates/dkms/prebake-small-user.ko"
}

# At boot and at a kernel's installation dkms builds what is not installed: here, nothing.
test_autoinstall_has_nothing_to_do() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    snapshot "$root/var/lib/dkms" >"$scratch/before"
    run dkms "$root" autoinstall -k "$KERNEL"
    assert_not_contains "autoinstall" "Building" "$out$err"
    assert_dkms_status "$root" "$(installed "$small")"
    snapshot "$root/var/lib/dkms" >"$scratch/after"
    assert_same_tree "autoinstall" "$scratch/before" "$scratch/after"
}

# What dkms removed is no residue of ours.
test_teardown_after_dkms_removed_it() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    run dkms "$root" remove "$small" --all
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_absent "$root/var/lib/prebake"
    assert_absent "$root/usr/src/$small_name-1.0"
    assert_dkms_status "$root" ""
}

run_tests "$@"

#!/bin/bash
# X1 (AgentBaker 8786): nvidia-modprobe, setuid root, was left behind while telemetry said `cleaned`.
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

legacy_image() {
    root=$(overlay_root dkms "$1")
    find "$root" -xdev -perm -4000 -printf '/%P\n' | sort >"$scratch/setuid.before"
    legacy_source "$root" nvidia "$version"
    legacy_bake "$root" "$version"
    assert_contains "setuid" /usr/bin/nvidia-modprobe "$(new_setuid)"
}

new_setuid() {
    find "$root" -xdev -perm -4000 -printf '/%P\n' | sort | comm -13 "$scratch/setuid.before" -
}

# Status from what was meant to be done.
clean_without_modprobe() {
    local root=$1
    rm -rf "$root/var/lib/dkms/nvidia" "$root/usr/bin/lib64"
    rm -f "$root"/lib/modules/*/updates/dkms/nvidia*.ko* "$root/usr/bin/nvidia-smi" \
        "$root$legacy_marker"
    echo "event=teardown status=cleaned"
}

test_x1_cleaned_but_setuid() {
    legacy_image theirs
    expect 0 clean_without_modprobe "$root"
    assert_contains "it says" "status=cleaned" "$out"
    assert_equal "setuid" /usr/bin/nvidia-modprobe "$(new_setuid)"
}

test_x1_no_setuid_left() {
    legacy_image root
    expect 0 legacy_teardown "$root" --tag AKS_GPU_PREBAKE --gpu-node false
    assert_contains "telemetry" "AKS_GPU_PREBAKE event=teardown gpu_node=false status=cleaned" "$out"
    assert_equal "setuid" "" "$(new_setuid)"
}

# A file that can't be removed: said, with the status of it, and the marker stays for the next run.
test_x1_residue_is_incomplete() {
    legacy_image root
    mkdir "$scratch/held"
    mv "$root/usr/bin/nvidia-modprobe" "$scratch/held/"
    touch "$root/usr/bin/nvidia-modprobe"
    mount --bind "$scratch/held/nvidia-modprobe" "$root/usr/bin/nvidia-modprobe"
    expect 3 legacy_teardown "$root"
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "telemetry" "marker_after=true" "$out"
    assert_contains "the sentence" "/usr/bin/nvidia-modprobe" "$err"
    assert_exists "$root$legacy_marker"
    assert_absent "$root/usr/bin/nvidia-smi"

    umount "$root/usr/bin/nvidia-modprobe"
    cp -p "$scratch/held/nvidia-modprobe" "$root/usr/bin/nvidia-modprobe"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_equal "setuid" "" "$(new_setuid)"
    assert_absent "$root$legacy_marker"
}

privileged() { (find "$root" -perm /6000 -printf '/%P\n' && getcap -r "$root" | sed "s,^$root,,"); }

# Of a bake of our own: there while it is active, nowhere while it is parked, gone with it.
test_x1_our_own_bake() {
    userspace_root
    expect 0 userspace_bake
    assert_equal "privileged" "/usr/bin/nvidia-modprobe
/usr/bin/nvidia-capable cap_sys_admin=ep" "$(privileged)"
    expect 0 "$prebake_node" park --root "$root"
    assert_equal "privileged while parked" "" "$(privileged)"
    expect 0 "$prebake_node" activate --root "$root"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_equal "privileged" "" "$(privileged)"
}

test_x1_our_own_residue() {
    userspace_root
    expect 0 userspace_bake
    mount --bind "$root/usr/bin/nvidia-modprobe" "$root/usr/bin/nvidia-modprobe"
    expect 3 teardown "$root"
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "the sentence" "/usr/bin/nvidia-modprobe" "$err"
    assert_exists "$root/var/lib/prebake/marker"
    umount "$root/usr/bin/nvidia-modprobe"
    expect 0 teardown "$root"
    assert_equal "privileged" "" "$(privileged)"
}

# What can't be moved is not said to be parked; nothing is left half way.
test_x1_our_own_residue_while_parking() {
    userspace_root
    expect 0 userspace_bake
    mount --bind "$root/usr/bin/nvidia-modprobe" "$root/usr/bin/nvidia-modprobe"
    run "$prebake_node" park --root "$root"
    ((status != 0)) || fail "parked, it says: $out"
    assert_contains "the sentence" "/usr/bin/nvidia-modprobe" "$err"
    [[ $(<"$root/var/lib/prebake/state") != parked ]] || fail "the state is parked"
    expect 3 "$prebake_node" audit --root "$root" --expect parked
    assert_contains "audit names it" "/usr/bin/nvidia-modprobe" "$out$err"
    umount "$root/usr/bin/nvidia-modprobe"
    expect 0 "$prebake_node" park --root "$root"
    assert_equal "privileged while parked" "" "$(privileged)"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
}

# Nor does a bake that is parked from the first have any, wherever one looks.
test_x1_baked_parked() {
    userspace_root
    expect 0 userspace_bake --layout parked
    assert_equal "privileged" "" "$(privileged)"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_equal "privileged" "" "$(privileged)"
}

run_tests "$@"

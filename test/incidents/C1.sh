#!/bin/bash
# C1 (AgentBaker 9257, 9328): the customer's own driver in a captured image was wiped, as the marker
# of the shared image was all that a clean-up asked for.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"

baked=580.126.09
customers=550.163.01

# The customer's installer replaces the baked programs and modules by its own. The libraries' folder,
# the registration and the marker of the bake stay.
install_customers_driver() {
    local root=$1 name
    legacy_source "$root" nvidia "$customers"
    legacy_dkms "$root" uninstall "nvidia/$baked" -k "$KERNEL"
    legacy_dkms_install "$root" "$customers"
    for name in "${legacy_programs[@]}"; do
        rm "$root/usr/bin/$name"
        legacy_elf "$root/usr/bin/$name" "$customers"
    done
    chmod 4755 "$root/usr/bin/nvidia-modprobe"
    legacy_libraries "$root/usr/lib/x86_64-linux-gnu" "$customers"
    legacy_log "$root" "$customers"
    run_in "$root" ldconfig
}

captured_image() {
    root=$(overlay_root dkms "$1")
    legacy_source "$root" nvidia "$baked"
    legacy_bake "$root" "$baked"
    install_customers_driver "$root"
}

# What is the customer's in the image: everything of its version, and what refers to it.
customers_files() {
    snapshot "$1" |
        grep -E "^/(var/lib/dkms/nvidia/($customers|kernel-)|usr/lib/modules/$KERNEL/updates|usr/bin/nvidia-|usr/lib/x86_64-linux-gnu/|usr/src/nvidia-$customers|var/lib/nvidia)" |
        grep -v 'nvidia-newtool'
}

clean_by_marker() {
    local root=$1
    [[ -f $root$legacy_marker ]] || return 0
    rm -rf "$root/var/lib/dkms/nvidia" "$root/usr/bin/lib64"
    rm -f "$root"/lib/modules/*/updates/dkms/nvidia*.ko* "$root"/usr/bin/nvidia-* \
        "$root/etc/ld.so.conf.d/nvidia.conf" "$root$legacy_marker"
}

test_c1_the_marker_is_no_gate() {
    captured_image theirs
    clean_by_marker "$root"
    assert_absent "$root/var/lib/dkms/nvidia/$customers"
    assert_absent "$root/$legacy_updates/nvidia.ko"
    assert_absent "$root/usr/bin/nvidia-smi"
}

test_c1_customers_driver_stays() {
    captured_image root
    customers_files "$root" >"$scratch/before"
    assert_contains "the customer's module" "updates/dkms/nvidia.ko" "$(<"$scratch/before")"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_not_contains "telemetry" "foreign=0" "$out"
    customers_files "$root" >"$scratch/after"
    assert_same_tree "the customer's driver" "$scratch/before" "$scratch/after"
    assert_equal "what dkms has" "nvidia/$customers, $KERNEL, x86_64: installed" \
        "$(run_in "$root" dkms status)"
    assert_contains "modprobe" "updates/dkms/nvidia.ko" \
        "$(run_in "$root" modprobe -S "$KERNEL" --show-depends nvidia)"
    # The customer's installer wrote its own log: nothing tells any more whose this library is.
    assert_equal "what is left of the libraries" "libEGL.so.1 libEGL.so.1.1.0" \
        "$(find "$root/usr/bin/lib64" ! -type d -printf '%f\n' | sort | paste -sd ' ')"
    assert_absent "$root/var/lib/dkms/nvidia/$baked"
    assert_absent "$root$legacy_marker"
}

# The same version from a package: nothing tells it from the bake but its owner.
test_c1_packages_driver_stays() {
    root=$(overlay_root dkms)
    legacy_source "$root" nvidia "$baked"
    legacy_dkms_install "$root" "$baked"
    legacy_programs_of "$root" "$baked"
    legacy_write_marker "$root" "$baked"
    {
        printf '/.\n/usr\n/usr/bin\n/usr/src/nvidia-%s\n' "$baked"
        printf '/usr/src/nvidia-%s/dkms.conf\n' "$baked"
        printf "/usr/bin/%s\n" "${legacy_programs[@]}" nvidia-uninstall
    } >"$root/var/lib/dpkg/info/nvidia-driver.list"
    rm "$root/etc/ld.so.cache"
    snapshot "$root" | grep -v "^$legacy_marker" >"$scratch/before"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the package's driver" "$scratch/before" "$scratch/after"
}

run_tests "$@"

#!/bin/bash
# T7 (a reference script, and dkms): globs deleted nvidia-fs.ko, a customer's DKMS version and
# nvidia.ko.customer-backup.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"

version=580.126.09
customers=550.163.01
second_kernel=6.99.0-second

# Of these, only the reference script's globs say that they belong to the bake.
put_neighbours() {
    local root=$1
    legacy_source "$root" nvidia "$customers"
    legacy_dkms "$root" add "nvidia/$customers"
    legacy_dkms "$root" build "nvidia/$customers" -k "$KERNEL"
    legacy_module "$root/$legacy_updates/nvidia-fs.ko" 2.20.5
    legacy_module "$root/$legacy_updates/nvidia.ko" "$version" backup
    mv "$root/$legacy_updates/nvidia.ko" "$root/$legacy_updates/nvidia.ko.customer-backup"
    echo 'not by the installer' >"$root/usr/bin/nvidia-gridd"
    mkdir -p "$root/usr/bin/lib64"
    echo 'a note' >"$root/usr/bin/lib64/README"
    legacy_elf "$root/usr/bin/nvidia-container-cli" 1.17.0
    neighbours=("/var/lib/dkms/nvidia/$customers" "/$legacy_updates/nvidia-fs.ko"
        "/$legacy_updates/nvidia.ko.customer-backup" /usr/bin/nvidia-gridd /usr/bin/lib64/README
        /usr/bin/nvidia-container-cli)
}

legacy_image() {
    root=$(overlay_root dkms "$1")
    legacy_source "$root" nvidia "$version"
    put_neighbours "$root"
    legacy_bake "$root" "$version"
    # dkms install has put its own file beside the backup.
    assert_exists "$root/$legacy_updates/nvidia.ko"
}

# A kernel that came later, with a module of the marker's version that dkms knows nothing of and a
# customer's.
put_second_kernel() {
    local root=$1 folder=lib/modules/$second_kernel
    mkdir -p "$root/$folder/kernel"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$root/$folder/kernel/"
    touch "$root/$folder/modules."{order,builtin}
    legacy_module "$root/$folder/updates/dkms/nvidia.ko" "$version"
    zstd -q --rm "$root/$folder/updates/dkms/nvidia.ko"
    legacy_module "$root/$folder/updates/dkms/nvidia-uvm.ko" "$customers"
    run_in "$root" depmod "$second_kernel"
}

neighbours_in() {
    local path
    for path in "${neighbours[@]}"; do
        snapshot "$1" | grep -E "^(/usr)?${path}[ /]" || fail "$path is gone"
    done
}

test_t7_globs_take_others_files() {
    legacy_image theirs
    rm -rf "$root/var/lib/dkms/nvidia" "$root/usr/bin/lib64"
    rm -f "$root"/lib/modules/*/updates/dkms/nvidia*.ko* "$root"/usr/bin/nvidia-*
    for path in "${neighbours[@]}"; do assert_absent "$root$path"; done
}

# dkms removes by a glob as well: what it installed, and whatever else begins with its name.
test_t7_dkms_takes_the_backup() {
    legacy_image theirs
    legacy_dkms "$root" remove "nvidia/$version" --all
    assert_absent "$root/$legacy_updates/nvidia.ko.customer-backup"
    assert_exists "$root/$legacy_updates/nvidia-fs.ko"
}

# A customer's build in the place of one that DKMS installed.
test_t7_replaced_module_stays() {
    legacy_image root
    legacy_module "$root/$legacy_updates/nvidia.ko" "$customers"
    expect 0 legacy_teardown "$root"
    assert_exists "$root/$legacy_updates/nvidia.ko"
    assert_absent "$root/$legacy_updates/nvidia-uvm.ko"
    assert_contains "modprobe" updates/dkms/nvidia.ko \
        "$(run_in "$root" modprobe -S "$KERNEL" --show-depends nvidia)"
}

test_t7_others_files_stay() {
    legacy_image root
    put_second_kernel "$root"
    neighbours_in "$root" >"$scratch/before"
    expect 0 legacy_teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    # The folder of the other version, nvidia-fs, the backup, nvidia-gridd, README, nvidia-uvm.
    assert_contains "telemetry" "foreign=6 " "$out"
    neighbours_in "$root" >"$scratch/after"
    assert_same_tree "the neighbours" "$scratch/before" "$scratch/after"
    assert_equal "dkms' module folder" "nvidia-fs.ko nvidia.ko.customer-backup" \
        "$(find "$root/$legacy_updates" -type f -printf '%f\n' | sort | paste -sd ' ')"
    assert_absent "$root/var/lib/dkms/nvidia/$version"
    assert_equal "the second kernel's" nvidia-uvm.ko \
        "$(ls "$root/lib/modules/$second_kernel/updates/dkms")"
    for kernel in "$KERNEL" "$second_kernel"; do
        expect 1 run_in "$root" modprobe -S "$kernel" --show-depends nvidia
    done
    assert_contains "the second kernel's index" nvidia-uvm.ko \
        "$(run_in "$root" modprobe -S "$second_kernel" --show-depends nvidia_uvm)"
}

run_tests "$@"

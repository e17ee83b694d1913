# shellcheck shell=bash
# Ways to be rid of NVIDIA's modules, registered for three kernels. $1: which disk (disks.sh).

# Byte for byte the index that depmod gives for kernel $1 as it is now.
index_is_fresh() {
    local found
    found=$(cd "$root/lib/modules/$1" && sha256sum modules.*)
    chroot "$root" depmod "$1"
    assert_equal "the index of $1 is depmod's" "$(cd "$root/lib/modules/$1" && sha256sum modules.*)" \
        "$found"
}

# depmod for three kernels takes a while: once is enough.
indexes_are_fresh() {
    local kernel
    ((round == 1)) || return 0
    for kernel in "${bench_kernels[@]}"; do index_is_fresh "$kernel"; done
}

no_modules() {
    local kernel
    for kernel in "${bench_kernels[@]}"; do assert_absent "$root/lib/modules/$kernel/updates"; done
}

all_gone() {
    no_modules
    assert_absent "$root/var/lib/dkms/$open_name"
    assert_absent "$root/usr/src/$open_name-$NVIDIA_VERSION"
    assert_absent "$root/var/lib/prebake"
    assert_absent "$root/usr/bin/nvidia-smi"
    assert_equal "the loader's cache names libraries of the driver" 0 \
        "$(ldconfig -p -C "$root/etc/ld.so.cache" | grep -c nvidia)"
    indexes_are_fresh
}

teardown_begin() { "disk_$1" sealed; }
teardown_command() { inside prebake-node teardown; }
teardown_end() {
    assert_contains "telemetry" "status=cleaned" "$out"
    all_gone
}

# Each run writes the whole disk before.
teardown_cold_runs=5
teardown_cold_begin() { disk_cold sealed; }
teardown_cold_command() { teardown_command; }
teardown_cold_end() { teardown_end; }

# dkms leaves the source, which the bake put there.
dkms_remove_runs=5
dkms_remove_begin() { "disk_$1" sealed; }
dkms_remove_command() { inside dkms remove "$nvidia" --all; }
dkms_remove_end() {
    no_modules
    assert_absent "$root/var/lib/dkms/$open_name"
    indexes_are_fresh
}

exact_shell_begin() { "disk_$1" sealed; }
exact_shell_command() { inside exact-shell; }
exact_shell_end() { all_gone; }

inexact_shell_begin() { "disk_$1" sealed; }
inexact_shell_command() { inside inexact-shell; }
inexact_shell_end() {
    assert_equal "modules" "" "$(find "$root/lib/modules/" -path '*/updates/*.ko')"
    assert_absent "$root/var/lib/dkms/$open_name"
}

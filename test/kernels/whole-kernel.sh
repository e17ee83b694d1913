#!/bin/bash
# Whole distribution kernels are the largest sets of modules that are known to load: verify finds
# nothing wrong with any of their modules, and something with every one of them on another kernel.
# NVIDIA's modules, compiled for a later kernel, are refused for the symbols that changed and no
# others. Modules and headers are read out of their packages.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=scripts/lib/verify-kernels.sh
. "$scripts/lib/verify-kernels.sh"

verify_packages() {
    "$prebake" verify --headers "$(apt_downloaded "linux-headers-$1")" --json \
        "$(apt_downloaded "linux-image-$2")"
}

modules_in() { dpkg-deb -c "$(apt_downloaded "linux-image-$1")" | grep -cE '\.ko(\.xz)?$'; }

# Every module of kernel $1, of which there are more than $2, against its own headers.
all_load() {
    local kernel=$1 count
    count=$(modules_in "$kernel")
    ((count > $2)) || fail "$kernel has $count modules: that is no whole kernel"
    expect 0 verify_packages "$kernel" "$kernel"
    assert_equal "checked" "$count" "$(jq .checked <<<"$out")"
    assert_equal "that load" "$count" "$(jq '[.modules[] | select(.loads)] | length' <<<"$out")"
}

# Every module of kernel $2 against the headers of kernel $1: by vermagic, and not by that alone.
none_loads() {
    local count
    count=$(modules_in "$2")
    expect 7 verify_packages "$1" "$2"
    assert_equal "refused" "$count" "$(jq .failed <<<"$out")"
    assert_equal "by vermagic" "$count" "$(jq '[.modules[] |
        select(any(.failures[]; .check == "vermagic"))] | length' <<<"$out")"
    assert_equal "by the layout's CRC" "$count" "$(jq '[.modules[] |
        select(any(.failures[]; .check == "crc" and .symbol == "module_layout"))] | length' \
        <<<"$out")"
}

test_every_module_of_the_full_kernel() { all_load "$FULL_KERNEL" 4000; }
test_every_module_of_the_next_kernel() { all_load "$NEXT_KERNEL" 1000; }
test_every_module_of_an_arm64_kernel() { all_load "$ARM_KERNEL" 900; }
test_arm64_modules_on_amd64() {
    expect 7 verify_packages "$FULL_KERNEL" "$ARM_KERNEL"
    assert_equal "by the machine" '["machine"]' \
        "$(jq -c '[.modules[].failures[].check] | unique' <<<"$out")"
}
test_full_kernel_on_the_next() { none_loads "$NEXT_KERNEL" "$FULL_KERNEL"; }
test_next_kernel_on_the_full() { none_loads "$FULL_KERNEL" "$NEXT_KERNEL"; }

# NVIDIA's modules compiled for the later kernel: $later.
compile_for_the_later_kernel() {
    local root package
    root=$(overlay_root node)
    for package in "linux-headers-$LATER_KERNEL" "linux-headers-$LATER_KERNEL_COMMON"; do
        dpkg-deb --fsys-tarfile "$(apt_downloaded "$package")" |
            tar -x -C "$root" --keep-directory-symlink
    done
    cp "$root/lib/modules/$KERNEL"/modules.{order,builtin,builtin.modinfo} \
        "$root/lib/modules/$LATER_KERNEL/"
    later=$scratch/later
    expect 0 "$prebake" bake --root "$root" --kernel "$LATER_KERNEL" --cache "$cache" \
        --source "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")"
    cp -r "$root/lib/modules/$LATER_KERNEL/updates/dkms" "$later"
}

# What modprobe reads in the modules of folder $1, against the Module.symvers $2: the symbols, once
# a module, whose CRC is another there.
changed_symbols() {
    local module
    for module in "$1"/*.ko; do
        modprobe --dump-modversions "$module" | awk -v module="${module##*/}" '
            NR == FNR { crc[$2] = $1; next }
            ($2 in crc) && crc[$2] != $1 { print module, $2 }' "$2" -
    done | sort
}

test_nvidia_for_a_later_kernel() {
    local expected
    compile_for_the_later_kernel
    assert_equal "modules" 5 "$(find "$later" -name '*.ko' | wc -l)"
    expect 0 "$prebake" verify --json \
        --headers "$(apt_downloaded "linux-headers-$LATER_KERNEL")" "$later"
    expected=$(changed_symbols "$later" "/usr/src/linux-headers-$KERNEL/Module.symvers")
    [[ -n $expected ]] || fail "no symbol changed between the two kernels"
    expect 7 "$prebake" verify --json --headers "/usr/src/linux-headers-$KERNEL" "$later"
    assert_equal "all are refused" 5 "$(jq .failed <<<"$out")"
    assert_equal "for these symbols" "$expected" "$(jq -r '.modules[] |
        (.file | split("/") | last) as $name | .failures[] | select(.check == "crc") |
        "\($name) \(.symbol)"' <<<"$out" | sort)"
    show "symbols that changed" "$(cut -d' ' -f2 <<<"$expected" | sort | uniq -c | sort -rn)"
}

run_tests "$@"

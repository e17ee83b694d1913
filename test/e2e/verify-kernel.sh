#!/bin/bash
# A distribution's whole kernel is the largest set of modules that is known to load: verify must
# find nothing wrong with it, and must find something wrong with every module on another kernel.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

add_newer_headers() {
    local package
    for package in "linux-headers-$NEWER_KERNEL" "linux-headers-$NEWER_KERNEL_COMMON"; do
        dpkg-deb --fsys-tarfile "$(apt_downloaded "$package")" |
            tar -x -C "$root" --keep-directory-symlink
    done
}

test_every_module_loads() {
    expect 0 "$prebake" verify --root "$root" --kernel "$KERNEL" "$tree"
    assert_equal "a verdict each" "$count" "$(grep -c ": will load on $KERNEL\$" <<<"$out")"
    assert_equal "nothing else is said" "$count" "$(wc -l <<<"$out")"
}

# Without its siblings a module of the kernel finds what it needs in Module.symvers.
test_alone() {
    local module
    for module in drivers/net/veth.ko fs/overlayfs/overlay.ko net/netfilter/nf_nat.ko; do
        expect 0 "$prebake" verify --root "$root" --kernel "$KERNEL" "$tree/$module"
    done
}

test_no_module_loads_on_another_kernel() {
    expect 7 "$prebake" verify --root "$root" --kernel "$NEWER_KERNEL" --json "$tree"
    assert_equal "all fail" "$count" "$(jq .failed <<<"$out")"
    assert_equal "each by its vermagic" "$count" \
        "$(jq '[.modules[] | select(any(.failures[]; .check == "vermagic"))] | length' <<<"$out")"
    # The release word apart, the CRC of module_layout alone keeps these kernels' modules apart.
    assert_equal "each by a CRC" "$count" \
        "$(jq '[.modules[] | select(any(.failures[]; .symbol == "module_layout"))] | length' \
            <<<"$out")"
}

# Modules are judged side by side: whatever is said, and its order, does not depend on it.
test_on_one_processor() {
    local several
    expect 7 "$prebake" verify --root "$root" --kernel "$NEWER_KERNEL" --json "$tree"
    several=$out
    expect 7 taskset -c "$(nproc_first)" "$prebake" verify --root "$root" --kernel "$NEWER_KERNEL" \
        --json "$tree"
    assert_equal "the verdicts" "$several" "$out"
}

# One wrong digit in Module.symvers shows in every module that uses the symbol, and in no other.
test_one_wrong_crc() {
    local symvers users
    symvers=$(readlink -f "$root/usr/src/linux-headers-$KERNEL/Module.symvers")
    users=$(grep -rlZ --include='*.ko' -w '_printk' "$tree" | tr '\0' '\n' | wc -l)
    ((users > 100)) || fail "only $users modules use _printk"
    cp "$symvers" "$scratch/symvers"
    sed -i '/\t_printk\t/s/^0x......../0x01234567/' "$symvers"
    run "$prebake" verify --root "$root" --kernel "$KERNEL" --json "$tree"
    cp "$scratch/symvers" "$symvers"
    assert_equal "status" 7 "$status"
    assert_equal "the modules that use it" "$users" "$(jq .failed <<<"$out")"
    assert_equal "only this is wrong" '["_printk"]' \
        "$(jq -c '[.modules[].failures[].symbol] | unique' <<<"$out")"
}

# The first processor that this process may run on.
nproc_first() { taskset -cp $BASHPID | sed 's/.*: //; s/[-,].*//'; }

root=$(fresh_root node)
add_newer_headers
tree=$root/lib/modules/$KERNEL/kernel
count=$(find "$tree" -name '*.ko' | wc -l)
((count > 1000)) || die "the root has $count kernel modules: that is no whole kernel"
run_tests "$@"

#!/bin/bash
# B6 (bottlerocket-kernel-kit 176): a duplicated or malformed vermagic: "bad vermagic: kernel
# tainted". The kernel takes the first entry and tools print all: there must be exactly one, and one
# name.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/changed-source.sh
. "$test_lib/changed-source.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

second_vermagic() { echo 'MODULE_INFO(vermagic, "6.99.0 SMP");' >>small_core.c; }

test_b6_dkms_installs_two_vermagics() {
    root=$(overlay_root dkms)
    changed_source "$root" second_vermagic
    dkms_in "$root" add "$small_name/1.0"
    expect 0 dkms_in "$root" install "$small_name/1.0" -k "$KERNEL"
    assert_equal "dkms status" "$small_name/1.0, $KERNEL, x86_64: installed" \
        "$(dkms_in "$root" status)"
    assert_equal "entries" 2 \
        "$(modinfo -F vermagic "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko" | wc -l)"
}

test_b6_two_vermagics_are_not_baked() {
    root=$(overlay_root node)
    changed_source "$root" second_vermagic
    rm -r "$root/usr/src/$small_name-1.0"
    expect_refusal_unchanged "$root" 7 vermagic bake_small "$root" 1.0
    assert_absent "$root/var/lib/prebake"
}

# The kernel's dummy.ko with another .modinfo: what the command in the other arguments makes of the
# entries on its input, one a line.
with_modinfo() {
    local file=$1
    shift
    cp "$dummy" "$file"
    objcopy -O binary --only-section=.modinfo --set-section-flags .modinfo=alloc "$dummy" \
        "$scratch/modinfo"
    tr '\0' '\n' <"$scratch/modinfo" | "$@" | tr '\n' '\0' >"$scratch/modinfo.new"
    objcopy --update-section .modinfo="$scratch/modinfo.new" "$file"
}

verify() { "$prebake" verify --root "$root" --kernel "$KERNEL" "$@"; }

# Verify refuses the dummy.ko made so, and names the entry.
refused() {
    local entry=$1
    shift
    with_modinfo "$scratch/dummy.ko" "$@"
    expect 7 verify "$scratch/dummy.ko"
    assert_contains "what is wrong" "$entry" "$out$err"
    assert_contains "the file" dummy.ko "$out$err"
}

test_b6_by_objcopy() {
    root=$(overlay_root node)
    dummy=$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko
    with_modinfo "$scratch/dummy.ko" cat
    expect 0 verify "$scratch/dummy.ko"
    refused vermagic sed '/^vermagic=/p'
    refused vermagic sed '/^vermagic=/d'
    refused vermagic sed 's/^vermagic=.*/vermagic=/'
    refused vermagic sed 's/^vermagic=.*/vermagic=6.1.0/'
    refused vermagic sed 's/^vermagic=\(.*[^ ]\) *$/vermagic=\1/'
    refused vermagic sed '/^vermagic=/{p;s/6\.1/6.2/}'
    refused vermagic sed 's/^vermagic=/Vermagic=/'
    refused name sed '/^name=/p'
    refused name sed '/^name=/d'
    refused name sed 's/^name=.*/name=/'
}

test_b6_without_modinfo() {
    root=$(overlay_root node)
    dummy=$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko
    objcopy --remove-section .modinfo "$dummy" "$scratch/dummy.ko"
    expect 7 verify "$scratch/dummy.ko"
    assert_contains "what is wrong" modinfo "$out$err"
}

run_tests "$@"

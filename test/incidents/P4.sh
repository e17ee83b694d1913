#!/bin/bash
# P4 (dkms 266): modules signed with sha512 on a kernel that wants sha256, which refuses them. The hash
# is what the kernel is configured for, and verify names one that is not.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/signed-vm.sh
. "$test_lib/signed-vm.sh"
# shellcheck source=test/lib/variants.sh
. "$test_lib/variants.sh"

headers=/usr/src/linux-headers-$KERNEL
vmlinuz=$build/roots/node/boot/vmlinuz-$KERNEL

# A copy of the compiled module as file $1 of the guest, signed with key $2 and hash $3.
signed_as() {
    cp "$scratch/compiled/variant_good.ko" "$scratch/tree/vm/$1"
    "$prebake" sign --sign-key "$scratch/$2.pem" --sign-cert "$scratch/$2.crt" --hash "$3" \
        "$scratch/tree/vm/$1" >/dev/null
}

verify() { "$prebake" verify --headers "$headers" --cert "$scratch/ours.crt" "$scratch/tree/vm/$1"; }

test_p4_hash_of_the_kernel() {
    variants_compile "$scratch/compiled"
    variants_key "$scratch/ours" rsa:2048
    signed_vm_tree "$scratch/tree" "$build/roots/node" 'echo; /bin/load-modules </vm/list'
    signed_as sha512.ko ours sha512
    cp "$scratch/compiled/variant_good.ko" "$scratch/tree/vm/chosen.ko"
    expect 0 "$prebake" sign --sign-key "$scratch/ours.pem" --sign-cert "$scratch/ours.crt" \
        "$scratch/tree/vm/chosen.ko"
    assert_contains "the kernel's hash is chosen" "with sha256" "$out"
    expect 0 verify chosen.ko
    expect 10 verify sha512.ko
    assert_contains "verify names both" "signed with sha512; sha256" "$out"
    printf '%s /vm/%s.ko variant_good\n' chosen chosen sha512 sha512 >"$scratch/tree/vm/list"
    signed_vm_run "$vmlinuz" "$scratch/tree" module.sig_enforce=1 "$scratch/ours.der"
    assert_contains "the kernel takes it" "chosen finit_module ok" "$out"
    assert_contains "the kernel refuses it" "sha512 finit_module EKEYREJECTED" "$out"
}

BUILD_DIR=$build "$scripts/make-root" node >&2
run_tests "$@"

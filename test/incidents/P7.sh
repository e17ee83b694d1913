#!/bin/bash
# P7 (bottlerocket 4218): under lockdown an unsigned module is EPERM, which took the boot down. Verify
# says so when the image is built (10), and where it happens all the same the boot goes on.
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

test_p7_lockdown() {
    variants_compile "$scratch/compiled"
    variants_key "$scratch/ours" rsa:2048
    signed_vm_tree "$scratch/tree" "$build/roots/node" \
        'echo; /bin/load-modules </vm/list; echo the boot goes on'
    signed_as good.ko ours sha256
    cp "$scratch/compiled/variant_good.ko" "$scratch/tree/vm/unsigned.ko"
    expect 0 verify good.ko
    expect 10 verify unsigned.ko
    assert_contains "what is wrong" "it carries no signature" "$out"
    printf '%s /vm/%s.ko variant_good\n' good good unsigned unsigned >"$scratch/tree/vm/list"
    signed_vm_run "$vmlinuz" "$scratch/tree" lockdown=integrity "$scratch/ours.der"
    assert_contains "the kernel takes a signed one" "good finit_module ok" "$out"
    assert_contains "the kernel refuses" "unsigned finit_module EPERM" "$out"
    assert_contains "and goes on" "the boot goes on" "$out"
}

BUILD_DIR=$build "$scripts/make-root" node >&2
run_tests "$@"

#!/bin/bash
# P6 (kata-containers 13728): the image's modules were signed by the ephemeral key of another build:
# "Key was rejected by service". Verify tells by the certificate, and names the signer.
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

test_p6_another_builds_key() {
    variants_compile "$scratch/compiled"
    variants_key "$scratch/ours" rsa:2048
    variants_key "$scratch/another-build" rsa:2048
    signed_vm_tree "$scratch/tree" "$build/roots/node" 'echo; /bin/load-modules </vm/list'
    signed_as good.ko ours sha256
    signed_as foreign.ko another-build sha256
    expect 0 verify good.ko
    expect 10 "$prebake" verify --headers "$headers" --cert "$scratch/ours.crt" --json \
        "$scratch/tree/vm/foreign.ko"
    assert_equal "wanted and found" 'ours another-build' \
        "$(jq -r '.modules[0].failures[0] | "\(.wanted) \(.found)"' <<<"$out")"
    printf '%s /vm/%s.ko variant_good\n' good good foreign foreign >"$scratch/tree/vm/list"
    signed_vm_run "$vmlinuz" "$scratch/tree" module.sig_enforce=1 "$scratch/ours.der"
    assert_contains "the kernel takes ours" "good finit_module ok" "$out"
    assert_contains "the kernel refuses the other" "foreign finit_module EKEYREJECTED" "$out"
}

BUILD_DIR=$build "$scripts/make-root" node >&2
run_tests "$@"

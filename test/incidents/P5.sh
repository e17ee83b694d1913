#!/bin/bash
# P5 (dkms 6b1e4d3): signing failed, or was left out in a chroot, with a warning and exit status 0;
# the modules do not load where signatures are enforced. Here 10, and nothing is baked.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

make_key() {
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj "/CN=$1" -days 2 \
        -keyout "$scratch/$1.pem" -out "$scratch/$1.crt" 2>/dev/null
}

# Without openssl dkms can't make its key.
test_p5_dkms_installs_unsigned() {
    root=$(overlay_root dkms)
    rm -f "$root/usr/bin/openssl"
    prebuilt_source "$root" one 1.0 one
    dkms_in "$root" add one/1.0
    expect 0 dkms_in "$root" install one/1.0 -k "$KERNEL"
    assert_contains "dkms says it" "won't be signed" "$out$err"
    assert_equal "dkms status" "one/1.0, $KERNEL, x86_64: installed" "$(dkms_in "$root" status)"
    assert_equal "no signer" "" \
        "$(modinfo -F signer "$root/lib/modules/$KERNEL/updates/dkms/one.ko")"
}

# The bake ends with 10, naming $1, and leaves nothing.
refused() {
    local words=$1
    shift
    expect_refusal_unchanged "$root" 10 "$words" bake_small "$root" 1.0 --require-signature "$@"
    assert_absent "$root/var/lib/prebake"
}

test_p5_no_key() {
    root=$(overlay_root node)
    refused "--require-signature"
}

test_p5_key_that_does_not_sign() {
    root=$(overlay_root node)
    make_key one
    make_key two
    refused 'does not belong to the certificate of "two"' --sign-key "$scratch/one.pem" --sign-cert "$scratch/two.crt"
    : >"$scratch/empty.pem"
    refused "empty.pem" --sign-key "$scratch/empty.pem" --sign-cert "$scratch/one.crt"
    openssl rsa -in "$scratch/one.pem" -aes256 -passout pass:secret -out "$scratch/locked.pem" \
        2>/dev/null
    echo wrong >"$scratch/passphrase"
    refused "locked.pem" --sign-key "$scratch/locked.pem" --sign-cert "$scratch/one.crt" \
        --passphrase-file "$scratch/passphrase"
}

test_p5_signed() {
    root=$(overlay_root node)
    make_key one
    expect 0 bake_small "$root" 1.0 --require-signature --sign-key "$scratch/one.pem" \
        --sign-cert "$scratch/one.crt"
    assert_equal "signer" one \
        "$(modinfo -F signer "$root/lib/modules/$KERNEL/updates/dkms/$small_name-user.ko")"
}

run_tests "$@"

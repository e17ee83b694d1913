#!/bin/bash
# Headers that claim more than there is cost nothing: verify and inspect of such files end with a
# refusal, at once and in little memory.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

headers=/usr/src/linux-headers-$KERNEL
memory_max=$((96 << 10)) # KiB of address space, headers and libraries included

# Both refuse file $1 within that.
refused() {
    local ended=0
    for command in "verify --headers $headers" inspect; do
        ended=0
        # shellcheck disable=SC2086  # words
        (ulimit -v "$memory_max" && exec timeout 20 "$prebake" $command "$1") \
            >"$scratch/out" 2>&1 || ended=$?
        assert_equal "${1##*/}, $command: $(tail -n 3 "$scratch/out")" 7 "$ended"
        assert_not_contains "it is not about memory" "out of memory" "$(<"$scratch/out")"
    done
}

# The kernel's dummy.ko with the bytes $2 (hexadecimal) at offset $3, as file $1.
changed() {
    cp "$build/roots/node/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$1"
    perl -pi -0777 -e "substr(\$_, $3, length('$2') / 2) = pack('H*', '$2')" "$1"
}

# Within the same bounds a good module is read: the bounds are not what refuses.
test_good() {
    (ulimit -v "$memory_max" && "$prebake" verify --headers "$headers" \
        "$build/roots/node/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko") || fail "too little memory"
}

test_zstd_that_claims_2_60() {
    perl -e 'print pack("H*", "28b52ffdc050"), pack("Q<", 1 << 60), pack("H*", "010000")' \
        >"$scratch/claims.ko.zst"
    refused "$scratch/claims.ko.zst"
}

# Section headers at 2^60, as many as there can be; a section of 2^60 bytes.
test_sections() {
    changed "$scratch/far.ko" 0000000000000010 40
    refused "$scratch/far.ko"
    changed "$scratch/many.ko" ffff 60
    refused "$scratch/many.ko"
    local table
    table=$(readelf -h "$scratch/many.ko" 2>/dev/null | awk '/Start of section/ { print $5 }')
    changed "$scratch/large.ko" 0000000000000010 $((table + 64 + 32))
    refused "$scratch/large.ko"
}

test_signature() {
    changed "$scratch/signature.ko" ffffffff \
        "$(($(stat -c %s "$build/roots/node/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko") - 32))"
    refused "$scratch/signature.ko"
}

BUILD_DIR=$build "$scripts/make-root" node >&2
run_tests "$@"

#!/bin/bash
# Private keys and passphrases stay where they are: nothing that sign and bake leave, print or write,
# finished, killed or failed, has a byte of them; temporary files are nobody else's; no argument of a
# program has the PIN. And a key in a token (SoftHSM) signs by way of the kernel's own sign-file.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"

passphrase='pass-phrase-4f1d7c'
pin=73911846
keys=$scratch_base/keys
headers=/usr/src/linux-headers-$KERNEL
sign_file=$headers/scripts/sign-file

# An encrypted key and a plain one, and what gives them away: the lines of their files, their secret
# numbers, the words that open them.
make_keys() {
    mkdir -m 0700 "$keys"
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=keys -days 2 -keyout "$keys/plain.pem" \
        -out "$keys/cert.pem" 2>/dev/null
    openssl pkcs8 -topk8 -in "$keys/plain.pem" -passout "pass:$passphrase" -out "$keys/locked.pem"
    printf '%s\n' "$passphrase" >"$keys/passphrase"
    printf '%s\n' "$pin" >"$keys/pin"
    chmod 0600 "$keys"/*
    {
        grep -hv -e ----- "$keys/plain.pem" "$keys/locked.pem"
        printf '%s\n' "$passphrase" "$pin"
    } >"$keys/texts"
    openssl rsa -in "$keys/plain.pem" -noout -text 2>/dev/null |
        awk '/^[a-zA-Z]/ { secret = /^(privateExponent|prime1|prime2)/ } secret && /^ / { print }' |
        tr -d ' \n' | tr -s ':' ' ' >"$keys/numbers"
    echo >>"$keys/numbers"
}

# A SoftHSM token with the key, and an OpenSSL configuration that reaches it.
make_token() {
    local token=$keys/token
    mkdir -p "$token/provider"
    dpkg-deb -x "$(apt_downloaded "$(apt_own_release)-backports/pkcs11-provider")" "$token/provider"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
        "$token" >"$token/softhsm2.conf"
    cat >"$token/openssl.cnf" <<CONF
openssl_conf = init
[init]
providers = providers
[providers]
default = built_in
pkcs11 = token
[built_in]
activate = 1
[token]
module = $(find "$token/provider" -name pkcs11.so)
pkcs11-module-path = /usr/lib/softhsm/libsofthsm2.so
pkcs11-module-quirks = no-deinit
pkcs11-module-load-behavior = early
activate = 1
CONF
    export SOFTHSM2_CONF=$token/softhsm2.conf
    softhsm2-util --init-token --free --label prebake --pin "$pin" --so-pin 99999999 >/dev/null
    softhsm2-util --import "$keys/plain.pem" --token prebake --label modules --id 01 --pin "$pin" \
        >/dev/null
    unset SOFTHSM2_CONF
}

# Runs a command where the system's configuration is the token's: programs that prebake starts get no
# environment that says where else it is.
with_token() {
    # shellcheck disable=SC2016  # for the inner shell
    unshare -m --propagation private sh -euc '
        mount --bind "$1/softhsm2.conf" /etc/softhsm/softhsm2.conf
        mount --bind "$1/openssl.cnf" /etc/ssl/openssl.cnf
        shift
        exec "$@"' sh "$keys/token" "$@"
}

# Fails when a file below one of the places has a text of a secret, or eight bytes in a row of a
# secret number, at any of 40 places of them.
assert_no_secret_in() {
    local found bytes patterns=() at
    found=$(grep -rlaF -f "$keys/texts" "$@" || true)
    assert_equal "files with a secret text" "" "$found"
    read -ra bytes <"$keys/numbers"
    ((${#bytes[@]} > 400)) || fail "the key's numbers are missing: ${#bytes[@]} bytes"
    for ((at = 8; at + 8 < ${#bytes[@]} && ${#patterns[@]} < 80; at += ${#bytes[@]} / 40)); do
        patterns+=(-e "$(printf '\\x%s' "${bytes[@]:at:8}")")
    done
    found=$(LC_ALL=C grep -rlaP "${patterns[@]:1:1}" "$@" || true)
    for ((at = 3; at < ${#patterns[@]}; at += 2)); do
        found+=$(LC_ALL=C grep -rlaP "${patterns[at]}" "$@" || true)
    done
    assert_equal "files with bytes of a secret number" "" "$found"
}

around=()

# Runs a command under strace; $calls is the trace of what it and its children opened, made, ran and
# wrote, of which every byte is shown.
traced() {
    calls=$scratch/calls
    run "${around[@]}" strace -f -qq -y -s 100000000 -o "$calls" -e signal=none \
        -e trace=open,openat,openat2,creat,mkdir,mkdirat,execve,write,pwrite64,writev,sendto "$@"
    printf '%s\n%s\n' "$out" "$err" >"$scratch/said"
}

# The key is opened to be read and nothing else, each file that is made is the owner's alone until it
# is complete, and neither arguments nor what is written nor what is said has a secret. sign-file
# itself names its own output as it likes; that stands in a folder of the owner's.
assert_private() {
    local made
    assert_equal "the key is opened for writing" "" \
        "$(grep -E "$keys/[a-z]+\.pem\".*O_(WRONLY|RDWR|CREAT)" "$calls" || true)"
    made=$(grep -E 'O_CREAT|creat\(' "$calls" | grep -vE ', 0[0-7]00\)|, 0[0-7]00, |mode=0[0-7]00' |
        grep -v "/module.*p7s" || true)
    assert_equal "files made for others to read" "" "$made"
    sed -E '/write|sendto|execve/!d' "$calls" |
        grep -vF -e "execve(\"$prebake\"" -e '</memfd:pin' >"$scratch/written"
    assert_no_secret_in "$scratch/written" "$scratch/said"
}

copy_module() { cp "$small_cache"/*/modules/prebake-small-core.ko "$scratch/module.ko"; }

sign_with() { traced "$prebake" sign --hash sha256 --sign-cert "$keys/cert.pem" "$@" "$scratch/module.ko"; }

# What is left of a run: its folders, without the trace of it.
assert_nothing_left() {
    rm -f "$scratch/calls"
    assert_no_secret_in "$TMPDIR" --exclude-dir=keys
}

# --- sign

test_the_search_finds() {
    mkdir "$scratch/text" "$scratch/number" "$scratch/nothing"
    sed -n 5p "$keys/plain.pem" >"$scratch/text/file"
    openssl rsa -in "$keys/plain.pem" -outform DER -out "$scratch/number/file" 2>/dev/null
    head -c 100000 /dev/urandom >"$scratch/nothing/file"
    assert_no_secret_in "$scratch/nothing"
    (assert_no_secret_in "$scratch/text") 2>/dev/null && fail "a line of the key was not found"
    (assert_no_secret_in "$scratch/number") 2>/dev/null && fail "a number of the key was not found"
    return 0
}

test_sign() {
    copy_module
    sign_with --sign-key "$keys/plain.pem"
    assert_equal "status ($err)" 0 "$status"
    assert_private
    sign_with --sign-key "$keys/locked.pem" --passphrase-file "$keys/passphrase"
    assert_equal "status ($err)" 0 "$status"
    assert_private
    assert_equal "signer" keys "$(modinfo -F signer "$scratch/module.ko")"
    assert_nothing_left
}

test_sign_with_a_wrong_passphrase() {
    copy_module
    printf 'no-%s\n' "$passphrase" >"$keys/wrong"
    sign_with --sign-key "$keys/locked.pem" --passphrase-file "$keys/wrong"
    rm "$keys/wrong"
    assert_equal "status ($err)" 10 "$status"
    assert_private
    assert_nothing_left
}

# Killed at each of its writes and at the rename.
test_sign_killed() {
    local call when killed=0
    copy_module
    for call in write renameat fsync; do
        for when in 1 2; do
            run strace -f -qq -o /dev/null -e "inject=$call:signal=SIGKILL:when=$when" \
                "$prebake" sign --hash sha256 --sign-cert "$keys/cert.pem" \
                --sign-key "$keys/locked.pem" --passphrase-file "$keys/passphrase" "$scratch/module.ko"
            ((status == 0)) || killed=$((killed + 1))
            assert_no_secret_in "$scratch" "$TMPDIR" --exclude-dir=keys
        done
    done
    ((killed >= 3)) || fail "killed only $killed times"
}

# --- bake

# Bakes the small source into the small root, signed.
bake_command() {
    local key=$1 passphrase=$2
    bake=("$prebake" bake --root "$scratch/overlay/root" --source "$scratch_base/small" --kernel
        "$KERNEL" --cache "$small_cache" --compress zstd --sign-key "$key" --sign-cert
        "$keys/cert.pem" --passphrase-file "$passphrase")
    overlay_over "$small" >/dev/null
}

assert_bake_left_nothing() {
    rm -f "$scratch/calls"
    assert_no_secret_in "$TMPDIR" --exclude-dir=keys
    assert_exists "$small_cache"
}

test_bake() {
    bake_command "$keys/locked.pem" "$keys/passphrase"
    traced "${bake[@]}"
    assert_equal "status ($err)" 0 "$status"
    assert_exists "$scratch/overlay/root/var/lib/prebake/marker"
    assert_bake_left_nothing
}

# While modules are packed and while files are placed.
test_bake_killed() {
    local call killed=0
    bake_command "$keys/locked.pem" "$keys/passphrase"
    for call in unlinkat:2 write:4 renameat2:1 symlinkat:1; do
        run strace -f -qq -o /dev/null -e "trace=${call%:*}" \
            -e "inject=${call%:*}:signal=SIGKILL:when=${call#*:}" "${bake[@]}"
        ((status == 0)) || killed=$((killed + 1))
        assert_bake_left_nothing
    done
    ((killed >= 3)) || fail "killed only $killed times"
}

# --- tokens

token_uri='pkcs11:token=prebake;object=modules;type=private'

test_token() {
    around=(with_token)
    copy_module
    cp "$scratch/module.ko" "$scratch/expected.ko"
    "$sign_file" sha256 "$keys/plain.pem" "$keys/cert.pem" "$scratch/expected.ko"
    sign_with --sign-key "$token_uri" --sign-file "$sign_file" --passphrase-file "$keys/pin"
    assert_equal "status ($err)" 0 "$status"
    cmp "$scratch/module.ko" "$scratch/expected.ko"
    assert_private
    sign_with --sign-key "$token_uri?pin-value=$pin" --sign-file "$sign_file"
    assert_equal "status ($err)" 0 "$status"
    cmp "$scratch/module.ko" "$scratch/expected.ko"
    sign_with --sign-key "$token_uri" --sign-file "$sign_file" --passphrase-file "$keys/passphrase"
    assert_equal "a wrong PIN ($err)" 10 "$status"
    assert_private
    cmp "$scratch/module.ko" "$scratch/expected.ko"
    assert_nothing_left
}

# A whole bake, by way of the sign-file among the image's headers.
test_bake_with_a_token() {
    local file
    bake_command "$token_uri" "$keys/pin"
    around=(with_token)
    traced "${bake[@]}"
    assert_equal "status ($err)" 0 "$status"
    for file in core user; do
        assert_equal "signer" keys "$(modinfo -F signer \
            "$scratch/overlay/root/lib/modules/$KERNEL/updates/dkms/prebake-small-$file.ko.zst")"
    done
    assert_bake_left_nothing
}

# What sign-file says may be anything; a PIN in the URI reaches neither it nor a message.
test_sign_file_fails() {
    copy_module
    # shellcheck disable=SC2016  # for the script
    printf '#!/bin/sh\necho "can not sign with $3"\nexit 3\n' >"$scratch/sign-file"
    chmod +x "$scratch/sign-file"
    sign_with --sign-key "pkcs11:object=none?pin-value=$pin" --sign-file "$scratch/sign-file"
    assert_equal "status ($err)" 10 "$status"
    assert_contains "its own words" "can not sign with pkcs11:object=none?pin-source=" "$err"
    assert_private
    assert_nothing_left
}

make_keys
make_token
small=$scratch_base/small-root
small_cache=$scratch_base/cache
small_root "$small"
install -D "$sign_file" "$small$headers/scripts/sign-file"
small_source 1.0 "$scratch_base/small"
small_bundle "$small" "$small_cache" "$scratch_base/small"
run_tests "$@"

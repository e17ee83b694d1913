#!/bin/bash
# The commands on a real bake: NVIDIA's modules in a Debian root.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

modules=lib/modules/$KERNEL/updates/dkms
state=var/lib/prebake

make_key() {
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj "/CN=$1" -days 2 \
        -keyout "$scratch/$1.pem" -out "$scratch/$1.crt" 2>/dev/null
}

# --- what a bake says and leaves

test_bake_reports_what_it_did() {
    teardown "$root" >/dev/null
    expect 0 bake_nvidia "$root"
    assert_contains "telemetry" "event=bake" "$out"
    assert_equal "five modules" 5 "$(find "$root/$modules" -name "$open_name*.ko" | wc -l)"
    teardown "$root" >/dev/null
    expect 0 bake_nvidia "$root" --json
    jq -e .format <<<"$out" >/dev/null || fail "not JSON with a format: $out"
}

test_marker() {
    local key
    for key in "format=1" "kernel=$KERNEL" "driver_version=$NVIDIA_VERSION" "driver_kind=cuda" \
        "arch=x86_64" "module=$open_name"; do
        grep -qx "$key" "$root/$state/marker" || fail "no $key in: $(cat "$root/$state/marker")"
    done
    assert_contains "the manifest's digest" \
        "manifest_sha256=$(sha256sum "$root/$state/manifest.mtree" | cut -d' ' -f1)" \
        "$(cat "$root/$state/marker")"
}

test_state_folder_is_private() {
    assert_equal "mode and owner" "700 0:0" "$(stat -c '%a %u:%g' "$root/$state")"
}

# Every standard tool reads the manifest; mtree checks each file against it.
test_manifest_by_standard_tools() {
    local manifest=$root/$state/manifest.mtree
    expect 0 mtree -e -f "$manifest" -p "$root"
    assert_equal "mtree finds no difference" "" "$out"
    expect 0 bsdtar -tf "$manifest"
    assert_contains "bsdtar lists the module" "$modules/$open_name.ko" "${out//usr\/lib/lib}"
    expect 0 mtree -C -f "$manifest"
}

test_manifest_notices_a_change() {
    local other
    other=$(overlay_over "$root")
    printf x | dd of="$other/$modules/$open_name.ko" seek=999 bs=1 conv=notrunc status=none
    run mtree -e -f "$other/$state/manifest.mtree" -p "$other"
    ((status != 0)) || fail "mtree should have noticed: $out"
    assert_contains "the file is named" "$open_name.ko" "$out"
}

test_index_knows_the_modules() {
    expect 0 modprobe -d "$root" -S "$KERNEL" --show-depends "$open_name-uvm"
    assert_contains "the module" "updates/dkms/$open_name-uvm.ko" "$out"
    assert_contains "what it needs" "updates/dkms/$open_name.ko" "$out"
    expect 0 modprobe -d "$root" -S "$KERNEL" -R 'pci:v000010DEd00001EB8sv0sd0bc03sc02i00'
    assert_contains "its alias" "${open_name//-/_}" "$out"
}

test_same_bake_twice() {
    snapshot_with_program "$root" >"$scratch/before"
    expect 0 bake_nvidia "$root"
    snapshot_with_program "$root" >"$scratch/after"
    assert_same_tree "the second bake" "$scratch/before" "$scratch/after"
}

test_another_version_is_refused() {
    expect_refusal_unchanged "$root" 4 "teardown" bake_small "$root" 2.0
    assert_contains "what is there is named" "$open_name $NVIDIA_VERSION" "$err"
}

# The old bake stays whole when what should replace it can't be built.
test_failing_build_over_old_bake() {
    small_source 3.0 "$scratch/small-3.0"
    sed -i 's/return 42/return answer/' "$scratch/small-3.0/small_core.c"
    expect_refusal_unchanged "$root" 11 "small_core.c" bake_small "$root" 3.0 --replace
    expect 0 chroot "$root" prebake-node status
}

test_replace() {
    local other
    other=$(overlay_root node)
    bake_small "$other" 1.0
    expect 0 bake_small "$other" 2.0 --replace
    assert_absent "$other/usr/src/$small_name-1.0"
    assert_exists "$other/usr/src/$small_name-2.0"
    grep -qx driver_version=2.0 "$other/$state/marker" || fail "the marker is of the old bake"
}

test_dry_run_changes_nothing() {
    local other
    other=$(overlay_root node)
    expect_unchanged "$other" "$prebake" bake --root "$other" --kernel "$KERNEL" --dry-run \
        --source "$(apt_downloaded "$open_source")" --cache "$scratch/new-cache"
    assert_contains "the steps are told" "$KERNEL" "$out"
    assert_absent "$scratch/new-cache"
}

# The command succeeds and changes nothing.
expect_unchanged() {
    local unchanged=$1
    snapshot_with_program "$unchanged" >"$scratch/before"
    expect 0 "${@:2}"
    snapshot_with_program "$unchanged" >"$scratch/after"
    assert_same_tree "the root is unchanged" "$scratch/before" "$scratch/after"
}

# --- prebake-node in the root

test_node_program_starts_in_the_root() {
    expect 0 chroot "$root" /usr/sbin/prebake-node status
    assert_contains "it sees the bake" "$NVIDIA_VERSION" "$out"
    expect 0 chroot "$root" /usr/sbin/prebake-node status --json
    jq -e . <<<"$out" >/dev/null || fail "not JSON: $out"
}

test_node_program_needs_few_libraries() {
    local needed
    needed=$(objdump -p "$prebake_node" | awk '$1 == "NEEDED" { sub(/\.so.*/, "", $2); print $2 }' |
        sort | tr '\n' ' ')
    assert_equal "libraries" "libc libcrypto libkmod " "$needed"
}

test_root_without_its_libraries_is_refused() {
    local other
    other=$(overlay_root node)
    rm "$other"/usr/lib/x86_64-linux-gnu/libkmod.so.2*
    expect_refusal_unchanged "$other" 13 "libkmod.so.2" bake_nvidia "$other"
}

# --- teardown and status without a bake

test_no_marker_nothing_to_do() {
    local other command
    other=$(overlay_root node)
    for command in teardown status; do
        expect_unchanged "$other" "$prebake_node" "$command" --root "$other"
        assert_equal "$command says nothing" "" "$out$err"
    done
}

test_status_json_and_teardown_json() {
    local other
    other=$(overlay_root node)
    bake_small "$other" 1.0
    expect 0 "$prebake_node" status --root "$other" --json
    jq -e .format <<<"$out" >/dev/null || fail "status: not JSON with a format: $out"
    expect 0 teardown "$other" --json
    jq -e .format <<<"$out" >/dev/null || fail "teardown: not JSON with a format: $out"
}

test_teardown_telemetry() {
    local other key
    other=$(overlay_root node)
    bake_small "$other" 1.0
    expect 0 teardown "$other"
    assert_equal "one line" 1 "$(wc -l <<<"$out")"
    assert_contains "its tag" "PREBAKE event=teardown " "$out"
    for key in gpu_node= status=cleaned dkms_before= module_before= module_after= marker_after= \
        dkms_after= modprobe_after= foreign=0 duration_ms=; do
        assert_contains "telemetry" " $key" "$out"
    done
}

# A marker that is not what prebake writes gates nothing.
test_marker_that_is_not_ours() {
    local other
    other=$(overlay_root node)
    bake_small "$other" 1.0
    chmod 0666 "$other/$state/marker"
    expect_refusal_unchanged "$other" 4 marker teardown "$other"
    chmod 0600 "$other/$state/marker"
    sed -i 's/^format=1/format=2/' "$other/$state/marker"
    expect_refusal_unchanged "$other" 4 format teardown "$other"
}

# --- single modules

test_verify_real_modules() {
    local tree=$root/lib/modules/$KERNEL/kernel/drivers
    expect 0 "$prebake" verify --root "$root" --kernel "$KERNEL" "$tree/net/dummy.ko" \
        "$tree/net/veth.ko" "$tree/block/loop.ko"
    expect 0 "$prebake" verify --root "$root" --kernel "$KERNEL" "$root/$modules"/*.ko
    assert_equal "a verdict each" 5 "$(grep -c 'will load' <<<"$out")"
}

test_verify_without_the_sibling() {
    expect 7 "$prebake" verify --root "$root" --kernel "$KERNEL" "$root/$modules/$open_name-uvm.ko"
    assert_contains "the symbol that is missing" "nvUvmInterface" "$out$err"
}

test_verify_truncated() {
    local size whole=$root/$modules/$open_name-peermem.ko
    for size in 0 1 63 64 100 500 1000 2000 3000 4000 $(($(stat -c %s "$whole") - 1)); do
        head -c "$size" "$whole" >"$scratch/short.ko"
        expect 7 "$prebake" verify --root "$root" --kernel "$KERNEL" "$scratch/short.ko"
        assert_contains "the file is named" "short.ko" "$out$err"
    done
}

# e_machine, two bytes at 18, says AArch64.
test_verify_foreign_architecture() {
    cp "$root/$modules/$open_name-peermem.ko" "$scratch/arm.ko"
    printf '\xb7\x00' | dd of="$scratch/arm.ko" bs=1 seek=18 conv=notrunc status=none
    expect 7 "$prebake" verify --root "$root" --kernel "$KERNEL" "$scratch/arm.ko"
    assert_contains "the machine" "machine" "$out$err"
}

# Another kernel's vermagic, of the same length, as a module built for it would carry.
test_verify_another_kernel() {
    sed "s/vermagic=$KERNEL/vermagic=6.1.0-46-cloud-amd64/" \
        "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" >"$scratch/dummy.ko"
    expect 7 "$prebake" verify --root "$root" --kernel "$KERNEL" "$scratch/dummy.ko"
    assert_contains "both are named" "6.1.0-46-cloud-amd64" "$out$err"
}

# Debian's kmod is built without gzip.
test_verify_compressed() {
    local format size
    for format in gzip "xz --check=crc32 --lzma2=dict=1MiB" zstd; do
        $format -k -c "$root/$modules/$open_name.ko" >"$scratch/packed.ko"
        run "$prebake" verify --root "$root" --kernel "$KERNEL" "$scratch/packed.ko"
        assert_equal "a module packed with $format" "$([[ $format == gzip ]] && echo 7 || echo 0)" \
            "$status"
        size=$(stat -c %s "$scratch/packed.ko")
        head -c $((size - 9)) "$scratch/packed.ko" >"$scratch/short.ko"
        expect 7 "$prebake" verify --root "$root" --kernel "$KERNEL" "$scratch/short.ko"
    done
}

# Byte for byte what the kernel's own sign-file makes of the same key.
same_as_sign_file() {
    local hash=$1 sign_file=$root/usr/lib/linux-kbuild-6.1/scripts/sign-file
    cp "$root/$modules/$open_name.ko" "$scratch/ours.ko"
    cp "$scratch/ours.ko" "$scratch/theirs.ko"
    "$sign_file" "$hash" "$scratch/one.pem" "$scratch/one.crt" "$scratch/theirs.ko"
    expect 0 "$prebake" sign --sign-key "$scratch/one.pem" --sign-cert "$scratch/one.crt" \
        --hash "$hash" "$scratch/ours.ko"
    cmp "$scratch/ours.ko" "$scratch/theirs.ko"
    expect 0 modinfo -F signer "$scratch/ours.ko"
    assert_equal "signer" one "$out"
}

test_sign_as_sign_file() {
    make_key one
    same_as_sign_file sha256
    same_as_sign_file sha512
}

# openssl agrees: the appended PKCS#7 is over the module's own bytes.
test_signature_by_openssl() {
    local file=$scratch/signed.ko module=$root/$modules/$open_name-peermem.ko size
    make_key one
    cp "$module" "$file"
    expect 0 "$prebake" sign --root "$root" --sign-key "$scratch/one.pem" \
        --sign-cert "$scratch/one.crt" "$file"
    size=$(stat -c %s "$module")
    tail -c "+$((size + 1))" "$file" | head -c -40 >"$scratch/signature.der"
    expect 0 openssl cms -verify -binary -inform DER -in "$scratch/signature.der" \
        -content "$module" -certfile "$scratch/one.crt" -nointern -noverify -out /dev/null
}

test_sign_again_replaces_the_signature() {
    make_key one
    make_key two
    cp "$root/$modules/$open_name-peermem.ko" "$scratch/twice.ko"
    cp "$scratch/twice.ko" "$scratch/once.ko"
    "$prebake" sign --hash sha256 --sign-key "$scratch/one.pem" --sign-cert "$scratch/one.crt" \
        "$scratch/twice.ko"
    "$prebake" sign --hash sha256 --sign-key "$scratch/two.pem" --sign-cert "$scratch/two.crt" \
        "$scratch/twice.ko" "$scratch/once.ko"
    cmp "$scratch/once.ko" "$scratch/twice.ko"
}

test_baked_modules_are_signed() {
    local other file
    other=$(overlay_root node)
    make_key one
    bake_small "$other" 1.0 --compress zstd --require-signature --sign-key "$scratch/one.pem" \
        --sign-cert "$scratch/one.crt"
    for file in core user; do
        expect 0 modinfo -F signer "$other/$modules/prebake-small-$file.ko.zst"
        assert_equal "signer" one "$out"
    done
    expect 0 teardown "$other"
}

# Modules are compressed so many at a time.
test_jobs_change_no_byte() {
    local one four
    one=$(overlay_root node one)
    four=$(overlay_root node four)
    bake_small "$one" 1.0 --compress xz --jobs 1
    bake_small "$four" 1.0 --compress xz --jobs 4
    assert_equal "packed modules" 2 "$(find "$four/$modules" -name '*.ko.xz' | wc -l)"
    diff -r "$one/$modules" "$four/$modules"
}

test_inspect() {
    expect 0 "$prebake" inspect "$root/$modules/$open_name.ko"
    assert_contains "its version" "$NVIDIA_VERSION" "$out"
    assert_contains "its vermagic" "$KERNEL SMP preempt mod_unload modversions" "$out"
    expect 0 "$prebake" inspect --json "$root/$modules/$open_name.ko"
    jq -e . <<<"$out" >/dev/null || fail "not JSON: $out"
}

test_help_fits_a_terminal() {
    local program verb verbs
    for program in "$prebake" "$prebake_node"; do
        expect 0 "$program" --help
        assert_equal "no line over 80 columns" "" "$(grep -E '.{81}' <<<"$out" || true)"
        mapfile -t verbs < <(sed -n 's/^  \([a-z]\+\)  .*/\1/p' <<<"$out")
        ((${#verbs[@]} > 1)) || fail "no verbs in the help: $out"
        for verb in "${verbs[@]}"; do
            run "$program" "$verb" --help
            assert_equal "$verb --help" "0 " "$status $(grep -E '.{81}' <<<"$out" || true)"
        done
    done
}

root=$(fresh_root node)
bake_nvidia "$root"
run_tests "$@"

#!/bin/bash
# Newer kernels unpack modules themselves (CONFIG_MODULE_DECOMPRESS). One module of a real one, packed
# in many ways, is given to that kernel as it is, and to its kmod; verify says beforehand what comes of
# it. What the kernel's decoder refuses in its own format, verify refuses; a row where verify is
# stricter says why.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/signed-vm.sh
. "$test_lib/signed-vm.sh"
# shellcheck source=scripts/lib/verify-kernels.sh
. "$scripts/lib/verify-kernels.sh"

rows_wanted=20
tree=$scratch_base/tree
headers=$(apt_downloaded "linux-headers-$NEXT_KERNEL")
plain=$scratch_base/dummy.ko
rows=()
declare -A file reason ours kernel kmod

# Row $1: the module packed by the command in the other arguments, as a file with the suffix $2.
packed() {
    local name=$1
    rows+=("$name")
    file[$name]=$tree/vm/$name.ko.$2
    "${@:3}" <"$plain" >"${file[$name]}"
}

stricter() { reason[$1]=$2; }

xz_with() { xz --check=crc32 "$@"; }

make_rows() {
    packed as-kbuild xz xz_with --lzma2=dict=1MiB
    packed no-check xz xz --check=none --lzma2=dict=1MiB
    packed crc64 xz xz --check=crc64 --lzma2=dict=1MiB
    packed sha256 xz xz --check=sha256 --lzma2=dict=1MiB
    packed small-dictionary xz xz_with --lzma2=dict=4KiB
    packed preset-9 xz xz_with -9
    stricter preset-9 "kbuild packs for decoders that keep 1 MiB"
    packed x86-filter xz xz_with --x86 --lzma2=dict=1MiB
    stricter x86-filter "kbuild packs without, and a kernel's configuration may leave it out"
    packed arm-filter xz xz_with --arm --lzma2=dict=1MiB
    packed delta-filter xz xz_with --delta=dist=4 --lzma2=dict=1MiB
    packed many-blocks xz xz_with --block-size=2KiB --lzma2=dict=1MiB
    packed two-streams xz twice xz_with --lzma2=dict=1MiB
    stricter two-streams "kmod does not take what stands behind the stream"
    packed padded xz followed '\0\0\0\0' xz_with --lzma2=dict=1MiB
    stricter padded "kbuild packs without; the kernel's decoder stops before"
    packed trailing xz followed behind xz_with --lzma2=dict=1MiB
    stricter trailing "kmod does not take what stands behind the stream"
    packed truncated xz cut_to 0.5 xz_with --lzma2=dict=1MiB
    packed without-footer xz cut_to 0.997 xz_with --lzma2=dict=1MiB
    packed damaged xz damaged xz_with --lzma2=dict=1MiB
    packed damaged-check xz damaged_check xz_with --lzma2=dict=1MiB
    packed empty xz true
    packed lzma-alone xz xz --format=lzma
    packed not-packed xz cat
    packed content-cut xz content_cut
    packed zstd zst zstd -3 --stream-size="$(stat -c %s "$plain")"
    packed gzip gz gzip -n
}

twice() { for _ in 1 2; do "$@" <"$plain"; done; }
followed() { "${@:2}" && printf '%b' "$1"; }
cut_to() { "${@:2}" | perl -0777 -pe '$_ = substr($_, 0, int(length($_) * '"$1"'))'; }
damaged() { "$@" | perl -0777 -pe 'substr($_, length($_) / 2, 1) ^= chr(0x55)'; }
# Before the index and the footer of 12 bytes stands the block's check.
damaged_check() { "$@" | perl -0777 -pe 'substr($_, -22, 1) ^= chr(0x55)'; }
content_cut() { head -c 5000 | xz_with --lzma2=dict=1MiB; }

judge() {
    "$prebake" verify --headers "$headers" --json "${file[$1]}" 2>/dev/null | jq -r '.modules[] |
        if .loads then "loads" else [.failures[].check] | unique | join(",") end' || true
}

# Boots the kernel; $out is what it said.
boot() {
    local image=$scratch_base/vmlinuz initrd=$scratch_base/initrd name
    dpkg-deb --fsys-tarfile "$(apt_downloaded "linux-image-$NEXT_KERNEL")" |
        tar -xO "./boot/vmlinuz-$NEXT_KERNEL" >"$image"
    for name in "${rows[@]}"; do printf '%s /vm/%s dummy\n' "$name" "${file[$name]##*/}"; done \
        >"$tree/vm/list"
    (cd "$tree" && find . -print0 | cpio --quiet -0 -o -H newc >"$initrd")
    timeout 180 qemu-system-x86_64 -accel tcg -m 512 -display none -vga none -nic none -no-reboot \
        -kernel "$image" -initrd "$initrd" -append 'console=ttyS0 quiet panic=-1' \
        -serial "file:$scratch_base/out" -serial "file:$scratch_base/status" </dev/null ||
        fail "qemu did not end well: $(tail -n 20 "$scratch_base/out")"
    out=$(tr -d '\r' <"$scratch_base/out")
}

# Two times the same list: unpacked by the kernel, then by kmod.
run_rows() {
    local name
    BUILD_DIR=$build "$scripts/make-root" node >&2
    # shellcheck disable=SC2016  # for the guest
    signed_vm_tree "$tree" "$build/roots/node" '
echo "compression: $(cat /sys/module/compression)"
/bin/load-modules --unpacked-by-kernel </vm/list | sed "s/^/kernel /"
/bin/load-modules </vm/list | sed "s/^/kmod /"' cat sed
    dpkg-deb --fsys-tarfile "$(apt_downloaded "linux-image-$NEXT_KERNEL")" |
        tar -xO "./lib/modules/$NEXT_KERNEL/kernel/drivers/net/dummy.ko.xz" | xz -d >"$plain"
    make_rows
    for name in "${rows[@]}"; do ours[$name]=$(judge "$name"); done
    boot
    for name in "${rows[@]}"; do
        kernel[$name]=$(sed -n "s/^kernel $name finit_module //p" <<<"$out")
        kmod[$name]=$(sed -n "s/^kmod $name kmod //p" <<<"$out")
    done
}

print_table() {
    local name
    printf '%-18s %-12s %-12s %-12s %s\n' packed verify kernel kmod 'stricter because'
    for name in "${rows[@]}"; do
        printf '%-18s %-12s %-12s %-12s %s\n' "$name" "${ours[$name]}" "${kernel[$name]:-none}" \
            "${kmod[$name]:-none}" "${reason[$name]:-}"
    done
}

# By its first bytes kmod leaves to the kernel what that can unpack, which is one format.
loads() {
    local magic
    magic=$(head -c 6 "${file[$1]}" | od -An -tx1 | tr -d ' ')
    if [[ $magic == fd377a585a00 ]]; then [[ ${kernel[$1]} == ok ]]; else [[ ${kmod[$1]} == ok ]]; fi
}

test_the_kernel_unpacks() {
    assert_contains "its format" "compression: xz" "$out"
    ((${#rows[@]} >= rows_wanted)) || fail "only ${#rows[@]} rows"
    local name
    for name in "${rows[@]}"; do
        [[ -n ${ours[$name]} && -n ${kernel[$name]} && -n ${kmod[$name]} ]] ||
            fail "no verdict on $name: $out"
    done
    for name in as-kbuild no-check small-dictionary many-blocks; do
        assert_equal "$name" "loads ok" "${ours[$name]} ${kernel[$name]}"
    done
    assert_equal "another format, the kernel" EINVAL "${kernel[zstd]}"
}

test_what_is_refused_is_refused() {
    local name wrong=()
    for name in "${rows[@]}"; do
        [[ ${ours[$name]} != loads ]] || loads "$name" || wrong+=("$name")
    done
    assert_equal "verify says they load" "" "${wrong[*]}"
}

test_where_verify_is_stricter_it_says_why() {
    local name strict stated
    strict=$(for name in "${rows[@]}"; do
        if [[ ${ours[$name]} != loads ]] && loads "$name"; then echo "$name"; fi
    done)
    stated=$(for name in "${rows[@]}"; do [[ -z ${reason[$name]:-} ]] || echo "$name"; done)
    assert_equal "the rows with a reason" "$stated" "$strict"
}

run_rows
print_table
run_tests "$@"

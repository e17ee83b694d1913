#!/bin/bash
# Verify and the kernel itself, side by side: modules with one fault each are verified, then given to
# a real kernel that enforces signatures and trusts our certificates (UEFI db), in one boot. Whatever
# the kernel refuses, verify refuses; where verify is stricter on purpose, the row says why.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/signed-vm.sh
. "$test_lib/signed-vm.sh"
# shellcheck source=test/lib/variants.sh
. "$test_lib/variants.sh"

rows_wanted=80
compiled=$scratch_base/compiled
keys=$scratch_base/keys
tree=$scratch_base/tree
made=$tree/vm
headers=/usr/src/linux-headers-$KERNEL
rows=()
declare -A file module certificate needed reason ours kernel

# A row $1 of the file $2, which is $3 in the kernel.
row() {
    rows+=("$1")
    file[$1]=$2
    module[$1]=$3
    certificate[$1]=ours
}

sign() { "$prebake" sign --hash "${hash:-sha256}" --sign-key "$keys/${key:-ours}.pem" \
    --sign-cert "$keys/${key:-ours}.crt" "$@" >/dev/null; }

# Row $1: a copy of the compiled module $2 with the fault that the other arguments make (the file is
# put behind the first of them).
unsigned() {
    local name=$1 base=$2 path=$made/$1.ko
    cp "$compiled/variant_$base.ko" "$path"
    row "$name" "$path" "variant_$base"
    (($# == 2)) || "$3" "$path" "${@:4}"
}

# The fault comes first, then the signature: the fault alone is what is wrong.
broken() {
    unsigned "$@"
    sign "$made/$1.ko"
}

# The signature comes first, then the fault.
tampered() {
    unsigned "$1" "${base:-good}"
    sign "$made/$1.ko"
    "$2" "$made/$1.ko" "${@:3}"
}

# Signed with the key $2 and the hash $3.
signed() {
    unsigned "$1" good
    key=$2 hash=$3 sign "$made/$1.ko"
    certificate[$1]=$2
}

# A good module packed by the command in the other arguments, as a file with the suffix $2.
packed() {
    local name=$1 suffix=$2
    unsigned "$name" good
    sign "$made/$name.ko"
    "${@:3}" <"$made/$name.ko" >"$made/$name.ko.$suffix"
    rm "$made/$name.ko"
    file[$name]+=.$suffix
}

# Row $1 is loaded after, and judged together with, the file of row $2.
needs() { needed[$1]=$2; }

# Row $1 loads, and verify refuses it: why.
stricter() { reason[$1]=$2; }

rows_of_signatures() {
    broken good good
    unsigned unsigned good
    signed rsa-4096 big sha256
    signed another-key other sha256
    certificate[another-key]=ours
    signed ecdsa curve sha256
    local hash
    for hash in sha1 sha224 sha384 sha512; do signed "$hash" ours "$hash"; done
    stricter sha1 "sha256 is what the kernel is configured for (CONFIG_MODULE_SIG_HASH)"
    stricter sha224 "sha256 is what the kernel is configured for (CONFIG_MODULE_SIG_HASH)"
    tampered signed-twice sign_again
    tampered stripped strip -g
    tampered signature-cut-off cut_signature
    tampered cut-by-one truncate -s -1
    tampered cut-in-half cut_in_half
    unsigned by-key-id good cms_signature -keyid -noattr
    unsigned with-attributes good cms_signature
    unsigned with-certificate good cms_signature -noattr -with-certificate
}

sign_again() { "$headers/scripts/sign-file" sha256 "$keys/ours.pem" "$keys/ours.crt" "$1"; }
cut_signature() { truncate -s "$(stat -c %s "$compiled/variant_good.ko")" "$1"; }
cut_in_half() { truncate -s "$(($(stat -c %s "$1") / 2))" "$1"; }

# A signature in another form, by the openssl tool.
cms_signature() {
    local path=$1 options=(-nocerts) size
    shift
    if [[ ${*: -1} == -with-certificate ]]; then
        options=()
        set -- "${@:1:$#-1}"
    fi
    openssl cms -sign -binary -md sha256 -nosmimecap "${options[@]}" "$@" -outform DER -in "$path" \
        -signer "$keys/ours.crt" -inkey "$keys/ours.pem" -out "$path.der"
    size=$(stat -c %s "$path.der")
    cat "$path.der" >>"$path"
    perl -e 'print pack("CCCx5N", 0, 0, 2, '"$size"'), "~Module signature appended~\n"' >>"$path"
    rm "$path.der"
}

rows_of_tampering() {
    local section
    for section in .init.text .exit.text .modinfo __versions .symtab .strtab .rela.init.text \
        .gnu.linkonce.this_module .shstrtab; do
        tampered "flip-in-$section" flip_in_section "$section"
    done
    tampered flip-in-elf-header flip_byte 12
    tampered flip-in-section-headers flip_in_section_headers
    tampered flip-in-signature flip_from_end 200
    tampered flip-in-signature-start flip_signature_start
    tampered flip-in-length flip_from_end 29
    tampered flip-in-id-type flip_from_end 38
    tampered flip-in-padding flip_from_end 34
    tampered flip-in-magic flip_from_end 10
    tampered byte-behind-signature append_byte
}

flip_from_end() { flip_byte "$1" $(($(stat -c %s "$1") - $2)); }
flip_signature_start() { flip_byte "$1" "$(stat -c %s "$compiled/variant_good.ko")"; }
flip_in_section_headers() { flip_byte "$1" $(($(stat -c %s "$compiled/variant_good.ko") - 100)); }
append_byte() { echo >>"$1"; }

rows_of_modinfo() {
    broken no-vermagic good with_modinfo sed '/^vermagic=/d'
    stricter no-vermagic "the kernel forces it in and is tainted (CONFIG_MODULE_FORCE_LOAD)"
    broken two-vermagics good with_modinfo sed '/^vermagic=/{p;s/6\.1/6.2/}'
    stricter two-vermagics "the kernel takes the first, tools another: nobody knows which is meant"
    broken empty-vermagic good with_modinfo sed 's/^vermagic=.*/vermagic=/'
    broken other-release good with_modinfo sed "s/^vermagic=$KERNEL/vermagic=$NEWER_KERNEL/"
    stricter other-release "with symbol versions the kernel ignores the release word"
    broken other-release-no-versions good other_release_without_versions
    broken other-flags good with_modinfo sed '/^vermagic=/s/preempt //'
    broken no-trailing-space good with_modinfo sed '/^vermagic=/s/ $//'
    broken two-names good with_modinfo sed '/^name=/p'
    stricter two-names "nobody knows which is meant"
    broken no-name good with_modinfo sed '/^name=/d'
    stricter no-name "the file's name and the kernel's could differ"
    broken livepatch good with_modinfo sed '1i livepatch=Y'
    broken no-retpoline good with_modinfo sed '/^retpoline=/d'
    broken no-licence good with_modinfo sed '/^license=/d'
    broken gpl-symbol-proprietary good with_modinfo sed 's/^license=.*/license=Proprietary/'
    broken proprietary plain
    broken namespace spaced
    broken namespace-not-imported spaced with_modinfo sed '/^import_ns=/d'
    broken another-namespace spaced with_modinfo sed 's/^import_ns=.*/import_ns=CXL/'
    broken no-modinfo good objcopy_section --rename-section .modinfo=.xmodinfo
}

other_release_without_versions() {
    with_modinfo "$1" sed "s/^vermagic=$KERNEL/vermagic=$NEWER_KERNEL/"
    objcopy --rename-section __versions=__xversions "$1"
}
objcopy_section() { objcopy "${@:2}" "$1"; }

rows_of_symbols() {
    broken wrong-crc good wrong_crc _printk
    broken wrong-layout-crc good wrong_crc module_layout
    broken missing-crc good without_crc _printk
    broken missing-layout-crc good without_crc module_layout
    broken no-versions good objcopy_section --rename-section __versions=__xversions
    stricter no-versions "the kernel forces it in and is tainted (CONFIG_MODULE_FORCE_LOAD)"
    broken extended-beside good extended_versions
    broken extended-alone good extended_versions_alone
    stricter extended-alone "to the kernel, which reads __versions only, it has none: it is forced in"
    broken unknown-symbol good objcopy_section --redefine-sym ktime_get=ktime_gone
    broken exporter exporter
    broken user user
    broken user-with-exporter user
    needs user-with-exporter exporter
    broken user-wrong-crc user wrong_crc variant_open
    needs user-wrong-crc exporter
    broken proprietary-exporter exporter with_modinfo sed 's/^license=.*/license=Proprietary/'
    broken user-of-proprietary user
    needs user-of-proprietary proprietary-exporter
    broken exports-a-kernel-symbol exporter rename_export
    broken common-symbol common
}

extended_versions_alone() {
    extended_versions "$1"
    objcopy --rename-section __versions=__xversions "$1"
}

# Names of one length.
rename_export() { perl -pi -e 's/variant_open/kobject_init/g' "$1"; }

rows_of_objects() {
    broken wrong-machine good put_bytes 18 b700
    broken i386 good put_bytes 18 0300
    broken class-32 good put_bytes 4 01
    stricter class-32 "the kernel does not look, whoever else reads the file does"
    broken executable good put_bytes 16 0200
    broken no-symbol-table good objcopy_section --strip-all
    broken no-this-module good objcopy_section --rename-section .gnu.linkonce.this_module=.this
    broken write-and-execute good objcopy_section --set-section-flags .init.text=alloc,load,code
    broken unknown-relocation good relocation_type ff000000
    broken got-relocation good relocation_type 09000000
    broken first-section-used good first_section_used
    broken section-outside good put_bytes 40 00000001
    broken odd-section-size good put_bytes 58 41
    broken no-section-names good put_bytes 62 0000
    unsigned not-elf good put_bytes 0 00
    unsigned empty good truncate -s 0
    unsigned header-only good truncate -s 64
}

first_section_used() { put_bytes "$1" $(($(readelf -h "$1" | awk '/Start of section/ { print $5 }') + 4)) 01; }

rows_of_packing() {
    packed xz xz xz --check=crc32 --lzma2=dict=1MiB
    packed xz-crc64 xz xz --check=crc64 --lzma2=dict=1MiB
    stricter xz-crc64 "the kernel's own decoder knows CRC32 only; here kmod unpacks"
    packed xz-sha256 xz xz --check=sha256 --lzma2=dict=1MiB
    stricter xz-sha256 "the kernel's own decoder knows CRC32 only; here kmod unpacks"
    packed xz-dictionary xz xz --check=crc32 --lzma2=dict=8MiB
    stricter xz-dictionary "kbuild packs for decoders that keep 1 MiB"
    packed xz-two-streams xz twice xz --check=crc32 --lzma2=dict=1MiB
    packed xz-trailing xz trailing xz --check=crc32 --lzma2=dict=1MiB
    packed xz-truncated xz halved xz --check=crc32 --lzma2=dict=1MiB
    packed zstd zst zstd -3 --stream-size="$(stat -c %s "$made/good.ko")"
    packed zstd-no-size zst zstd -3
    stricter zstd-no-size "kmod refuses such frames from 34 on; the guest's is 30"
    packed zstd-truncated zst halved zstd -3
    packed zstd-trailing zst trailing zstd -3
    packed gzip gz gzip -n
    packed gzip-truncated gz halved gzip -n
    packed lz4 lz4 lz4_frame
    packed plain-named-xz xz cat
    packed xz-unsigned xz unsigned_xz
}

lz4_frame() { printf '\x04\x22\x4d\x18' && cat; }
twice() {
    tee "$scratch_base/once" | "$@"
    "$@" <"$scratch_base/once"
}
trailing() { "$@" && printf 'behind'; }
halved() { "$@" | perl -0777 -pe '$_ = substr($_, 0, length($_) / 2)'; }
unsigned_xz() { xz --check=crc32 --lzma2=dict=1MiB <"$compiled/variant_good.ko"; }

# What verify says of row $1: "loads", or the checks that fail.
judge() {
    local name=$1 files=("${file[$1]}") with=${needed[$1]:-}
    [[ -z $with ]] || files=("${file[$with]}" "${files[@]}")
    "$prebake" verify --headers "$headers" --cert "$keys/${certificate[$name]}.crt" --json \
        "${files[@]}" 2>/dev/null | jq -r --arg file "${file[$name]}" '.modules[] |
            select(.file == $file) |
            if .loads then "loads" else [.failures[].check] | unique | join(",") end' || true
}

boot() {
    local name with
    for name in "${rows[@]}"; do
        with=${needed[$name]:-}
        printf '%s %s %s' "$name" "/vm/${file[$name]##*/}" "${module[$name]}"
        [[ -z $with ]] || printf ' %s %s' "/vm/${file[$with]##*/}" "${module[$with]}"
        echo
    done >"$made/list"
    signed_vm_run "$build/roots/node/boot/vmlinuz-$KERNEL" "$tree" module.sig_enforce=1 \
        "$keys"/{ours,big,curve}.der
    [[ $status == 0 ]] || fail "the guest: $out"
    for name in "${rows[@]}"; do kernel[$name]=$(sed -n "s/^$name //p" <<<"$out"); done
}

print_table() {
    local name
    printf '%-28s %-24s %-13s %-12s %s\n' module verify by kernel 'stricter because'
    for name in "${rows[@]}"; do
        # shellcheck disable=SC2086  # two words
        printf '%-28s %-24s %-13s %-12s %s\n' "$name" "${ours[$name]}" ${kernel[$name]:-none none} \
            "${reason[$name]:-}"
    done
}

make_rows() {
    mkdir "$keys"
    variants_compile "$compiled"
    variants_key "$keys/ours" rsa:2048
    variants_key "$keys/big" rsa:4096
    variants_key "$keys/other" rsa:2048
    variants_key "$keys/curve" ec -pkeyopt ec_paramgen_curve:P-256
    BUILD_DIR=$build "$scripts/make-root" node >&2
    # An empty line first: the firmware leaves the cursor where it was.
    signed_vm_tree "$tree" "$build/roots/node" 'echo; /bin/load-modules </vm/list'
    rows_of_signatures
    rows_of_tampering
    rows_of_modinfo
    rows_of_symbols
    rows_of_objects
    rows_of_packing
    local name
    for name in "${rows[@]}"; do ours[$name]=$(judge "$name"); done
    boot
}

test_enough_rows() {
    ((${#rows[@]} >= rows_wanted)) || fail "only ${#rows[@]} rows"
    local name
    for name in "${rows[@]}"; do
        [[ -n ${ours[$name]} ]] || fail "no verdict on $name"
        [[ ${kernel[$name]} =~ ^(finit_module|kmod)\ [A-Za-z0-9]+$ ]] ||
            fail "the kernel said nothing of $name: ${kernel[$name]}"
    done
}

test_what_the_kernel_refuses_is_refused() {
    local name wrong=()
    for name in "${rows[@]}"; do
        [[ ${kernel[$name]} == *' ok' || ${ours[$name]} != loads ]] || wrong+=("$name")
    done
    assert_equal "verify says they load" "" "${wrong[*]}"
}

# A reason each, and no reason where none is needed.
test_where_verify_is_stricter_it_says_why() {
    local name strict stated
    strict=$(for name in "${rows[@]}"; do
        [[ ${kernel[$name]} != *' ok' || ${ours[$name]} == loads ]] || echo "$name"
    done)
    stated=$(for name in "${rows[@]}"; do [[ -z ${reason[$name]:-} ]] || echo "$name"; done)
    assert_equal "the rows with a reason" "$stated" "$strict"
}

# Without these the others would prove nothing.
test_good_modules_load() {
    local name
    for name in good rsa-4096 signed-twice by-key-id proprietary namespace exporter \
        user-with-exporter xz zstd; do
        assert_equal "$name, verify" loads "${ours[$name]}"
        assert_contains "$name, the kernel" ' ok' "${kernel[$name]}"
    done
}

make_rows
print_table
run_tests "$@"

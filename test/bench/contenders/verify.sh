# shellcheck shell=bash
# Proving and signing modules, on this machine's own tree. Everything is in memory.

bench_headers=/usr/src/linux-headers-$KERNEL
full_kernel=6.1.0-47-amd64

# NVIDIA's modules for KERNEL, out of the bundle that the disks were made from, as $nvidia_modules.
keep_nvidia() {
    local record bundle
    nvidia_modules=$disks/nvidia
    [[ ! -d $nvidia_modules ]] || return 0
    for record in "$cache"/*/bundle.json; do
        [[ $(jq -r '"\(.name) \(.version) \(.kernel)"' "$record") == "$open_name $NVIDIA_VERSION $KERNEL" ]] ||
            continue
        bundle=${record%/*}
    done
    [[ -n ${bundle:-} ]] || die "there is no bundle of $open_name $NVIDIA_VERSION for $KERNEL in $cache"
    cp -r "$bundle/modules" "$nvidia_modules"
}

# Every module of a whole distribution's kernel, as $kernel_modules, and its headers.
keep_kernel() {
    kernel_modules=$disks/modules
    [[ ! -d $kernel_modules ]] || return 0
    mkdir "$kernel_modules"
    dpkg-deb --fsys-tarfile "$(apt_downloaded "linux-image-$full_kernel")" |
        tar -x -C "$kernel_modules" ./lib/modules
}

verify_nvidia_begin() { keep_nvidia; }
verify_nvidia_command() { command=("$prebake" verify --headers "$bench_headers" "$nvidia_modules"); }
verify_nvidia_end() { assert_equal "verdicts" 5 "$(grep -c 'will load' <<<"$out")"; }

dump_versions_begin() { keep_nvidia; }
dump_versions_command() {
    command=("$top/test/bench/peers/dump-versions" "$bench_headers/Module.symvers" \
        "$nvidia_modules"/*.ko)
}
dump_versions_end() { :; }

verify_kernel_begin() { keep_kernel; }
verify_kernel_command() {
    command=("$prebake" verify --headers "$(apt_downloaded "linux-headers-$full_kernel")" "$kernel_modules")
}
verify_kernel_end() { assert_equal "verdicts" 4022 "$(grep -c 'will load' <<<"$out")"; }

read_kernel_begin() { keep_kernel; }
read_kernel_command() {
    command=(sh -c 'find "$1" -name "*.ko" -exec cat {} + >/dev/null' sh "$kernel_modules")
}
read_kernel_end() { :; }

# A fresh copy of the largest module, and a key that the kernel's hash goes with. Ours also checks the
# signature with the certificate, flushes the new file, reads it back, and only then replaces the old
# one; sign-file writes beside it and renames.
sign_begin() {
    keep_nvidia
    [[ -f $disks/key.pem ]] || openssl req -new -x509 -nodes -newkey rsa:2048 -subj /CN=bench \
        -keyout "$disks/key.pem" -out "$disks/key.crt" 2>/dev/null
    cp "$nvidia_modules/$open_name.ko" "$disks/signed.ko"
}
sign_command() {
    command=("$prebake" sign --sign-key "$disks/key.pem" --sign-cert "$disks/key.crt" \
        --hash sha256 "$disks/signed.ko")
}
sign_end() { assert_equal "signer" bench "$(modinfo -F signer "$disks/signed.ko")"; }

sign_file_begin() { sign_begin; }
sign_file_command() {
    command=("$bench_headers/scripts/sign-file" sha256 "$disks/key.pem" "$disks/key.crt" \
        "$disks/signed.ko")
}
sign_file_end() { sign_end; }

# Compressing them, without what a bake proves afterwards, next to the tool, whose level is the same.
pack_begin() {
    keep_nvidia
    rm -rf "$disks/packed"
    mkdir "$disks/packed"
}
pack_command() {
    command=("$build/test/bench/pack-modules" "$disks/packed" "$(nproc)" "$nvidia_modules"/*.ko)
}
pack_end() { zstd -qt "$disks/packed"/*.zst; }

zstd_begin() { pack_begin; }
zstd_command() {
    command=(zstd -q -3 --output-dir-flat "$disks/packed" "$nvidia_modules"/*.ko)
}
zstd_end() { pack_end; }

# shellcheck shell=bash
# A machine whose firmware trusts certificates of ours: Debian's kernel takes them from the UEFI
# variable db for its modules, without Secure Boot being on. It boots into memory: an initramfs of
# busybox, the node root's own libkmod and libc, test/lib/load-modules, and what a test adds. Read
# after world.sh.

firmware=/usr/share/OVMF

# An initramfs tree $1 for the kernel of root $2 with /script, the text $3, as what it runs, and the
# other arguments, programs of busybox.
signed_vm_tree() {
    local tree=$1 root=$2 script=$3 libraries=usr/lib/x86_64-linux-gnu applet
    mkdir -p "$tree"/{proc,sys,dev,tmp,bin,usr/lib64,vm}
    ln -s usr/lib "$tree/lib"
    ln -s usr/lib64 "$tree/lib64"
    (cd "$root" && cp -a --parents "$libraries"/lib{kmod,crypto,c,zstd,lzma}.so.* \
        "$libraries/ld-linux-x86-64.so.2" usr/lib64/ld-linux-x86-64.so.2 "$tree")
    cp /bin/busybox "$build/test/lib/load-modules" "$tree/bin/"
    for applet in "${@:4}"; do ln -s busybox "$tree/bin/$applet"; done
    printf '%s\n' "$script" >"$tree/script"
    cat >"$tree/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
export PATH=/bin
/bin/busybox sh -eu /script >/dev/ttyS0 2>&1
echo "ended with $?" >/dev/ttyS1
/bin/busybox reboot -f
INIT
    chmod +x "$tree/init"
}

# Boots kernel image $1 on tree $2 with the options $3 on its command line; the other arguments are
# certificates (DER) for db. $out and $status are as of vm_run().
signed_vm_run() {
    local kernel=$1 tree=$2 options=$3 dir
    shift 3
    dir=$(mktemp -d "$scratch/vm.XXXXXX")
    (cd "$tree" && find . -print0 | cpio --quiet -0 -o -H newc >"$dir/initrd")
    cp "$firmware/OVMF_VARS_4M.fd" "$dir/variables"
    "$build/test/lib/uefi-db" "$dir/variables" "$@"
    timeout 300 qemu-system-x86_64 -machine q35 -accel tcg -m 768 -display none -vga none -nic none \
        -no-reboot -drive "if=pflash,format=raw,unit=0,readonly=on,file=$firmware/OVMF_CODE_4M.fd" \
        -drive "if=pflash,format=raw,unit=1,file=$dir/variables" -kernel "$kernel" \
        -initrd "$dir/initrd" -append "console=ttyS0 quiet panic=-1 $options" \
        -serial "file:$dir/out" -serial "file:$dir/status" </dev/null ||
        fail "qemu did not end well: $(tail -n 20 "$dir/out")"
    out=$(tr -d '\r' <"$dir/out")
    # The firmware writes to each serial port, too.
    status=$(tr -d '\r' <"$dir/status" | sed -n 's/.*ended with //p')
    rm -r "$dir"
    [[ $status =~ ^[0-9]+$ ]] || fail "the guest's script did not end: $out"
}

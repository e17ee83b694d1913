# shellcheck shell=bash
# A node in an emulated machine: a root's own kernel boots on that root as an ext4 disk (nvme and
# ext4 are built into Debian's cloud kernel, so no initramfs is needed), runs one script as its
# init, and ends. Always emulated: a nested hypervisor can hang the guest.

# The guest's first process. The script's output goes to one serial port, its status to another.
vm_init() {
    cat <<'INIT'
#!/vm/busybox sh
export PATH=/usr/sbin:/usr/bin LC_ALL=C
/vm/busybox mount -t proc proc /proc
/vm/busybox mount -t sysfs sysfs /sys
/vm/busybox mount -t devtmpfs devtmpfs /dev
bash -eu /vm/script >/dev/ttyS0 2>&1
echo "$?" >/dev/ttyS1
sync
/vm/busybox reboot -f
INIT
}

# Puts the guest's first process and script $2 into root $1.
vm_files() {
    local root=$1 script=$2
    mkdir "$root/vm"
    cp /bin/busybox "$root/vm/busybox"
    vm_init >"$root/vm/init"
    printf '%s\n' "$script" >"$root/vm/script"
    chmod +x "$root/vm/init"
}

# Makes the disk image $2 of root $1 with script $3. The root is as before afterwards.
vm_disk() {
    local root=$1 disk=$2 size
    vm_files "$root" "$3"
    size=$(du -sm "$root" | cut -f1)
    truncate -s "$((size + size / 4 + 100))M" "$disk"
    mke2fs -q -t ext4 -d "$root" "$disk"
    rm -r "$root/vm"
}

# Boots disk image $1, which has a script, with kernel $2; sets $out to what the script printed and
# $status to its exit status, or ends the test when the machine does not come to that. Further
# arguments are qemu's.
vm_boot() {
    local disk=$1 kernel=$2 dir
    shift 2
    dir=$(mktemp -d "$scratch/boot.XXXXXX")
    timeout 180 qemu-system-x86_64 -accel tcg -m 768 -display none -vga none -nic none -no-reboot \
        -kernel "$kernel" \
        -append 'console=ttyS0 quiet panic=-1 root=/dev/nvme0n1 rw init=/vm/init' \
        -drive "file=$disk,if=none,id=disk,format=raw,cache=unsafe" \
        -device nvme,drive=disk,serial=disk -serial "file:$dir/out" -serial "file:$dir/status" \
        "$@" </dev/null || fail "qemu did not end well: $(tail -n 20 "$dir/out")"
    out=$(tr -d '\r' <"$dir/out")
    status=$(tr -d '\r\n' <"$dir/status")
    rm -r "$dir"
    [[ $status =~ ^[0-9]+$ ]] || fail "the guest's script did not end: $out"
}

# Boots root $1 and runs the text $2 with bash; $out, $status and further arguments as vm_boot().
vm_run() {
    local root=$1 script=$2 dir
    shift 2
    dir=$(mktemp -d "$scratch/vm.XXXXXX")
    vm_disk "$root" "$dir/disk" "$script"
    vm_boot "$dir/disk" "$root/boot/vmlinuz-$KERNEL" "$@"
    rm -r "$dir"
}

# vm_run(), and the script must end with status 0.
vm_expect() {
    vm_run "$@"
    ((status == 0)) && return 0
    show 'the guest printed' "$out"
    fail "expected the guest's script to end with 0, found $status"
}

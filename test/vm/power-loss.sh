#!/bin/bash
# Law 3, when the power fails: a bake and a teardown run in a machine whose disk logs what is written
# to it and when it was told to keep that. At each of these points the disk is made anew, repaired,
# and must be in a state from which the command, run again, reaches what an uninterrupted run does.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"
# shellcheck source=test/lib/convergence.sh
. "$test_lib/convergence.sh"

sweep_features=has_journal
# What convergence.sh asks of a fault: after it, nothing of the command runs.
fault=crash
shard=0
replay=$build/test/lib/replay-writes

# A program and what it needs, in root $1.
put_program() {
    local root=$1 program=$2 library
    install -t "$root/usr/sbin" "$program"
    ldd "$program" | sed -n 's/.*=> \(.*\) (0x.*/\1/p' | while read -r library; do
        install -m 644 -t "$root/usr/lib/x86_64-linux-gnu" "$library"
    done
}

# This machine's C library headers in root $1: a bake looks whether it could compile.
put_libc_headers() {
    dpkg -L libc6-dev linux-libc-dev | grep -v '^/\.$\|^/usr/share' |
        tar -c -C / --no-recursion -T - 2>/dev/null | tar -x -C "$1" --keep-directory-symlink
}

# The machine's own system, as $machine: both programs, a compiler, the source and its bundle, no
# modules.
make_machine() {
    machine=$(overlay_root dkms machine)
    rm -r "$machine/usr/lib/modules" "$machine/usr/src"
    put_libc_headers "$machine"
    put_program "$machine" "$prebake"
    put_program "$machine" "$prebake_node"
    mkdir -p "$machine$scratch" "$machine/opt"
    cp -r "$scratch/small-1.0" "$machine$scratch/small-1.0"
    cp -r "$work/cache" "$machine/opt/cache"
}

# The case's command as it is in the machine, where the case's disk is at /mnt.
guest_command() {
    local root=/mnt work=/opt prebake=/usr/sbin/prebake prebake_node=/usr/sbin/prebake-node command
    "$(sweep_kind)_command"
    printf '%q ' "${command[@]}"
}

# The case's command in the machine; the log is $case/log.
log_writes() {
    cp --sparse=always "$case/start.img" "$case/disk"
    truncate -s 0 "$case/log"
    vm_expect "$machine" "/vm/busybox mount -t ext4 -o noatime /dev/nvme1n1 /mnt
        $(guest_command)
        /vm/busybox umount /mnt" \
        -blockdev "driver=file,node-name=written,filename=$case/disk" \
        -blockdev "driver=file,node-name=log,filename=$case/log" \
        -blockdev driver=blklogwrites,node-name=logged,file=written,log=log \
        -device nvme,drive=logged,serial=logged
}

# The disk at point $1, repaired, as $root.
mount_point() {
    local disk=$case/at-point fixed=0
    cp --sparse=always "$case/start.img" "$disk"
    "$replay" "$case/log" "$disk" "$1"
    e2fsck -fy "$disk" >"$work/out.$shard" 2>&1 || fixed=$?
    ((fixed <= 1)) || problem "e2fsck ends with status $fixed"
    sweep_mount "$disk"
}

at_point() {
    local point=$1 status=0
    call="point $point"
    mount_point "$point"
    "$(sweep_kind)_command"
    half_active "after the power failed"
    "$(sweep_kind)_after_fault"
    quietly "$work/out.$shard" "${command[@]}" || status=$?
    half_active "after running again"
    "$(sweep_kind)_after_rerun"
}

# The log's last point is the end of the command: what it did is on the disk.
assert_whole() {
    cp --sparse=always "$case/start.img" "$case/whole"
    "$replay" "$case/log" "$case/whole" "$1"
    cmp "$case/whole" "$case/disk" || fail "the log does not hold all that was written"
}

every_point() {
    local points tried=0
    log_writes
    points=$("$replay" "$case/log")
    ((points > 0)) || fail "the log has no points"
    assert_whole "$points"
    while ((tried < points)); do
        tried=$((tried + 1))
        at_point "$tried"
    done
    sweep_unmount
    printf '%s: points of power loss: tried %d of %d\n' "$(basename "$case")" "$tried" "$points"
    [[ ! -e $case/problems.$shard ]] || fail "$(<"$case/problems.$shard")"
}

test_bake() {
    make_small_bake_case
    make_machine
    every_point
}

test_teardown() {
    make_small_bake_case
    make_teardown_case teardown
    make_machine
    every_point
}

run_tests "$@"

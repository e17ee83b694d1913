#!/bin/bash
# O2 (AgentBaker 8647): `dkms autoinstall` ran at every boot, before kubelet. A bake that matches and is
# active costs nothing: no process is started, no file written.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/reconciling.sh
. "$test_lib/reconciling.sh"

# Everything that changes a file system or starts a program.
mutating=execve,execveat,fork,vfork,clone,clone3,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir
mutating+=,mkdirat,mknod,mknodat,symlink,symlinkat,link,linkat,chmod,fchmod,fchmodat,chown,lchown
mutating+=,fchown,fchownat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,utimensat
mutating+=,truncate,ftruncate,fallocate,creat,fsync,fdatasync,syncfs,sync,mount,unshare,init_module
mutating+=,finit_module,delete_module

# The line of a provisioning script under strace; its calls in $scratch/calls.
boot() {
    expect 0 strace -f -qq -e signal=none -e "trace=$mutating,open,openat,openat2" \
        -o "$scratch/calls" "$prebake_node" reconcile --root "$root" --kernel "$KERNEL" \
        --gpu-node=true --skip-driver=false --driver-type=cuda --driver-version=1.0
}

# A boot with the autoinstall of the real dkms.
test_o2_autoinstall_starts_programs() {
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    expect 0 strace -f -qq -e signal=none -e trace=execve -o "$scratch/calls" \
        chroot "$root" dkms autoinstall -k "$KERNEL"
    (($(grep -c execve "$scratch/calls") > 10)) || fail "it starts only: $(<"$scratch/calls")"
}

test_o2_nothing_on_a_match() {
    local boot before
    image_root cuda-active
    before=$(fingerprint)
    for boot in 1 2 3; do
        boot
        assert_decision action=keep reason=matches skip_build=true status=done
        assert_equal "boot $boot: what was started" 1 \
            "$(grep -cE '^[0-9]+ +(execve|execveat|fork|vfork|clone3?)\(' "$scratch/calls")"
        assert_equal "boot $boot: what was changed" "" "$(tail -n +2 "$scratch/calls" |
            grep -vE '^[0-9]+ +open' || true)"
        assert_equal "boot $boot: what was opened for writing" "" \
            "$(grep -E 'O_(WRONLY|RDWR|CREAT)' "$scratch/calls" || true)"
    done
    assert_equal "the root" "$before" "$(fingerprint)"
}

# The same for a parked bake, once it is activated.
test_o2_nothing_after_the_first_boot() {
    local before
    image_root cuda-parked
    boot
    assert_decision action=activate skip_build=true
    before=$(fingerprint)
    boot
    assert_decision action=keep skip_build=true
    assert_equal "what was started" 1 "$(grep -c execve "$scratch/calls")"
    assert_equal "the root" "$before" "$(fingerprint)"
}

# In a root that was copied file by file every inode is new: its files are read once.
test_o2_a_copied_root_is_read_once() {
    image_root cuda-active
    cp -a "$root" "$scratch/copy"
    root=$scratch/copy
    boot
    assert_decision action=keep skip_build=true
    assert_contains "the first boot reads" "$small_name-core.ko" "$(grep -v O_PATH "$scratch/calls")"
    boot
    assert_decision action=keep skip_build=true
    assert_not_contains "the second does not" "$small_name-core.ko" \
        "$(grep -v O_PATH "$scratch/calls")"
    assert_equal "what was opened for writing" "" \
        "$(grep -E 'O_(WRONLY|RDWR|CREAT)' "$scratch/calls" || true)"
    printf x | dd of="$root/usr/src/$small_name-1.0/dkms.conf" conv=notrunc status=none
    expect 5 managed cuda 1.0
    assert_decision reason=damaged
}

reconciling_images cuda
run_tests "$@"

#!/bin/bash
# Law 3 for seal: whatever call of it is the last one, or fails, a teardown of the image as it is
# then is right, and the same seal run again ends as an uninterrupted one. The image has everything
# that a seal deals with: a changed tree, a kernel that DKMS built for since, one that is gone.
#
# Tried are every ninth call's crash; with CONVERGENCE=full all calls and every other fault too.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"

faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill twice ENOSPC EIO)

second=6.99.0-second
gone=6.99.0-gone

seal_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake" seal --root "$root")
}

# The root $1 without what differs from one run to the next: the times of what is made anew, and
# what the records say of inodes.
state_of() {
    "$build/test/lib/snapshot" "$1" | sed -E \
        -e '/^\/usr\/lib\/modules\/[^\/ ]*\/modules\./s, mtime=[^ ]*,,' \
        -e '/^\/var\/lib\/prebake\//s, mtime=[^ ]*,,' \
        -e '/^\/var\/lib\/prebake\/(facts|store\/index\/[^/]*\/tree) /s, size=.*,,'
}

difference() { diff "$1" "$2" | sed -n '/^[<>]/p' | cut -c1-160 | head -n 4; }

# A copy of the root as it is now is torn down.
teardown_of_a_copy() {
    local copy=$root.copy now=$work/torn.$shard
    sync -f "$root"
    mkdir -p "$copy"
    cp --sparse=always "$image" "$copy.img"
    mount -o loop,noatime "$copy.img" "$copy"
    quietly "$work/out.$shard" "$prebake_node" teardown --root "$copy" ||
        problem "the teardown ends with status $?"
    state_of "$copy" >"$now"
    umount "$copy"
    rm "$copy.img"
    cmp -s "$case/torn-down" "$now" ||
        problem "$1 the teardown leaves $(difference "$case/torn-down" "$now")"
}

seal_after_fault() {
    case $fault-$status in
    crash-* | twice-* | kill-* | ENOSPC-9 | EIO-1) ;;
    *-0) ;; # reading on after a failed close, or one that depmod does not look at
    # depmod takes any failure to write for a full disk.
    *) [[ $(cut -f3 <<<"$call")-$status == depmod-[79] ]] || problem "status $status" ;;
    esac
    teardown_of_a_copy "after the fault"
}

seal_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    state_of "$root" >"$work/now.$shard"
    cmp -s "$case/after" "$work/now.$shard" ||
        problem "run again: $(difference "$case/after" "$work/now.$shard")"
}

# The case $work/seal: a root that was baked and sealed where it is, and changed since.
make_case() {
    case=$work/seal
    mkdir "$case"
    [[ ${CONVERGENCE:-} == full ]] || echo 9 >"$case/every"
    sweep_image "$start" "$case/unbaked.img"
    sweep_mount "$case/unbaked.img"
    bake_root
    add_kernel "$gone"
    derive_build "$gone"
    "$prebake" seal --root "$root"
    rm -r "$root/lib/modules/$gone" "$root/var/lib/dkms/$small_name/kernel-$gone-x86_64" \
        "$root/var/lib/dkms/$small_name/1.0/$gone"
    add_module "$KERNEL" updates/added.ko
    add_kernel "$second"
    derive_build "$second"
    sync -f "$root" # it may stay mounted in another process's namespace
    umount "$root"
    mv "$image" "$case/start.img"
}

# What sealing it leads to, and then tearing it down.
record_ends() {
    resolved=("$small_name"-{core,user})
    sweep_mount "$case/start.img"
    seal_command
    "${command[@]}"
    state_of "$root" >"$case/after"
    teardown "$root"
    state_of "$root" >"$case/torn-down"
}

test_seal() {
    sweep_begin
    make_case
    record_ends
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

sealing_begin
run_tests "$@"

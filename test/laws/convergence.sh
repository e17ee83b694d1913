#!/bin/bash
# Law 3: whatever call of a bake or a teardown is the last one, or fails with ENOSPC or EIO, the
# same command run again reaches the state that an uninterrupted run reaches; nothing of ours is
# resolved by modprobe in between outside of the state `active`; a failed bake leaves nothing.
#
# A bake changes some 540 things and takes 0.2 s even on a root that is as small as can be, and
# every point needs one and a half. `convergence.sh` tries the crash of a bake and of a teardown at
# every call; CONVERGENCE=full tries every fault, and teardowns of copied and of changed roots.
# The small source of two modules stands for the real drivers: their files are larger and a few
# more, which gives more points of the same kind; full adds a sample of them.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"

faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill ENOSPC EIO)

bake_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake" bake --root "$root" --source "$scratch/small-1.0" --kernel "$KERNEL"
        --cache "$work/cache")
}

# The root without what differs from one bake to the next: times of what is placed, and what
# prebake's own records say of times and inodes.
baked() {
    "$build/test/lib/snapshot" "$root" --exclude "/var/lib/prebake/journal" | awk '
        NR == FNR { line[$1] = $0; next }
        line[$1] != $0 { sub(/ mtime=[^ ]*/, "") }
        $1 ~ "^/var/lib/prebake/" { sub(/ size=.*/, "") }
        { print }' "$case/before" -
}

same() { diff "$1" "$2" | sed -n "/^[<>]/p" | cut -c1-160 | head -n 3; }

bake_after_fault() {
    if [[ -e $root/var/lib/prebake/marker ]]; then
        baked >"$work/now.$shard"
        cmp -s "$case/after" "$work/now.$shard" ||
            problem "a marker, but the bake is not whole: $(same "$case/after" "$work/now.$shard")"
    fi
    [[ $fault != crash ]] || return 0
    bake_failed
}

# All or nothing.
bake_failed() {
    if ((status == 0)); then
        [[ -e $root/var/lib/prebake/marker ]] || problem "status 0, but nothing baked"
        return 0
    fi
    snapshot_with_program "$root" >"$work/now.$shard"
    cmp -s "$case/before" "$work/now.$shard" ||
        problem "status $status, and the root is not as before: $(same "$case/before" "$work/now.$shard")"
    case $fault-$(cut -f3 <<<"$call") in
    ENOSPC-prebake) ((status == 9)) || problem "status $status" ;;
    EIO-prebake) ((status == 1)) || problem "status $status" ;;
    *-depmod) ((status == 7)) || problem "status $status" ;;
    *) ((status == 13 || status == 1)) || problem "status $status" ;;
    esac
}

# Whole, and a teardown brings back what was there.
bake_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    baked >"$work/now.$shard"
    cmp -s "$case/after" "$work/now.$shard" ||
        problem "run again the root is another: $(same "$case/after" "$work/now.$shard")"
    [[ ! -e $root/var/lib/prebake/journal ]] || problem "the journal is left"
    teardown "$root" >"$work/out.$shard" 2>&1 || problem "the teardown ends with status $?"
    snapshot "$root" >"$work/now.$shard"
    grep -v '^/usr/sbin/prebake-node ' "$case/before" | cmp -s - "$work/now.$shard" ||
        problem "the teardown leaves: $(same "$case/before" "$work/now.$shard")"
}

teardown_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake_node" teardown --root "$root")
}

teardown_after_fault() {
    snapshot "$root" >"$work/now.$shard"
    if [[ ! -e $root/var/lib/prebake/marker ]]; then
        grep -v '^/var/lib/prebake[/ ]' "$work/now.$shard" | cmp -s "$case/before" - ||
            problem "no marker, and something is left: $(same "$case/before" "$work/now.$shard")"
    fi
    case $fault-$status in
    crash-* | kill-* | ENOSPC-[39] | EIO-[13]) ;;
    *-0) cmp -s "$case/before" "$work/now.$shard" || problem "status 0, and something is left" ;;
    *) problem "status $status" ;;
    esac
}

teardown_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    snapshot "$root" >"$work/now.$shard"
    cmp -s "$case/before" "$work/now.$shard" ||
        problem "run again it leaves: $(same "$case/before" "$work/now.$shard")"
}

# A case "bake": the small root as start.img.
make_bake_case() {
    sweep_begin
    mkdir "$work/bake"
    small_root "$work/tree"
    small_bundle "$work/tree" "$work/cache"
    sweep_image "$work/tree" "$work/bake/start.img"
    rm -r "$work/tree"
    sweep_mount "$work/bake/start.img"
    snapshot_with_program "$root" >"$work/bake/before"
    case=$work/bake
    bake_command
    "${command[@]}"
    baked >"$case/after"
}

# A case "teardown": the root that a bake left.
make_teardown_case() {
    make_bake_case
    mkdir "$work/teardown"
    umount "$root"
    mv "$image" "$work/teardown/start.img"
    cp "$work/bake/before" "$work/teardown/before"
}

test_bake() {
    make_bake_case
    sweep_count "$work/bake"
    sweep "$work/bake" "${faults[@]}"
}

test_teardown() {
    make_teardown_case
    sweep_count "$work/teardown"
    sweep "$work/teardown" "${faults[@]}"
}

run_tests "$@"

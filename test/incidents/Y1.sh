#!/bin/bash
# Y1 (AgentBaker 9544, 9551): moving a driver out of the system or back was interrupted between two
# renames, and half of it was there. Killed at a rename of either way, ours is never half active, and
# the same command, or the other one, ends it. test/sweeps/convergence.sh kills at every call.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

# Command $1 is killed at rename number $2.
killed() {
    run strace -f -qq -o /dev/null -e trace=renameat,renameat2 \
        -e inject=renameat,renameat2:signal=SIGKILL:when="$2" "$prebake_node" "$1" --root "$root"
    assert_equal "$1 is killed at rename $2" 137 "$status"
}

not_half_active() {
    [[ $(<"$root/var/lib/prebake/state") != active ]] || return 0
    ! modprobe -d "$root" -S "$KERNEL" -q --show-depends "$small_name-core" >/dev/null 2>&1 ||
        fail "modprobe resolves a module in the state $(<"$root/var/lib/prebake/state")"
}

settled() {
    outside=$(snapshot "$root" | grep -v '^/var/lib/prebake[/ ]' | sed -E \
        '/\/modules\.[^\/ ]* /s, mtime=[^ ]*,,')
    diff <(printf '%s\n' "$outside") "$scratch/$1" >"$scratch/difference" ||
        fail "not $1: $(head -n 5 "$scratch/difference")"
}

remember() {
    snapshot "$root" | grep -v '^/var/lib/prebake[/ ]' |
        sed -E '/\/modules\.[^\/ ]* /s, mtime=[^ ]*,,' >"$scratch/$1"
}

test_y1_killed_between_renames() {
    local verb at
    root=$(overlay_root node)
    expect 0 bake_small "$root" 1.0
    remember activate
    expect 0 "$prebake_node" park --root "$root"
    remember park
    for at in 2 8 14; do
        for verb in activate park; do
            killed "$verb" "$at"
            not_half_active
            expect 0 "$prebake_node" "$verb" --root "$root"
            settled "$verb"
        done
    done
    killed activate 8
    expect 0 "$prebake_node" park --root "$root"
    settled park
}

run_tests "$@"

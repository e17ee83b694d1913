#!/bin/bash
# C3 (AgentBaker 9609): the marker that says "complete" was written although a step had failed. A bake
# writes its marker after everything else is there and on disk; a teardown removes it last.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

inject=$build/test/lib/inject
marker=var/lib/prebake/marker

# One process packs, so that the calls have an order.
bake=("$prebake" bake --kernel "$KERNEL" --jobs 1)
bake_here() { bake+=(--root "$root" --source "$scratch_base/small-1.0" --cache "$images/cache"); }

# Steps one after the other, whose statuses nobody looks at.
their_bake() {
    cp "$build/no-such-module.ko" "$root/usr/lib/modules/$KERNEL/updates/dkms/"
    mkdir -p "$root/opt"
    printf 'kernel=%s\n' "$KERNEL" >"$root/opt/dkms-marker"
}

test_c3_a_marker_after_a_failure() {
    image_root unbaked
    expect 0 their_bake
    assert_contains "a step failed" "No such file" "$err"
    assert_exists "$root/opt/dkms-marker"
}

# Nothing is placed, switched or written once the marker is there, and all was on disk before.
test_c3_the_marker_is_last() {
    local begun named
    image_root unbaked
    bake_here
    expect 0 "$inject" "$scratch/calls" list -- "${bake[@]}"
    begun=$(grep -n "/\.marker\." "$scratch/calls" | head -n 1 | cut -d: -f1)
    named=$(grep -n "/$marker$" "$scratch/calls" | cut -d: -f1)
    assert_equal "before the marker is begun" syncfs "$(sed -n "$((begun - 1))p" "$scratch/calls" | cut -f2)"
    assert_equal "after it has its name" "syncfs unlinkat" \
        "$(tail -n "+$((named + 1))" "$scratch/calls" | grep -F "$root" | cut -f2 | xargs)"
    assert_contains "what is removed at last" "/journal" "$(tail -n "+$((named + 1))" "$scratch/calls")"
}

# Each of the calls from the last sync before the marker on fails once: what ends with an error left
# no marker, and what left a marker is whole.
test_c3_a_failed_step_leaves_no_marker() {
    local last first point fault
    image_root unbaked
    bake_here
    expect 0 "$inject" "$scratch/calls" list -- "${bake[@]}"
    last=$(grep -n "/$marker$" "$scratch/calls" | cut -d: -f1)
    first=$((last - 20))
    for fault in EIO ENOSPC; do
        for ((point = first; point <= last; point++)); do
            image_root unbaked
            run "$inject" "$scratch/hit" "$point" "$fault" -- "${bake[@]}"
            if ((status == 0)); then
                expect 0 "$prebake_node" audit --root "$root" --expect active
            else
                assert_absent "$root/$marker"
            fi
        done
    done
}

# Whoever ends early finds it there, and goes on.
test_c3_a_teardown_removes_it_last() {
    local gone
    baked_root
    expect 0 "$inject" "$scratch/calls" list -- "$prebake_node" teardown --root "$root"
    gone=$(grep -nP "\tunlinkat\t.*/$marker$" "$scratch/calls" | cut -d: -f1)
    assert_equal "what is removed after the marker, outside of prebake's folder" "" \
        "$(tail -n "+$((gone + 1))" "$scratch/calls" | grep -F "$root/" |
            grep -v "$root/var/lib/prebake" || true)"
}

baked_image_make
run_tests "$@"

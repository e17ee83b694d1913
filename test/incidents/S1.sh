#!/bin/bash
# S1 (AgentBaker 2bf9460d77): the marker of a CUDA driver made a GRID node skip its build, as nothing
# but kernel and version was compared.
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

# The comparison of the incident.
skips_by_version() { grep -qx "kernel=$KERNEL" "$root$own_compat" && grep -qx driver_version=1.0 "$root$own_compat"; }

test_s1_the_version_is_not_enough() {
    image_root cuda-active
    skips_by_version || fail "the incident's comparison should match"
}

test_s1_another_kind_is_a_full_install() {
    local kind layout node
    for kind in cuda grid; do
        node=grid-v20
        [[ $kind == cuda ]] || node=cuda-lts
        for layout in active parked; do
            image_root "$kind-$layout"
            expect 5 managed "$node" 1.0
            assert_decision action=teardown reason=kind_differs skip_build=false
            assert_contains "both kinds are named" "'$kind', and this node's is '${node%%-*}'" "$err"
            assert_contains "its event" "event=grid_cuda_prebake_teardown driver_type=$node \
marker_kind=$kind node_kind=${node%%-*} action=teardown" "$out"
            marker_is_gone "$kind $layout"
        done
    done
}

# Another tool's image: a marker without a kind is older than GRID.
test_s1_legacy_marker() {
    image_root legacy
    expect 5 managed grid "$legacy_version"
    assert_decision action=teardown reason=kind_differs skip_build=false
    marker_is_gone legacy
}

test_s1_its_own_kind_is_kept() {
    image_root grid-active
    expect 0 managed grid-v20 1.0
    assert_decision action=keep reason=matches skip_build=true
}

reconciling_images
run_tests "$@"

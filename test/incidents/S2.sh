#!/bin/bash
# S2 (AgentBaker 7697798b19): the kind that a marker did not have equalled the type that a node did not
# have, and the build was skipped. What is absent matches nothing.
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

# The comparison of the incident: both are empty.
skips_when_equal() { [[ $(sed -n 's/^driver_kind=//p' "$1") == "$2" ]]; }

without_kind() { sed -i 's/^driver_kind=.*/driver_kind=/' "$1"; }

test_s2_empty_equals_empty() {
    image_root legacy
    skips_when_equal "$root$legacy_marker" "" || fail "the incident's comparison should match"
}

# Whatever type the node has, and in both layouts.
test_s2_a_bake_without_a_kind_matches_nothing() {
    local layout type
    for layout in active parked; do
        for type in '' cuda grid; do
            image_root "cuda-$layout"
            without_kind "$root/$state/marker"
            expect 5 managed "$type" 1.0
            assert_decision action=teardown reason=kind_differs skip_build=false
        done
    done
}

test_s2_a_node_without_a_type_matches_nothing() {
    local carried version
    for carried in cuda-active cuda-parked grid-active legacy; do
        image_root "$carried"
        version=1.0
        [[ $carried != legacy ]] || version=$legacy_version
        expect 0 "$prebake_node" status --root "$root" --driver-type= --legacy-marker "$legacy_marker"
        assert_contains "readiness" "driver_kind_match=false" "$out"
        expect 5 managed '' "$version"
        assert_decision action=teardown reason=kind_differs skip_build=false
    done
}

# The same of the other values.
test_s2_no_version_no_kernel() {
    image_root cuda-active
    sed -i 's/^driver_version=.*/driver_version=/' "$root/$state/marker"
    expect 5 managed cuda ''
    assert_decision reason=version_differs
    image_root cuda-active
    sed -i 's/^kernel=.*/kernel=/' "$root/$state/marker"
    expect 5 managed cuda 1.0
    assert_decision reason=kernel_differs
}

reconciling_images
run_tests "$@"

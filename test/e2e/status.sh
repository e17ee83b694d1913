#!/bin/bash
# prebake-node status: what a node's readiness probe asks.
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

status_of() { "$prebake_node" status --root "$root" "$@"; }

# The line for image $1 and a node of type $2 has the facts in the other arguments.
ready() {
    local fact
    image_root "$1"
    before=$(fingerprint)
    expect 0 status_of --driver-type="$2" --legacy-marker "$legacy_marker" --tag AKS_GPU_PREBAKE
    for fact in "AKS_GPU_PREBAKE event=managed_gpu driver_type=$2 " "${@:3}"; do
        assert_contains "$1, $2" "$fact" "$(grep event= <<<"$out") "
    done
    assert_equal "nothing is changed" "$before" "$(fingerprint)"
}

test_kinds() {
    ready unbaked cuda marker_present=false driver_kind_match=false marker_kind= state=none
    ready cuda-active cuda marker_present=true driver_kind_match=true state=active
    ready cuda-active cuda-lts driver_kind_match=true
    ready cuda-active grid-v20 driver_kind_match=false 'marker_kind=cuda node_kind=grid'
    ready cuda-parked cuda marker_present=true driver_kind_match=true state=parked
    ready grid-active grid driver_kind_match=true
    ready legacy cuda marker_present=true driver_kind_match=true state=legacy
    ready legacy grid marker_present=true driver_kind_match=false
    ready legacy '' marker_present=true driver_kind_match=false 'node_kind= '
    ready cuda-active '' driver_kind_match=false
    ready unbaked '' driver_kind_match=false
}

test_only_when_asked() {
    image_root unbaked
    expect 0 status_of
    assert_equal "without a bake" "" "$out$err"
    image_root legacy
    expect 0 status_of --legacy-marker "$legacy_marker"
    assert_equal "another tool's bake" "" "$out$err"
    image_root cuda-active
    expect 0 status_of
    assert_not_contains "a bake" event= "$out"
}

test_kernel() {
    image_root cuda-active
    expect 0 status_of
    assert_not_contains "another root's kernel is not guessed" kernel: "$out"
    expect 0 status_of --kernel "$KERNEL"
    assert_contains "the kernel" "kernel:      $KERNEL, the bake's" "$out"
    expect 0 status_of --kernel "$later_kernel"
    assert_contains "the kernel" "kernel:      $later_kernel, not the bake's" "$out"
}

test_json() {
    image_root cuda-parked
    expect 0 status_of --json --driver-type=grid --kernel "$later_kernel"
    assert_equal "the facts" 'parked parked true false cuda false 0' "$(jq -r \
        '[.state, .layout, .marker_present, .kernel_match, .managed_gpu.marker_kind,
          .managed_gpu.driver_kind_match, .foreign] | join(" ")' <<<"$out")"
    image_root legacy
    expect 0 status_of --json --driver-type=cuda --legacy-marker "$legacy_marker"
    assert_equal "another tool's bake" 'false true legacy' "$(jq -r \
        '[.marker_present, .managed_gpu.marker_present, .managed_gpu.state] | join(" ")' <<<"$out")"
    image_root unbaked
    expect 0 status_of --json
    assert_equal "no bake" '{"format":1,"marker_present":false}' "$(jq -c . <<<"$out")"
}

# What a probe asks is told by the marker alone; the error follows.
ready_and_refused() {
    local wanted=$1 fact
    expect "$wanted" status_of --driver-type=cuda
    for fact in "${@:2}"; do assert_contains "the line" " $fact " "$out "; done
    assert_equal "the line alone" 1 "$(wc -l <<<"$out")"
    expect "$wanted" status_of --driver-type=cuda --json
    assert_equal "the same as JSON" '1 true true' \
        "$(jq -r '[.format, .marker_present, .managed_gpu.marker_present] | join(" ")' <<<"$out")"
    expect "$wanted" status_of
    assert_equal "nothing was asked" "" "$out"
}

test_a_bake_that_can_not_be_believed() {
    image_root cuda-active
    echo junk >"$root/$state/facts"
    ready_and_refused 7 event=managed_gpu marker_present=true driver_kind_match=true state=active
    image_root cuda-active
    rm "$root/$state/manifest.mtree"
    ready_and_refused 7 marker_present=true driver_kind_match=true state=active
    sed -i 's/^format=1/format=2/' "$root/$state/marker"
    ready_and_refused 4 marker_present=true driver_kind_match=false
    expect 2 status_of --driver-type=cuda --legacy-marker relative
    assert_equal "a wrong command" "" "$out"
}

reconciling_images
run_tests "$@"

#!/bin/bash
# C4 (amazon-eks-ami 2792): the snapshot of a GPU instance pinned the flavour that the instance had
# chosen. What a node is, is not recorded; who boots the captured image is asked anew.
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

# An instance that wrote down what it chose, and reads it ever after.
choose_once() {
    local kept=$root/etc/gpu-flavour
    [[ -f $kept ]] || echo "$1" >"$kept"
    cat "$kept"
}

# The image of an instance on which the bake was activated. $how it was captured: as a disk, or file
# by file.
captured() {
    image_root cuda-parked
    mkdir -p "$scratch/sys/bus/pci/devices/0000:01:00.0"
    echo pci:v00001AF4d0000FFF0sv00001AF4sd00001100bc03sc00i00 \
        >"$scratch/sys/bus/pci/devices/0000:01:00.0/modalias"
    expect 0 managed cuda-lts 1.0 --sysfs "$scratch/sys"
    assert_decision action=activate skip_build=true
    [[ $how == disk ]] || {
        rm -rf "$scratch/captured"
        cp -a "$root" "$scratch/captured"
        root=$scratch/captured
    }
}

test_c4_chosen_once() {
    image_root cuda-active
    mkdir -p "$root/etc"
    assert_equal "the instance" cuda "$(choose_once cuda)"
    assert_equal "who boots its snapshot" cuda "$(choose_once grid)"
}

test_c4_nothing_of_the_node_is_recorded() {
    how=disk
    captured
    run grep -rE 'cuda-lts|gpu.node|skip.driver|0000:01:00|FFF0' "$root/$state" "$root$own_compat" \
        --include=marker --include=state --include=manifest.mtree --include=compat-marker
    assert_equal "what is recorded of the node" "" "$out"
    assert_not_contains "the facts" cuda-lts "$(<"$root/$state/facts")"
}

test_c4_every_node_is_asked_anew() {
    for how in disk files; do
        captured
        expect 0 managed cuda 1.0
        assert_decision action=keep skip_build=true
        captured
        expect 5 managed grid 1.0
        assert_decision action=teardown reason=kind_differs
        marker_is_gone "$how, grid"
        captured
        expect 0 reconcile --gpu-node=false --skip-driver=false
        assert_decision action=teardown reason=not_gpu_node
        marker_is_gone "$how, no GPU"
        captured
        expect 5 managed cuda 1.0 --kernel "$later_kernel"
        assert_decision action=teardown reason=kernel_differs
    done
}

reconciling_images cuda
run_tests "$@"

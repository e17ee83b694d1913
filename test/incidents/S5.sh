#!/bin/bash
# S5 (aks-gpu 163): a corrupt prebake aborted the provisioning of the node. Here whatever is cut short is
# a reason to install in full (5), with the reason logged; commands that name the bake say 7 or 4.
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

# The provisioning of the incident: the first failure is the end.
provision_strictly() { managed cuda 1.0 >/dev/null 2>&1 && echo "provisioned"; }

# What decides with the exit status goes on with a full build.
provision() {
    run managed cuda 1.0
    case $status in
    0) built=no ;;
    *) built=yes ;;
    esac
}

module_of() { find "$root/usr/lib/modules" "$root/$state" -name "$small_name-core.ko" | head -n 1; }

test_s5_a_failure_is_the_end() {
    image_root cuda-active
    truncate -s 100 "$(module_of)"
    run provision_strictly
    assert_equal "it never is provisioned" "" "$out"
}

# Cuts $1 to each of a few sizes.
cut_short() {
    local carried=$1 file size whole
    for size in 0 1 100 half 2-less; do
        image_root "$carried"
        file=$root/$state/$2
        [[ $2 != module ]] || file=$(module_of)
        whole=$(stat -c %s "$file")
        case $size in
        half) size=$((whole / 2)) ;;
        2-less) size=$((whole - 2)) ;; # more than the newline at the end
        esac
        ((size < whole)) || continue
        truncate -s "$size" "$file"
        provision
        assert_equal "$2 cut to $size of $whole: the status" 5 "$status"
        assert_decision action=teardown reason=damaged skip_build=false
        assert_contains "what to do is said" "install the driver in full" "$err"
        assert_equal "the build" yes "$built"
    done
}

test_s5_modules() {
    cut_short cuda-active module
    cut_short cuda-parked module
}

test_s5_manifest() { cut_short cuda-active manifest.mtree && cut_short cuda-parked manifest.mtree; }
test_s5_facts() { cut_short cuda-active facts && cut_short cuda-parked facts; }
test_s5_state() { cut_short cuda-active state && cut_short cuda-parked state; }

# A marker that was cut may be one that wants less: what is missing matches nothing.
test_s5_marker() {
    local size whole
    image_root cuda-active
    whole=$(stat -c %s "$root/$state/marker")
    for size in 0 1 10 $((whole / 2)) $((whole - 30)); do
        image_root cuda-active
        truncate -s "$size" "$root/$state/marker"
        provision
        assert_equal "the marker cut to $size of $whole: the status" 5 "$status"
        assert_decision action=teardown skip_build=false
    done
}

# The reason is told by the commands that name the bake.
test_s5_explicit_verbs() {
    image_root cuda-parked
    truncate -s 100 "$(module_of)"
    expect 7 "$prebake_node" activate --root "$root"
    image_root cuda-active
    truncate -s 10 "$root/$state/marker"
    expect 7 "$prebake_node" teardown --root "$root"
    expect 7 "$prebake_node" status --root "$root"
}

# The full build finds free places.
test_s5_the_full_build_works() {
    image_root cuda-parked
    truncate -s 100 "$(module_of)"
    provision
    cache=$images/cache expect 0 bake_small "$root" 1.0
}

# A node that wants no driver: what can't be removed is left, and said.
test_s5_without_a_gpu() {
    image_root cuda-active
    truncate -s 100 "$root/$state/manifest.mtree"
    expect 3 reconcile --gpu-node=false --skip-driver=false
    assert_decision action=teardown reason=not_gpu_node status=incomplete skip_build=false
    assert_exists "$root/$state/marker"
}

reconciling_images cuda
run_tests "$@"

#!/bin/bash
# prebake-node reconcile, row by row: every marker that a node can have, in each layout, for every
# node, observed and not. What is expected of a row is said by `expected`, from the contract alone.
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

# What is done to a copy of an image so that its marker is as the row says.
declare -A spoil=(
    [none]=: [legacy]=: [cuda]=: [grid]=: [version]=: [kernel]=: [arch]=:
    [symvers]=change_symvers [file]=truncate_module [manifest]=truncate_manifest
    [facts]=remove_facts [marker]=truncate_marker [newer]=newer_marker [word]=remove_word)

image_of() {
    case $marker in
    none) echo unbaked ;;
    legacy) echo legacy ;;
    grid) echo "grid-$layout" ;;
    *) echo "cuda-$layout" ;;
    esac
}

change_symvers() { echo '0x0 more vmlinux EXPORT_SYMBOL' >>"$root/usr/src/linux-headers-$KERNEL/Module.symvers"; }
module_file() { find "$root/usr/lib/modules" "$root/$state" -name "$small_name-core.ko" | head -n 1; }
truncate_module() { truncate -s 100 "$(module_file)"; }
truncate_manifest() { sed -i '$d' "$root/$state/manifest.mtree"; }
remove_facts() { rm "$root/$state/facts"; }
truncate_marker() { truncate -s 10 "$root/$state/marker"; }
newer_marker() { sed -i 's/^format=1/format=2/' "$root/$state/marker"; }
remove_word() { rm "$root/$state/state"; }

# The words of the command line for a row.
row_words() {
    local version=1.0 kernel=$KERNEL arch=x86_64
    case $marker in
    legacy) version=$legacy_version ;;
    version) version=1.0.1 ;;
    kernel) kernel=$later_kernel ;;
    arch) arch=aarch64 ;;
    esac
    words=(--gpu-node="$gpu" --skip-driver="$skip" --driver-type="$type" --driver-version="$version"
        --kernel="$kernel" --arch="$arch")
    [[ $observe == no ]] || words+=(--observe)
}

is_word() { [[ $1 == true || $1 == false ]]; }

# Sets $action, $reason, $skip_build, $result (of the line), $exit_status and $tree for a row.
expected() {
    local kind=${type%%-*} wants=true
    baked=cuda
    [[ $marker != grid ]] || baked=grid
    action='' reason='' skip_build=false result='done' exit_status=0 tree=unchanged
    if ! is_word "$gpu" || ! is_word "$skip"; then
        exit_status=2
        return
    fi
    [[ $marker != none ]] || return 0
    action=teardown tree=gone
    [[ $gpu == true && $skip == false ]] || wants=false
    if [[ $marker == newer ]]; then
        action=none reason=marker_refused
    elif [[ $gpu == false ]]; then
        reason=not_gpu_node
    elif [[ $skip == true ]]; then
        reason=skip_driver
    elif [[ $marker == @(marker|word) ]]; then
        reason=damaged
    elif [[ $kind != "$baked" ]]; then
        reason=kind_differs
    elif [[ $marker == @(version|kernel|arch) ]]; then
        reason=${marker}_differs
    elif [[ $marker == symvers ]]; then
        reason=symvers_differ
    elif [[ $marker == @(file|manifest|facts) ]]; then
        reason=damaged
    elif [[ $layout == parked ]]; then
        action=activate reason=matches skip_build=true tree=active
    else
        action=keep reason=matches skip_build=true tree=unchanged
    fi
    [[ $action != teardown || $wants == false ]] || exit_status=5
    # What can't be believed can't be removed.
    case $marker in
    newer) exit_status=4 result=incomplete tree=unchanged ;;
    manifest | marker)
        [[ $wants == true ]] || exit_status=3
        result=incomplete tree=unchanged
        ;;
    file) [[ $tree != gone || $layout == parked ]] || tree=foreign ;;
    esac
    [[ $observe == no ]] || expected_of_observing
}

# The driver as it stands: not in place is 5 where one is wanted.
expected_of_observing() {
    [[ $exit_status == 4 ]] || exit_status=0
    result=observed tree=unchanged
    [[ $action != keep ]] || return 0
    skip_build=false
    [[ $wants == false || $action == none ]] || exit_status=5
}

row() {
    rows=$((rows + 1))
    row_words
    expected
    local said="marker=$marker layout=$layout gpu=$gpu skip=$skip type=$type observe=$observe"
    expect "$exit_status" reconcile "${words[@]}"
    if [[ -z $action ]]; then
        assert_equal "$said: nothing is printed" "" "$out"
        ((exit_status == 2)) || assert_equal "$said: nothing is said" "" "$err"
    else
        assert_contains "$said" \
            "PREBAKE event=reconcile action=$action reason=$reason skip_build=$skip_build status=$result " \
            "$out"$'\n'
        expected_lines "$said"
    fi
    row_tree "$said"
}

# The other lines.
expected_lines() {
    local line
    [[ $observe == yes || $tree == unchanged || $action != teardown ]] ||
        assert_contains "$1" "PREBAKE event=teardown gpu_node=$gpu status=cleaned " "$out"
    line=$(grep 'event=grid_cuda_prebake_teardown' <<<"$out" || true)
    if [[ $reason == kind_differs ]]; then
        local done=teardown
        [[ $observe == no ]] || done=observed
        [[ $result != incomplete ]] || done=incomplete
        assert_contains "$1" "driver_type=$type " "$line"
        assert_contains "$1" " action=$done" "$line"
    else
        assert_equal "$1" "" "$line"
    fi
    line=$(grep 'event=managed_gpu' <<<"$out" || true)
    if [[ $gpu == true && $skip == false ]]; then
        assert_contains "$1" "PREBAKE event=managed_gpu driver_type=$type marker_present=true driver_kind_match=" "$line"
    else
        assert_equal "$1" "" "$line"
    fi
}

# What the row left. A changed root is of no use for the next row.
row_tree() {
    case $tree in
    unchanged)
        assert_equal "$1: the root" "$before" "$(fingerprint)"
        return 0
        ;;
    gone) marker_is_gone "$1" ;;
    # The truncated module is somebody else's now: it stays, and the index knows it.
    foreign) marker_is_gone "$1" "/$KERNEL/\(updates/dkms/$small_name-core.ko\|modules\.\)" ;;
    active) is_active "$1" "$baked" ;;
    esac
    fresh
}

# A new copy of the row's image.
fresh() {
    image_root "$(image_of)"
    "${spoil[$marker]}"
    before=$(fingerprint)
}

# All rows of one image and marker.
rows_of() {
    marker=$1 layout=$2
    fresh
    for observe in yes no; do
        type=cuda
        for gpu in true false '' garbage; do
            for skip in false true; do row; done
        done
        gpu=true
        for skip in '' garbage TRUE; do row; done
        gpu=true skip=false
        for type in cuda-lts grid grid-v20 '' rocm; do row; done
    done
}

# One test a marker, in both layouts.
rows() {
    local layout
    rows=0
    for layout; do rows_of "$marker" "$layout"; done
    echo "$rows rows" | tee -a "$scratch_base/rows"
}

test_no_marker() { marker=none && rows active; }
test_legacy_marker_without_kind() { marker=legacy && rows active; }
test_own_cuda() { marker=cuda && rows active parked; }
test_own_grid() { marker=grid && rows active parked; }
test_other_version() { marker=version && rows active parked; }
test_other_kernel() { marker=kernel && rows active parked; }
test_other_architecture() { marker=arch && rows active parked; }
test_other_symbols() { marker=symvers && rows active parked; }
test_damaged_file() { marker="file" && rows active parked; }
test_damaged_manifest() { marker=manifest && rows active parked; }
test_lost_facts() { marker=facts && rows active parked; }
test_damaged_marker() { marker=marker && rows active parked; }
test_lost_state() { marker=word && rows active parked; }
test_newer_format() { marker=newer && rows active parked; }

# What the index has of another tool's driver is there, and of its version.
test_damaged_legacy_module() {
    local uvm
    image_root legacy
    uvm=$root/usr/lib/modules/$KERNEL/updates/dkms/nvidia-uvm.ko
    legacy_module "$uvm" "$legacy_version"
    (umask 022 && depmod -b "$root" "$KERNEL")
    expect 0 managed cuda "$legacy_version"
    assert_decision action=keep skip_build=true
    legacy_module "$uvm" 1.2.3
    expect 5 managed cuda "$legacy_version" --observe
    assert_decision action=teardown reason=damaged skip_build=false
    rm "$uvm"
    expect 5 managed cuda "$legacy_version" --observe
    assert_decision action=teardown reason=damaged skip_build=false
    : >"$uvm"
    expect 5 managed cuda "$legacy_version"
    assert_decision action=teardown reason=damaged skip_build=false
    assert_contains "the sentence" "nvidia-uvm.ko" "$err"
}

# A customer's modules of the bake's names, in a folder that depmod is told to prefer.
prefer_theirs() {
    local name modules=$root/usr/lib/modules/$KERNEL
    mkdir -p "$modules/updates/theirs" "$root/etc/depmod.d"
    for name in core user; do
        cp "$modules/kernel/drivers/net/dummy.ko" "$modules/updates/theirs/$small_name-$name.ko"
        echo "override $small_name-$name $KERNEL updates/theirs" >>"$root/etc/depmod.d/theirs.conf"
    done
    (umask 022 && depmod -b "$root" -C "$root/etc/depmod.d" "$KERNEL")
}

finds_theirs() {
    run modprobe -d "$root" -S "$KERNEL" -n -v "$small_name-core"
    assert_contains "$1: modprobe" "/updates/theirs/$small_name-core.ko" "$out"
}

# Skipping the build for a bake that modprobe passes over would leave the node without its driver.
test_somebody_elses_modules_are_preferred() {
    image_root cuda-active
    prefer_theirs
    expect 0 "$prebake_node" status --root "$root"
    assert_contains "status" "modprobe:    finds /usr/lib/modules/$KERNEL/updates/theirs/" "$out"
    expect 5 managed cuda 1.0 --observe
    assert_decision action=teardown reason=damaged skip_build=false
    expect 5 managed cuda 1.0
    assert_decision action=teardown reason=damaged skip_build=false status=done
    finds_theirs "after the teardown"
    image_root cuda-parked
    prefer_theirs
    expect 4 "$prebake_node" activate --root "$root"
    assert_contains "the sentence" "/updates/theirs/$small_name-" "$err"
    assert_equal "the state" parked "$(<"$root/$state/state")"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
    expect 5 managed cuda 1.0
    assert_decision action=teardown reason=damaged skip_build=false status=done
    finds_theirs "instead of activating"
    assert_absent "$root/$state"
}

reconciling_images
run_tests "$@"
awk '{ rows += $1 } END { print "rows: " rows }' "$scratch_base/rows"

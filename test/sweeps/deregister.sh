#!/bin/bash
# Law 3 for deregister: whatever call is the last one, or fails with ENOSPC or EIO, the same command
# run again reaches the state that an uninterrupted run reaches, and changes nothing of others.
# Every call is tried with a crash; CONVERGENCE=full tries every other fault too.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"

faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill twice ENOSPC EIO)

# What dkms knows of version $2 in root $1, built for kernel $3.
put_build() {
    local root=$1 version=$2 kernel=$3 folder=$1/var/lib/dkms/net/$2
    mkdir -p "$folder/$kernel/x86_64"/{log,module}
    ln -sfn "/usr/src/net-$version" "$folder/source"
    echo log >"$folder/$kernel/x86_64/log/make.log"
    for module in net_a net_b; do
        (cat "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" && echo "$module $version") \
            >"$folder/$kernel/x86_64/module/$module.ko"
    done
}

put_installed() {
    local root=$1 version=$2 kernel=$3 modules=$1/lib/modules/$3
    put_build "$@"
    mkdir -p "$modules/updates/dkms"
    cp "$root/var/lib/dkms/net/$version/$kernel/x86_64/module"/*.ko "$modules/updates/dkms/"
    ln -s "$version/$kernel/x86_64" "$root/var/lib/dkms/net/kernel-$kernel-x86_64"
}

# A module that dkms put aside, and one that goes to where its displacer is; a weak-updates link; an
# interrupted build and an interrupted installation; another version; somebody else's file.
make_dkms_tree() {
    local root=$1 dkms=$1/var/lib/dkms/net modules=$1/lib/modules
    put_installed "$root" 1.0 "$KERNEL"
    put_installed "$root" 1.0 "$later_kernel"
    mkdir -p "$dkms/original_module/$KERNEL/x86_64" "$dkms/1.0/build" "$dkms/1.0/6.0-half/x86_64/log"
    mv "$modules/$KERNEL/kernel/drivers/net/veth.ko" "$dkms/original_module/$KERNEL/x86_64/"
    echo "/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" \
        >"$dkms/original_module/$KERNEL/x86_64/veth.ko.origin"
    cp "$modules/$KERNEL/kernel/drivers/net/dummy.ko" "$dkms/original_module/$KERNEL/x86_64/net_a.ko"
    cp -r "$modules/$later_kernel" "$modules/6.99.0-weak"
    rm -r "$modules/6.99.0-weak/updates"
    mkdir "$modules/6.99.0-weak/weak-updates"
    ln -s "../../$KERNEL/updates/dkms/net_b.ko" "$modules/6.99.0-weak/weak-updates/"
    put_installed "$root" 1.0 6.99.0-weak
    rm "$dkms/kernel-6.99.0-weak-x86_64"
    put_build "$root" 2.0 "$later_kernel"
    cp "$modules/$later_kernel/kernel/drivers/net/veth.ko" \
        "$modules/$later_kernel/updates/dkms/net_a.ko"
    for kernel in "$KERNEL" "$later_kernel" 6.99.0-weak; do
        (umask 022 && depmod -b "$root" "$kernel")
    done
}

# The root without the times of what differs from the start: what depmod wrote.
state_of_root() {
    snapshot_with_program "$root" | awk '
        NR == FNR { line[$1] = $0; next }
        line[$1] != $0 { sub(/ mtime=[^ ]*/, "") }
        { print }' "$case/before" -
}

must_be() {
    state_of_root >"$work/now.$shard"
    cmp -s "$case/after" "$work/now.$shard" ||
        problem "$1: $(diff "$case/after" "$work/now.$shard" | grep '^[<>]' | cut -c1-160 | head -n 3)"
}

deregister_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake_node" deregister --root "$root" net/1.0 --all)
}

deregister_after_fault() {
    case $fault-$status in
    crash-* | twice-* | kill-3 | ENOSPC-3 | EIO-3) ;;
    *-0) must_be "status 0, and something is left" ;;
    *) problem "status $status" ;;
    esac
}

deregister_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    must_be "run again the root is another"
}

make_case() {
    sweep_begin
    case=$work/deregister
    mkdir "$case"
    small_root "$work/tree"
    make_dkms_tree "$work/tree"
    # Not one of a bake: there is no state in which it may or may not be found.
    resolved=(no-such-module)
    sweep_image "$work/tree" "$case/start.img"
    rm -r "$work/tree"
    sweep_mount "$case/start.img"
    snapshot_with_program "$root" >"$case/before"
    deregister_command
    expect 0 "${command[@]}"
    state_of_root >"$case/after"
}

test_deregister() {
    make_case
    assert_contains "telemetry" "status=removed kernels=4 files=6 foreign=1" "$out"
    assert_absent "$root/var/lib/dkms/net/1.0"
    assert_absent "$root/var/lib/dkms/net/original_module"
    assert_exists "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko"
    assert_exists "$root/lib/modules/$later_kernel/updates/dkms/net_a.ko"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

run_tests "$@"

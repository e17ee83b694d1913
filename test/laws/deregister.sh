#!/bin/bash
# Law 3 for deregister, on a DKMS tree with one of everything (convergence.sh has a plain one):
# whatever call is the last one, or fails with ENOSPC or EIO, the same command run again reaches the
# state that an uninterrupted run reaches, and changes nothing of others. Every call is tried with a
# crash; CONVERGENCE=full tries every other fault too.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"

faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill twice ENOSPC EIO)
weak_kernel=6.99.0-weak

# What dkms keeps of version $2 in root $1, built for kernel $3.
put_build() {
    local root=$1 version=$2 kernel=$3 folder=$1/var/lib/dkms/net/$2 module
    mkdir -p "$folder/$kernel/x86_64"/{log,module}
    ln -sfn "/usr/src/net-$version" "$folder/source"
    echo log >"$folder/$kernel/x86_64/log/make.log"
    for module in net_a net_b; do
        (cat "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" && echo "$module $version") \
            >"$folder/$kernel/x86_64/module/$module.ko"
    done
}

put_files() {
    local root=$1 version=$2 kernel=$3
    put_build "$@"
    mkdir -p "$root/lib/modules/$kernel/updates/dkms"
    cp "$root/var/lib/dkms/net/$version/$kernel/x86_64/module"/*.ko \
        "$root/lib/modules/$kernel/updates/dkms/"
}

put_installed() {
    put_files "$@"
    ln -s "$2/$3/x86_64" "$1/var/lib/dkms/net/kernel-$3-x86_64"
}

# One that came from the kernel's own place, and one that goes to where its displacer is.
put_originals() {
    local root=$1 store=$1/var/lib/dkms/net/original_module/$KERNEL/x86_64
    local own=lib/modules/$KERNEL/kernel/drivers/net
    mkdir -p "$store"
    cp "$root/$own/dummy.ko" "$store/net_a.ko"
    mv "$root/$own/veth.ko" "$store/"
    echo "/$own/veth.ko" >"$store/veth.ko.origin"
}

# A kernel that is served by a weak-updates link, and whose installation of the other module was
# interrupted.
put_weak_kernel() {
    local root=$1 modules=$1/lib/modules
    cp -r "$modules/$later_kernel" "$modules/$weak_kernel"
    rm -r "$modules/$weak_kernel/updates"
    mkdir "$modules/$weak_kernel/weak-updates"
    ln -s "../../$KERNEL/updates/dkms/net_b.ko" "$modules/$weak_kernel/weak-updates/"
    put_files "$root" 1.0 "$weak_kernel"
    rm "$modules/$weak_kernel/updates/dkms/net_b.ko"
}

make_dkms_tree() {
    local root=$1 modules=$1/lib/modules kernel
    put_installed "$root" 1.0 "$KERNEL"
    put_installed "$root" 1.0 "$later_kernel"
    put_originals "$root"
    put_weak_kernel "$root"
    mkdir -p "$root/var/lib/dkms/net/1.0"/{build,6.0-half/x86_64/log}
    put_build "$root" 2.0 "$later_kernel"
    cp "$modules/$later_kernel/kernel/drivers/net/veth.ko" \
        "$modules/$later_kernel/updates/dkms/net_a.ko"
    for kernel in "$KERNEL" "$later_kernel" "$weak_kernel"; do
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
    crash-* | twice-* | kill-* | ENOSPC-[39] | EIO-[13]) ;;
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
    # Not modules of a bake: there is no state in which they must not be found.
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
    assert_contains "telemetry" "status=removed kernels=4 files=5 foreign=1" "$out"
    assert_absent "$root/var/lib/dkms/net/1.0"
    assert_absent "$root/var/lib/dkms/net/original_module"
    assert_exists "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko"
    assert_exists "$root/lib/modules/$later_kernel/updates/dkms/net_a.ko"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

run_tests "$@"

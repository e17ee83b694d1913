#!/bin/bash
# Law 3: whatever call of a bake, a teardown, a park or an activate is the last one, or fails with
# ENOSPC or EIO, the same command run again reaches the state that an uninterrupted run reaches; nothing of ours is
# resolved by modprobe in between outside of the state `active`; a failed bake leaves nothing.
#
# A bake changes some 550 things and takes 0.2 s even on a root that is as small as can be, and
# every point needs one and a half. `convergence.sh` tries the crash of each at every call; with CONVERGENCE=full every other fault too, a second crash at another call, and
# teardowns of other roots. The small source of two modules stands for the real drivers, whose more
# and larger files give more points of the same kind (a bake changes 9,000 things): full tries every
# 199th of theirs.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"
# shellcheck source=test/lib/convergence.sh
. "$test_lib/convergence.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill twice ENOSPC EIO)

deregister_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake_node" deregister --root "$root" displacing/1.0 --all)
}

deregister_after_fault() {
    case $fault-$status in
    crash-* | twice-* | kill-* | ENOSPC-[39] | EIO-[13]) ;;
    *-0) must_be "$case/after" "status 0, and something is left" state_of_root ;;
    *) [[ $(cut -f3 <<<"$call")-$status == depmod-[79] ]] || problem "status $status" ;;
    esac
}

deregister_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    must_be "$case/after" "run again it leaves" state_of_root
}

# park and activate: the case's folder is named "park", or "park-then-activate" when what is run
# after the fault is another command.
layout_command() {
    local verb=$1 name
    name=$(basename "$case")
    # shellcheck disable=SC2034  # the sweep runs them
    command=("$prebake_node" "$verb" --root "$root")
    [[ $name != *-then-* ]] || again=("$prebake_node" "${name##*-then-}" --root "$root")
}

park_command() { layout_command park; }

activate_command() { layout_command activate; }

# What a depmod that ran once more leaves in the index: its time, and no longer what was kept.
without_index_times() { sed -E '/^\/usr\/lib\/modules\/[^/ ]*\/modules\./s, mtime=[^ ]*,,'; }

# The index of a bake can wait in the store or be depmod's again.
layout_state() {
    state_of_root | without_index_times | sed -E '/^\/var\/lib\/prebake\/store\/index[/ ]/d'
}

# The temporary name of a state word that was killed: the next command removes it.
settled_state() { layout_state | sed '/^\/var\/lib\/prebake\/\.[^ ]*\.prebake-/d'; }

layout_torn_down() { torn_down | without_index_times; }

# The state word says what is there; the status, whether it was said.
layout_after_fault() {
    local reached=$1 word
    word=$(<"$root/var/lib/prebake/state")
    [[ $word != parked ]] || must_be "$case/parked" "parked, and the root is another" settled_state
    # Privileges are nowhere but in their places.
    [[ -z $(find "$root/var/lib/prebake" -perm /6000) ]] || problem "privileged files in the store"
    case $fault-$status in
    crash-* | twice-* | kill-* | ENOSPC-[39] | EIO-[13]) ;;
    *-0) [[ $word == "$reached" ]] || problem "status 0, and the state is $word" ;;
    *) [[ $(cut -f3 <<<"$call")-$status == depmod-[79] ]] || problem "status $status" ;;
    esac
}

park_after_fault() { layout_after_fault parked; }

activate_after_fault() { layout_after_fault active; }

layout_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    case ${again[1]} in
    park) must_be "$case/parked" "parked in the end, the root is another" layout_state ;;
    activate) must_be "$case/active" "active in the end, the root is another" layout_state ;;
    teardown) must_be "$case/unbaked" "the teardown leaves" layout_torn_down ;;
    esac
}

park_after_rerun() { layout_after_rerun; }

activate_after_rerun() { layout_after_rerun; }

# What dkms leaves of a module that it installed for two kernels, in one in place of the kernel's.
put_displacing_module() {
    local tree=$1/var/lib/dkms/displacing kernel modules built
    for kernel in "$KERNEL" "$later_kernel"; do
        modules=$1/usr/lib/modules/$kernel built=$tree/1.0/$kernel/x86_64
        mkdir -p "$built"/{module,log} "$modules/updates/dkms" "$tree/original_module/$kernel/x86_64"
        cp "$modules/kernel/drivers/net/dummy.ko" "$built/module/veth.ko"
        cp "$built/module/veth.ko" "$modules/updates/dkms/veth.ko"
        echo 'make: done' >"$built/log/make.log"
        ln -s "1.0/$kernel/x86_64" "$tree/kernel-$kernel-x86_64"
        mv "$modules/kernel/drivers/net/veth.ko" "$tree/original_module/$kernel/x86_64/"
        depmod -b "$1" "$kernel"
    done
    ln -s /usr/src/displacing-1.0 "$tree/1.0/source"
}

test_bake() {
    make_small_bake_case
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# The index is switched by renames.
test_teardown() {
    make_small_bake_case
    make_teardown_case teardown
    cmp "$work/bake/before-without-program" "$case/after"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# Another module came and depmod ran: the index is made anew.
test_teardown_of_a_changed_root() {
    make_small_bake_case
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" \
        "$root/lib/modules/$KERNEL/updates/dkms/another.ko"
    depmod -b "$root" "$KERNEL"
    make_teardown_case teardown-changed
    assert_contains "what others put there stays" updates/dkms/another.ko "$(<"$case/after")"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# No inode is as recorded: contents decide.
test_teardown_of_a_copied_root() {
    make_small_bake_case
    cp -a "$root" "$work/copy"
    sweep_image "$work/copy" "$work/copy.img"
    sweep_mount "$work/copy.img"
    make_teardown_case teardown-copied
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# DKMS built the modules for another kernel: they go, too, with that kernel's index.
test_teardown_with_derived_builds() {
    make_small_bake_case
    small_root_derive "$root"
    make_teardown_case teardown-derived
    assert_equal "what is left" "$(cut -d' ' -f1 "$work/bake/before-without-program")" \
        "$(cut -d' ' -f1 "$case/after")"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# Another kernel links to a module of the bake: the link goes, with that kernel's index.
test_teardown_with_links() {
    local links
    make_small_bake_case
    links=$root/usr/lib/modules/$later_kernel/weak-updates
    mkdir "$links"
    ln -s "../../$KERNEL/updates/dkms/$small_name-core.ko" "$links/"
    (umask 022 && depmod -b "$root" "$later_kernel")
    grep -q ^weak-updates/ "$root/lib/modules/$later_kernel/modules.dep"
    make_teardown_case teardown-links
    assert_equal "what is left" "$(cut -d' ' -f1 "$work/bake/before-without-program")" \
        "$(cut -d' ' -f1 "$case/after" | grep -v /weak-updates$)"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# Its files, and the loader's cache.
test_bake_with_userspace() {
    make_userspace_case
    assert_different_tree "the loader's cache" <(grep ^/etc/ld.so.cache "$case/before") \
        <(grep ^/etc/ld.so.cache "$case/after")
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# The loader's cache is switched by a rename.
test_teardown_with_userspace() {
    make_userspace_case
    make_teardown_case teardown-userspace
    cmp "$work/bake/before-without-program" "$case/after"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# Somebody ran ldconfig: it runs again.
test_teardown_with_another_loader_cache() {
    make_userspace_case
    touch "$root/usr/lib/x86_64-linux-gnu/libc.so.6"
    ldconfig -X -r "$root"
    make_teardown_case teardown-ldconfig
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

test_deregister() {
    local kernel
    sweep_begin
    case=$work/deregister
    mkdir "$case"
    small_root "$work/tree"
    "$build/test/lib/snapshot" "$work/tree" >"$case/before"
    put_displacing_module "$work/tree"
    sweep_image "$work/tree" "$case/start.img"
    resolved=(displacing)
    sweep_mount "$case/start.img"
    deregister_command
    "${command[@]}"
    for kernel in "$KERNEL" "$later_kernel"; do
        assert_exists "$root/usr/lib/modules/$kernel/kernel/drivers/net/veth.ko"
    done
    assert_absent "$root/var/lib/dkms/displacing"
    state_of_root >"$case/after"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

# The root as it is in each layout and without the bake, from uninterrupted commands; of a bake to
# which the function $1 did something.
record_layouts() {
    make_small_bake_case
    (($# == 0)) || "$1" "$root"
    states=$work/states
    mkdir "$states"
    cp "$case/before" "$states/before"
    layout_state >"$states/active"
    sync -f "$root"
    cp --sparse=always "$image" "$states/active.img"
    "$prebake_node" park --root "$root"
    layout_state >"$states/parked"
    sync -f "$root"
    cp --sparse=always "$image" "$states/parked.img"
    sweep_mount "$states/active.img"
    teardown "$root"
    layout_torn_down >"$states/unbaked"
    assert_equal "what a teardown leaves" \
        "$(without_index_times <"$case/before-without-program")" "$(<"$states/unbaked")"
}

# Sweeps the command $1, in the state $2; run after each fault is the command $3. Of another one,
# every third point.
sweep_layouts() {
    local verb=$1 from=$2 next=$3
    case=$work/$verb
    [[ $next == "$verb" ]] || case=$work/$verb-then-$next
    mkdir "$case"
    cp "$states"/{before,active,parked,unbaked} "$case"
    cp --sparse=always "$states/$from.img" "$case/start.img"
    [[ $next == "$verb" || ${CONVERGENCE:-} == full ]] || echo 3 >"$case/every"
    again=()
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

test_park() {
    record_layouts
    for next in park activate teardown; do sweep_layouts park active "$next"; done
}

# What DKMS built for another kernel goes, and that kernel's index is made anew.
test_park_with_derived_builds() {
    record_layouts small_root_derive
    for next in park teardown; do sweep_layouts park active "$next"; done
}

test_activate() {
    record_layouts
    for next in activate park teardown; do sweep_layouts activate parked "$next"; done
}

test_real_modules() {
    make_bake_case "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" "$open_name"{,-modeset}
    echo 199 >"$case/every"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
    sweep_mount "$case/start.img"
    bake_command
    "${command[@]}"
    make_teardown_case teardown
    echo 29 >"$case/every"
    sweep_count "$case"
    sweep "$case" "${faults[@]}"
}

[[ ${CONVERGENCE:-} == full || $# -gt 0 ]] ||
    set -- bake{,_with_userspace} teardown{,_with_derived_builds,_with_userspace} park activate \
        deregister
run_tests "$@"

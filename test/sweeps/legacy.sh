#!/bin/bash
# Laws 3 and 4 for an image that another tool baked: whatever call of its teardown is the last one,
# or fails with ENOSPC or EIO, the same command run again reaches the state that an uninterrupted run
# reaches; nothing of others is changed; the marker outlives everything that is ours.
#
# `legacy.sh` tries the crash at every call; CONVERGENCE=full tries every fault.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/sweep.sh
. "$test_lib/sweep.sh"

version=580.126.09
faults=(crash)
[[ ${CONVERGENCE:-} != full ]] || faults=(crash kill ENOSPC EIO twice)

# What dkms leaves for an installed version; the small root has no dkms.
put_registration() {
    local root=$1 number=$2 module
    local build=$root/var/lib/dkms/nvidia/$number/$KERNEL/x86_64
    mkdir -p "$build"/{module,log} "$root/$legacy_updates"
    ln -s "/usr/src/nvidia-$number" "$root/var/lib/dkms/nvidia/$number/source"
    for module in "${legacy_modules[@]}"; do legacy_module "$build/module/$module.ko" "$number"; done
    echo 'make: done' >"$build/log/make.log"
}

put_legacy_bake() {
    local root=$1
    put_registration "$root" "$version"
    ln -s "$version/$KERNEL/x86_64" "$root/var/lib/dkms/nvidia/kernel-$KERNEL-x86_64"
    cp "$root/var/lib/dkms/nvidia/$version/$KERNEL/x86_64/module"/*.ko "$root/$legacy_updates"
    legacy_libraries "$root/usr/bin/lib64/lib64" "$version"
    legacy_programs_of "$root" "$version"
    legacy_log "$root" "$version"
    legacy_log_files "$root" /usr/lib/x86_64-linux-gnu/libEGL.so.1.1.0
    cp -r "$root"/usr/bin/lib64/lib64/* "$root/usr/lib/x86_64-linux-gnu/"
    echo /usr/bin/lib64 >"$root/etc/ld.so.conf.d/nvidia.conf"
    legacy_write_marker "$root" "$version"
}

put_neighbours() {
    local root=$1
    put_registration "$root" 550.163.01
    legacy_module "$root/$legacy_updates/nvidia-fs.ko" 2.20.5
    mkdir -p "$root/usr/bin/lib64" "$root/var/lib/nvidia"
    echo 'a note' >"$root/usr/bin/lib64/README"
    legacy_elf "$root/usr/bin/nvidia-gridd" 550.163.01
}

# The root without the times of what depmod and ldconfig write anew, and the fractions that an image
# file loses.
looked_at() {
    snapshot "$root" | sed -E 's/( mtime=[0-9]+)\.[0-9]+/\1/
        /\/(modules\.[a-z.]+|ld\.so\.cache) /s/ mtime=[0-9]+//'
}

same() { diff "$1" "$2" | sed -n "/^[<>]/p" | cut -c1-160 | head -n 3; }

# There is no state that could be `active`: here it is the marker that outlives the modules.
resolved=(nvidia nvidia_drm)
half_active() {
    [[ ! -e $root$legacy_marker ]] || return 0
    ! modprobe -d "$root" -S "$KERNEL" -aq --show-depends "${resolved[@]}" >/dev/null 2>&1 ||
        problem "$1: no marker, and modprobe resolves a module"
}

legacy_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake_node" teardown --root "$root" --legacy-marker "$legacy_marker")
}

legacy_after_fault() {
    looked_at >"$work/now.$shard"
    if [[ ! -e $root$legacy_marker ]]; then
        grep -v '^/var/lib/prebake[/ ]' "$work/now.$shard" | cmp -s "$case/after" - ||
            problem "no marker, and something is left: $(same "$case/after" "$work/now.$shard")"
    fi
    [[ -z $(comm -13 "$work/now.$shard" "$case/others") ]] ||
        problem "something of others changed: $(comm -13 "$work/now.$shard" "$case/others" | head -n 3)"
    case $fault-$status in
    crash-* | kill-* | twice-* | ENOSPC-[39] | EIO-[13]) ;;
    *-0) cmp -s "$case/after" "$work/now.$shard" || problem "status 0, and something is left" ;;
    *) problem "status $status" ;;
    esac
}

legacy_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    looked_at >"$work/now.$shard"
    cmp -s "$case/after" "$work/now.$shard" ||
        problem "run again the root is another: $(same "$case/after" "$work/now.$shard")"
}

# A case "legacy": the image as start.img, what others have in it, and what a run leaves.
make_legacy_case() {
    sweep_begin
    case=$work/legacy
    mkdir "$case"
    small_root "$work/tree"
    put_neighbours "$work/tree"
    mkdir -p "$work/tree$(dirname "$legacy_marker")"
    depmod -b "$work/tree" "$KERNEL"
    ldconfig -X -r "$work/tree"
    cp -a "$work/tree" "$work/before"
    put_legacy_bake "$work/tree"
    depmod -b "$work/tree" "$KERNEL"
    ldconfig -X -r "$work/tree"
    sweep_image "$work/tree" "$case/start.img"
    root=$work/before looked_at | grep -v '^/var/lib/nvidia/log ' | sort >"$case/before"
    root=$work/root
    sweep_mount "$case/start.img"
    legacy_command
    "${command[@]}"
    looked_at >"$case/after"
    # ext4 has a folder of its own.
    assert_equal "what a run leaves that was not there before" "" \
        "$(grep -vE '^/(lost\+found|var/lib/nvidia/log) ' "$case/after" | sort |
            diff "$case/before" - | head -n 20)"
    grep -vE '^/usr/lib/modules/[^/]*/modules\.|^/etc/ld.so.cache ' "$case/after" | sort >"$case/others"
}

test_legacy_teardown() {
    make_legacy_case
    sweep_count "$work/legacy"
    sweep "$work/legacy" "${faults[@]}"
}

run_tests "$@"

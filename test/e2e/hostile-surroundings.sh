#!/bin/bash
# What a caller can get wrong or a user can prepare: the environment, the umask, closed descriptors,
# the lock held by somebody, links. The same tree comes of it, or nothing is changed.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

state=var/lib/prebake
kernel_dir=usr/lib/modules/$KERNEL

# Somebody's depmod run since the bake, so that a teardown needs the real depmod again.
change_tree() {
    cp "$root/$kernel_dir/kernel/drivers/net/dummy.ko" "$root/$kernel_dir/updates/added.ko"
    (umask 022 && depmod -b "$root" "$KERNEL")
}

# The root as before the bake with the added module, and the index depmod's own, mode and all.
changed_tree_is_right() {
    local fresh=$scratch/fresh
    rm -rf "$fresh"
    mkdir -p "$fresh/lib/modules"
    cp -a "$root/$kernel_dir" "$fresh/lib/modules/$KERNEL"
    rm "$fresh/lib/modules/$KERNEL"/modules.{alias,dep,devname,softdep,symbols}*
    (umask 022 && depmod -b "$fresh" "$KERNEL")
    (cd "$fresh/lib/modules/$KERNEL" && sha256sum modules.* && stat -c '%n %a %U' modules.*) \
        >"$scratch/fresh.index"
    (cd "$root/$kernel_dir" && sha256sum modules.* && stat -c '%n %a %U' modules.*) \
        >"$scratch/index"
    assert_same_tree "the index is depmod's" "$scratch/fresh.index" "$scratch/index"
    rm "$root/$kernel_dir/updates/added.ko"
    (umask 022 && depmod -b "$root" "$KERNEL")
    bake_is_gone
}

bake() { "$@" "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
    --cache "$images/cache"; }

# The root is the baked one, but for when it was baked.
is_baked() {
    local records='^/var/lib/prebake/' times='s/ mtime=[^ ]*//'
    snapshot "$root" | sed "$times; \\,$records,s/ size=.*//" >"$scratch/baked.after"
    sed "$times; \\,$records,s/ size=.*//" "$images/baked.snapshot" >"$scratch/baked.before"
    assert_same_tree "the same bake" "$scratch/baked.before" "$scratch/baked.after"
}

# --- the environment

# Programs that tell when they are run instead of the system's.
poison_path() {
    local name
    mkdir "$scratch/bin"
    for name in depmod ldconfig modprobe sh bash make gcc gcc-12 strip env; do
        # shellcheck disable=SC2016  # the program expands them
        printf '#!/bin/bash\necho "$0 $*" >>%q\nexit 0\n' "$outside/ran" >"$scratch/bin/$name"
    done
    chmod +x "$scratch/bin"/*
}

# A library that tells which programs it was loaded into.
poison_preload() {
    cat >"$scratch/preload.c" <<END
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
__attribute__((constructor)) static void loaded(void) {
    FILE *file = fopen("$scratch/loaded", "a");
    if (file) { fprintf(file, "%s\n", program_invocation_short_name); fclose(file); }
}
END
    gcc -shared -fPIC -o "$scratch/preload.so" "$scratch/preload.c"
}

# shellcheck disable=SC2016  # nobody may expand it
poisoned() {
    env PATH="$scratch/bin" LD_PRELOAD="$scratch/preload.so" LD_LIBRARY_PATH="$scratch/bin" \
        BASH_ENV="$scratch/bin/sh" ENV="$scratch/bin/sh" IFS=/ SHELLOPTS=xtrace LC_ALL=tr_TR.UTF-8 \
        MAKEFLAGS='-n --eval=$(shell ' CC="$scratch/bin/gcc" HOME=/nowhere \
        'BASH_FUNC_depmod%%=() { echo depmod; }' MODPROBE_OPTIONS=-a "$@"
}

# Loaded into the program that was called: there the caller had his way before it began. Into no
# other.
assert_loaded_only_into() {
    assert_equal "programs that LD_PRELOAD reached" "$1" "$(sort -u "$scratch/loaded")"
    rm "$scratch/loaded"
}

test_poisoned_environment() {
    unbaked_root
    poison_path
    poison_preload
    expect 0 bake poisoned
    is_baked
    assert_loaded_only_into prebake
    change_tree
    expect 0 poisoned "$prebake_node" teardown --root "$root"
    assert_loaded_only_into prebake-node
    changed_tree_is_right
    assert_absent "$outside/ran"
}

test_no_environment() {
    unbaked_root
    expect 0 bake env -i
    is_baked
    change_tree
    expect 0 env -i "$prebake_node" teardown --root "$root"
    changed_tree_is_right
}

# --- depmod's configuration

# A bake of modules that no depmod will ever index is none.
test_modules_that_depmod_passes_over() {
    unbaked_root
    mkdir "$root/etc/depmod.d"
    echo "exclude updates" >"$root/etc/depmod.d/exclude.conf"
    expect_refusal_unchanged "$root" 7 "modprobe does not find the bake's modules for $KERNEL" \
        bake env
}

# --- the umask

test_umask() {
    local mask
    for mask in 0 077 0777; do
        unbaked_root
        (umask "$mask" && bake env) >"$scratch/out" 2>&1 || fail "umask $mask: $(<"$scratch/out")"
        is_baked
        assert_equal "the state folder is private" 700 "$(stat -c %a "$root/$state")"
        change_tree
        (umask "$mask" && teardown "$root") >"$scratch/out" 2>&1 ||
            fail "umask $mask: $(<"$scratch/out")"
        changed_tree_is_right
    done
}

# --- descriptors

# Runs the rest with the descriptors in $1 closed.
with_closed() {
    local closed=$1
    shift
    (
        [[ $closed != *0* ]] || exec 0<&-
        [[ $closed != *1* ]] || exec 1>&-
        [[ $closed != *2* ]] || exec 2>&-
        exec "$@"
    )
}

test_closed_descriptors() {
    local closed
    for closed in 0 1 2 01 02 12 012; do
        unbaked_root
        expect 0 with_closed "$closed" "$prebake" bake --root "$root" --kernel "$KERNEL" \
            --source "$scratch_base/small-1.0" --cache "$images/cache"
        is_baked
        change_tree
        expect 0 with_closed "$closed" "$prebake_node" teardown --root "$root"
        changed_tree_is_right
        baked_root
        expect 0 with_closed "$closed" "$prebake_node" teardown --root "$root"
        bake_is_gone
    done
}

# The work is done, and that nobody could be told is an error of its own.
test_output_that_cannot_be_written() {
    baked_root
    run bash -c 'exec "$@" >/dev/full' sh "$prebake_node" teardown --root "$root"
    assert_equal "status ($err)" 1 "$status"
    assert_contains "the sentence" "standard output" "$err"
    bake_is_gone
    expect 0 teardown "$root"
    assert_equal "nothing is left to do" "" "$out$err"
}

# --- the lock

# Another process holds the lock until `release_lock`.
hold_lock() {
    [[ -p $scratch/until ]] || mkfifo "$scratch/until"
    flock -x "$root/$state" cat "$scratch/until" &
    holder=$!
    until ! flock -n "$root/$state" true; do sleep 0.02; done
}

release_lock() {
    : >"$scratch/until"
    wait "$holder"
}

test_locked_folder() {
    local begun
    baked_root
    hold_lock
    begun=$SECONDS
    expect_refusal_unchanged "$root" 8 "process $holder " teardown "$root" --lock-wait 1
    assert_equal "nothing is claimed" "" "$out"
    ((SECONDS - begun >= 1 && SECONDS - begun < 20)) || fail "it waited $((SECONDS - begun)) s"
    expect_refusal_unchanged "$root" 8 "process $holder " teardown "$root" --lock-wait 0
    release_lock
    expect 0 teardown "$root" --lock-wait 0
    bake_is_gone
}

# Freed while somebody waits for it.
test_lock_that_is_freed_in_time() {
    local waiting
    baked_root
    hold_lock
    teardown "$root" --lock-wait 30 >"$scratch/out" 2>&1 &
    waiting=$!
    sleep 0.5
    bake_untouched
    release_lock
    wait "$waiting" || fail "the waiting teardown: $(<"$scratch/out")"
    bake_is_gone
}

# A reader of the state does not wait.
test_status_of_a_locked_folder() {
    baked_root
    hold_lock
    expect 0 timeout 5 "$prebake_node" status --root "$root"
    release_lock
}

# --- the kernel

# Somebody else's module leaves while its build id is read, of which sysfs says ENODEV.
test_module_that_goes_meanwhile() {
    local note=sys/module/other/notes/.note.gnu.build-id
    baked_root
    mkdir -p "$root"/{proc,sys/module/other/{notes,holders}}
    echo "other 16384 0 - Live 0x0" >"$root/proc/modules"
    echo note >"$root/$note"
    expect 0 strace -f -qq -o "$scratch/reads" -P "$root/$note" -e trace=read,pread64 \
        -e inject=read,pread64:error=ENODEV chroot "$root" /usr/sbin/prebake-node teardown
    assert_contains "it was read" "ENODEV" "$(<"$scratch/reads")"
    rm -r "$root"/{proc,sys}
    bake_is_gone
}

# --- links in the root

# Absolute, it leads inside the root: this machine has no such file, or another one.
test_configuration_behind_a_link() {
    local headers=usr/src/linux-headers-$KERNEL
    unbaked_root
    mkdir -p "$root/boot"
    mv "$root/$headers/.config" "$root/boot/config-of-the-image"
    ln -s /boot/config-of-the-image "$root/$headers/.config"
    small_bundle "$root" "$images/cache" "$scratch_base/small-1.0"
    expect 0 bake
    cmp "$root/boot/config-of-the-image" \
        "$root/var/lib/dkms/$small_name/1.0/$KERNEL/x86_64/log/.config" ||
        fail "the registration has another kernel configuration than the root"
}

# --- the root's own name

# Runs it for the root by a name that is no UTF-8, which JSON can't hold as it is.
for_root_of_any_name() {
    local name=$scratch/$'caf\xe9'
    mkdir -p "$name"
    mount --bind "$root" "$name"
    run "$@" --root "$name" --json
    umount "$name"
}

test_json_of_any_root() {
    local steps
    unbaked_root
    for_root_of_any_name "$prebake" bake --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --dry-run
    assert_equal "the plan" 0 "$status"
    steps=$(jq '.steps | length' <<<"$out")
    ((steps > 5)) || fail "only $steps steps are in the plan"
    jq -e '.steps[] | select(contains("caf\\xE9/usr/sbin"))' <<<"$out" >/dev/null ||
        fail "the step that names the root is lost"
    baked_root
    rm "$root/$kernel_dir/updates/dkms/$small_name-core.ko"
    for_root_of_any_name "$prebake_node" reconcile --observe --gpu-node=true --skip-driver=false \
        --driver-type=cuda --driver-version=1.0 --kernel "$KERNEL" --arch x86_64
    assert_equal "the decision" 5 "$status"
    jq -e '.why | contains("caf\\xE9/usr/lib")' <<<"$out" >/dev/null || fail "the reason is lost"
}

baked_image_make
run_tests "$@"

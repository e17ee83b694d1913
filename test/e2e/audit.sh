#!/bin/bash
# audit, of both programs: what a root carries of a bake, looked for wherever it could be, and whether
# that is what it should be. Nothing is changed.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"
# shellcheck source=test/lib/initramfs.sh
. "$test_lib/initramfs.sh"

modules=usr/lib/modules/$KERNEL
placed=$modules/updates/dkms/$small_name-core.ko
stored=var/lib/prebake/store/parked/$placed

baked() {
    start_root
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$bundles" --layout "$1" 2>/dev/null
}

audit() { "$prebake_node" audit --root "$root" "$@"; }

# All is as expected: both programs say so, word for word, and the tree is as it was.
expect_fit() {
    local layout=$1 said
    snapshot_with_program "$root" >"$scratch/audit.before"
    expect 0 audit --expect "$layout"
    assert_contains "the verdict" "$layout" "$(tail -n 1 <<<"$out")"
    assert_not_contains "misfits" "DOES NOT FIT" "$out"
    said=$out
    expect 0 "$prebake" audit --root "$root"
    assert_equal "what prebake says without --expect" "$said" "$out"
    snapshot_with_program "$root" >"$scratch/audit.after"
    assert_same_tree "an audit" "$scratch/audit.before" "$scratch/audit.after"
}

# The check $2 must find that the root is not as layout $1 demands, and say $3.
expect_misfit() {
    local layout=$1 check=$2 words=$3
    expect 7 audit --expect "$layout" --json
    assert_contains "the sentence" "is not as a root whose bake is $layout: " "$err"
    assert_equal "fits" false "$(jq .fits <<<"$out")"
    assert_contains "misfits of $check" "$words" "$(jq -r --arg check "$check" \
        '.findings[] | select(.check == $check and .weight == "misfit") | "\(.subject): \(.finding)"' \
        <<<"$out")"
}

# One change to a root of layout $1, as a command, is found by check $2 in words $3; the root is as
# before afterwards.
expect_change_found() {
    local layout=$1 check=$2 words=$3
    shift 3
    rm -rf "$scratch/kept"
    cp -a "$root" "$scratch/kept"
    (cd "$root" && "$@")
    expect_misfit "$layout" "$check" "$words"
    rm -rf "$root"
    mv "$scratch/kept" "$root"
}

index() { (umask 022 && depmod -b "$root" "$KERNEL"); }

test_absent() {
    start_root
    expect_fit absent
    expect_misfit active records "there is no bake"
    expect_misfit parked records "there is no bake"
    bake_root
    expect_misfit absent records "a bake of $small_name 1.0"
    expect 0 teardown "$root"
    expect_fit absent
    expect_change_found absent records "without a marker" mkdir -m 0700 var/lib/prebake
}

test_active() {
    baked active
    expect_fit active
    assert_contains "records" "the state is active" "$out"
    assert_contains "dkms" "$small_name/1.0: installed for $KERNEL, x86_64" "$out"
    assert_contains "index" "$KERNEL: modprobe finds prebake_small_core: /lib/modules/" "$out"
    assert_contains "files" "/$small_name-core.ko: a module of the bake" "$out"
    assert_contains "another kernel" "$later_kernel: no module of a bake" "$out"
    expect_misfit parked records "the state is active"
    expect_change_found active paths "$small_name-core.ko" rm "$placed"
    expect_change_found active dkms "not installed" \
        rm "var/lib/dkms/$small_name/kernel-$KERNEL-x86_64"
    expect_change_found active index "modprobe finds 0 of 2" rm "$modules/modules.dep.bin"
}

test_derived() {
    baked active
    small_root_derive "$root"
    expect_fit active
    assert_contains "dkms" "installed for $later_kernel" "$out"
    assert_contains "index" "$later_kernel: modprobe finds prebake_small_core" "$out"
}

test_parked() {
    baked parked
    expect_fit parked
    assert_contains "records" "the state is parked" "$out"
    assert_contains "paths" "in their places 0" "$out"
    assert_contains "dkms" "nothing of a bake" "$(grep ^dkms <<<"$out")"
    expect_misfit active records "the state is parked"
    expect_misfit absent records "a bake of $small_name 1.0"
}

parked_copy() {
    mkdir -p "$(dirname "$1")"
    cp -a "$stored" "$1"
}

load_line() {
    mkdir -p "$(dirname "$1")"
    echo "$2" >"$1"
}

registered() {
    mkdir -p "var/lib/dkms/$small_name/1.0"
    ln -s "/usr/src/$small_name-1.0" "var/lib/dkms/$small_name/1.0/source"
}

indexed_copy() {
    parked_copy "$modules/extra/$small_name-core.ko"
    index
}

stale_index() {
    indexed_copy
    rm "$modules/extra/$small_name-core.ko"
}

cached_library() {
    echo "/var/lib/prebake/store/parked/lib" >>etc/ld.so.conf
    mkdir -p var/lib/prebake/store/parked/lib
    cp usr/lib/x86_64-linux-gnu/libkmod.so.2 var/lib/prebake/store/parked/lib/
    ldconfig -X -r .
}

link_into_store() { ln -s /var/lib/prebake/store/parked/usr/bin/nvidia-smi usr/bin/nvidia-smi; }

test_parked_and_not_inert() {
    baked parked
    expect_change_found parked paths "$small_name-core.ko" rm "$stored"
    expect_change_found parked paths "it is in its place" parked_copy "$placed"
    expect_change_found parked dkms "added" registered
    expect_change_found parked index "modprobe finds prebake_small_core" indexed_copy
    expect_change_found parked index "gone" stale_index
    expect_change_found parked files "a module of the bake" parked_copy "$modules/x/$small_name-core.ko"
    expect_change_found parked loader "/var/lib/prebake" cached_library
    expect_change_found parked privileged "setuid" chmod 4755 "$stored"
    expect_change_found parked privileged "a file capability" setcap cap_net_raw+ep "$stored"
    expect_change_found parked config "dangling" load_line etc/modules-load.d/x.conf prebake-small-core
    expect_change_found parked programs "private store" link_into_store
    expect_fit parked
}

test_damaged_cache() {
    baked parked
    expect_change_found parked loader "damaged" bash -c 'head -c 3000 /dev/urandom >etc/ld.so.cache'
    expect_change_found parked loader "middle of its entries" \
        bash -c 'ldconfig -X -r . && truncate -s 150 etc/ld.so.cache'
}

# Others' things of the same names in their places: said, and of no matter.
test_foreign() {
    baked parked
    add_module "$KERNEL" "updates/dkms/$small_name-core.ko"
    index
    expect_fit parked
    assert_contains "paths" "somebody else's is in its place, and 0 more (foreign)" "$out"
    assert_contains "index" "modprobe finds prebake_small_core: " "$out"
    assert_contains "files" "somebody else's module (foreign)" "$out"
}

# Without a bake, NVIDIA's well-known names are worth a word.
test_foreign_without_a_bake() {
    start_root
    add_module "$KERNEL" updates/dkms/nvidia.ko
    index
    mkdir -p "$root"/var/lib/dkms/nvidia/550.1 "$root/etc/modules-load.d"
    ln -s /usr/src/nvidia-550.1 "$root/var/lib/dkms/nvidia/550.1/source"
    echo nvidia-uvm >"$root/etc/modules-load.d/nvidia.conf"
    install -m 4755 /bin/true "$root/usr/bin/nvidia-modprobe"
    mkdir -p "$scratch/theirs/lib/modules/$KERNEL/extra"
    echo module >"$scratch/theirs/lib/modules/$KERNEL/extra/nvidia-drm.ko.xz"
    make_initramfs "initrd.img-$KERNEL" "gzip -n" "$scratch/theirs"
    expect_fit absent
    assert_contains "dkms" "nvidia/550.1: added, and built for no kernel (foreign)" "$out"
    assert_contains "index" "modprobe finds nvidia: " "$out"
    assert_contains "config" "load names nvidia-uvm, which no kernel's index has (dangling) (foreign)" "$out"
    assert_contains "privileged" "/usr/bin/nvidia-modprobe: setuid (foreign)" "$out"
    assert_contains "initramfs" "it holds ./lib/modules/$KERNEL/extra/nvidia-drm.ko.xz (foreign)" "$out"
}

# Microcode in front, the rest packed each way; several archives one after the other.
test_initramfs() {
    local pack
    baked parked
    mkdir -p "$scratch/ours/lib/modules/$KERNEL/updates/dkms"
    cp "$root/$stored" "$scratch/ours/lib/modules/$KERNEL/updates/dkms/"
    make_initramfs "initrd.img-$KERNEL" "zstd -q" "$(initramfs_files_of_kernel)"
    expect_fit parked
    assert_contains "it was read" "/boot/initrd.img-$KERNEL: no module of a bake" "$out"
    for pack in cat "gzip -n" "xz --check=crc32" "lz4 -q -l" "zstd -q"; do
        make_initramfs initramfs-other.img "$pack" "$scratch/ours"
        expect_misfit parked initramfs "/boot/initramfs-other.img"
        expect 7 "$prebake" audit --root "$root"
        assert_contains "the sentence" "update-initramfs -u -k $KERNEL" "$err"
        rm "$root/boot/initramfs-other.img"
    done
    make_initramfs image "zstd -q" "$scratch/ours"
    mkdir "$root/var/images"
    mv "$root/boot/image" "$root/var/images/"
    expect_fit parked
    ln -s ../var/images/image "$root/boot/initrd.img"
    expect_misfit parked initramfs "/var/images/image"
    rm "$root/boot/initrd.img"
    bsdtar --format newc -cf - -C "$scratch/files" . >"$root/boot/initrd"
    gzip -n <<<"no archive" >>"$root/boot/initrd"
    expect_misfit parked initramfs "nobody can say"
}

# The kernel's own modules alone.
initramfs_files_of_kernel() {
    mkdir -p "$scratch/files/usr/lib/modules/$KERNEL"
    cp -a "$root/$modules/kernel" "$scratch/files/usr/lib/modules/$KERNEL/"
    printf '%s\n' "$scratch/files"
}

test_unfinished_change() {
    baked active
    echo tearing-down >"$root/var/lib/prebake/state"
    expect 3 audit --expect absent
    assert_contains "the state" "the state is tearing-down" "$out"
    rm "$root/var/lib/prebake/manifest.mtree"
    expect 3 audit
    assert_contains "the sentence" "tearing-down" "$err"
}

test_records_that_are_not_to_be_believed() {
    baked active
    chmod 0666 "$root/var/lib/prebake/marker"
    expect_refusal 4 "marker" audit
    chmod 0644 "$root/var/lib/prebake/marker"
    rm "$root/var/lib/prebake/facts"
    expect_refusal 7 "facts" audit
}

test_usage() {
    start_root
    expect_refusal 2 "expect" audit --expect gone
}

test_json() {
    baked parked
    expect 0 audit --json
    assert_equal "its head" '[1,"parked",true,false]' \
        "$(jq -c '[.format, .expected, .fits, .unfinished]' <<<"$out")"
    assert_equal "the checks" \
        "records paths dkms index files loader privileged config programs initramfs" \
        "$(jq -r '[.findings[].check] | reduce .[] as $c ([]; if index($c) then . else . + [$c] end) | join(" ")' <<<"$out")"
}

sealing_begin
run_tests "$@"

#!/bin/bash
# `prebake build` and `prebake install`, the two halves of a bake: a bundle that is carried from one
# root to another, without a compiler where it arrives, gives what a bake there gives.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

kept=$scratch_base/kept # a bundle with its source, for all tests
source=$scratch_base/small-1.0

build_bundle() {
    "$prebake" build --root "$1" --source "$source" --kernel "$KERNEL" --output "$2" "${@:3}"
}

install_into() { "$prebake" install --root "$1" --bundle "${bundle:-$kept}" "${@:2}"; }

# A copy of the kept bundle that a test may spoil.
spoilt_bundle() {
    bundle=$scratch/bundle
    cp -a "$kept" "$bundle"
}

# The records are those of a run, times those of a day.
placed() {
    snapshot "$1" | sed -E '/^\/var\/lib\/prebake\/[^/ ]* /s, size=.*,,
        /^\/var\/lib\/prebake\/store\/index\/.*\/tree /s, size=.*,,; s, mtime=[^ ]*,,'
}

test_build_changes_no_root() {
    local root folder=$scratch/folder
    root=$(overlay_root node)
    mkdir "$folder"
    snapshot_with_program "$root" >"$scratch/before"
    expect 0 build_bundle "$root" "$folder/bundle"
    assert_contains "telemetry" "event=build status=built kernel=$KERNEL" "$out"
    snapshot_with_program "$root" >"$scratch/after"
    assert_same_tree "the root" "$scratch/before" "$scratch/after"
    assert_equal "what is in the folder" bundle "$(ls -A "$folder")"
    assert_equal "what is in the bundle" "bundle.json make.log modules source" \
        "$(find "$folder/bundle" -maxdepth 1 -mindepth 1 -printf '%f\n' | sort | xargs)"
    # Compiled anew, it is the kept one, byte for byte.
    assert_equal "two builds differ in" "" \
        "$(diff -rq "$kept" "$folder/bundle" | grep -v make.log || true)"

    expect 0 build_bundle "$root" "$folder/bundle"
    assert_contains "telemetry" "status=unchanged" "$out"
    echo '/* another */' >>"$folder/bundle/source/small_core.c"
    expect_refusal 4 "$folder/bundle" build_bundle "$root" "$folder/bundle"
}

# A container for building has the kernel's headers, and nothing else of it.
test_headers_alone() {
    local root modules
    root=$(overlay_root node)
    modules=$root/lib/modules/$KERNEL
    rm -r "$modules"/kernel "$modules"/modules.*
    assert_equal "what is left of the kernel" "build source" "$(cd "$modules" && echo *)"
    snapshot "$root" >"$scratch/before"
    expect 0 install_into "$root"
    assert_contains "telemetry" "status=baked" "$out"
    assert_exists "$modules/updates/dkms/$small_name-core.ko"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root" "$scratch/before" "$scratch/after"
}

# Else a power loss can leave an empty record, with which nothing could be taken back.
test_records_are_on_disk_before_their_names() {
    local root name temporary
    root=$(overlay_root node)
    run strace -f -y -o "$scratch/trace" -e trace=fsync,renameat,renameat2 \
        "$prebake" install --root "$root" --bundle "$kept"
    assert_equal "status" 0 "$status"
    for name in journal state manifest.mtree facts marker published; do
        temporary=$(sed -n "s,.*fsync(.*/\(\.$name\.prebake-[0-9a-f]*\)>).*= 0,\1,p" "$scratch/trace" |
            sed -n 1p)
        [[ -n $temporary ]] || fail "nobody waits for the content of $name"
        awk -v temporary="$temporary" '
            index($0, temporary) && /fsync\(/ { synced = NR }
            index($0, temporary) && /renameat/ { renamed = NR }
            END { exit !(synced < renamed) }' "$scratch/trace" || fail "$name has its name first"
    done
}

test_build_says_what_it_would_do() {
    local root
    root=$(overlay_root node)
    expect 0 build_bundle "$root" "$scratch/bundle" --dry-run
    assert_contains "the steps" "put the bundle and its source tree into $scratch/bundle" "$out"
    expect 0 build_bundle "$root" "$scratch/bundle" --dry-run --json
    assert_equal "the steps as JSON" "build planned 4" \
        "$(jq -r '"\(.event) \(.status) \(.steps | length)"' <<<"$out")"
    assert_absent "$scratch/bundle"
}

test_a_failed_build_leaves_nothing() {
    local root folder=$scratch/folder source=$scratch/broken
    root=$(overlay_root node)
    mkdir "$folder"
    small_source 1.0 "$source"
    echo '#error broken' >>"$source/small_core.c"
    expect_refusal 11 "small_core.c" build_bundle "$root" "$folder/bundle"
    assert_equal "what is in the folder" "" "$(ls -A "$folder")"
    expect_refusal 1 "$scratch/nowhere" build_bundle "$root" "$scratch/nowhere/bundle"
    expect_refusal 2 --output "$prebake" build --root "$root" --source "$source" --kernel "$KERNEL"
    expect_refusal 2 --source "$prebake" build --root "$root" --output "$folder/bundle"
}

test_installed_is_baked() {
    local baked installed layout
    for layout in active parked; do
        baked=$(overlay_root node "baked-$layout")
        installed=$(overlay_root node "installed-$layout")
        expect 0 "$prebake" bake --root "$baked" --source "$source" --kernel "$KERNEL" \
            --cache "$cache" --layout "$layout"
        expect 0 install_into "$installed" --layout "$layout"
        assert_contains "telemetry" "event=bake status=baked" "$out"
        assert_contains "telemetry" "bundle=given" "$out"
        placed "$baked" >"$scratch/baked"
        placed "$installed" >"$scratch/installed"
        assert_same_tree "baked (<) and installed (>), $layout" "$scratch"/{baked,installed}
    done
    expect 0 install_into "$installed" --layout parked
    assert_contains "telemetry" "status=unchanged" "$out"
}

test_teardown_of_an_installed_bundle() {
    local root
    root=$(overlay_root node)
    snapshot "$root" >"$scratch/before"
    expect 0 install_into "$root" --json
    assert_equal "the modules" 2 "$(jq '.modules | length' <<<"$out")"
    expect 0 "$prebake_node" audit --root "$root" --expect active
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# No compiler, no make, and no source beside the bundle.
test_install_needs_no_compiler() {
    local root
    root=$(overlay_root node)
    # shellcheck disable=SC2016  # for the other shell
    expect 0 unshare --mount bash -euc '
        for program in gcc gcc-12 cc make ld; do mount --bind /dev/null "/usr/bin/$program"; done
        "$@"' - "$prebake" install --root "$root" --bundle "$kept"
    assert_exists "$root/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko"
}

test_install_says_what_it_would_do() {
    local root
    root=$(overlay_root node)
    expect 0 install_into "$root" --dry-run
    assert_contains "the steps" "from the bundle $kept" "$out"
    assert_not_contains "the steps" compile "$out"
    assert_absent "$root/var/lib/prebake"
}

# A bundle of a cache has no source with it.
test_source_beside_the_bundle() {
    local root
    root=$(overlay_root node)
    spoilt_bundle
    rm -r "$bundle/source"
    expect_refusal_unchanged "$root" 2 --source install_into "$root"
    small_source 1.1 "$scratch/small-1.1"
    expect_refusal_unchanged "$root" 5 "is not the source" install_into "$root" \
        --source "$scratch/small-1.1"
    expect 0 install_into "$root" --source "$source"
}

test_another_root() {
    local root
    root=$(overlay_root node)
    echo '#define ANOTHER 1' >>"$root/usr/src/linux-headers-$KERNEL/include/generated/autoconf.h"
    expect_refusal_unchanged "$root" 5 "other headers" install_into "$root"
    rm -r "$root"/usr/src/linux-headers-*
    expect_refusal_unchanged "$root" 21 "$KERNEL" install_into "$root"
}

test_a_damaged_bundle() {
    local root
    root=$(overlay_root node)
    spoilt_bundle
    printf x | dd of="$bundle/modules/$small_name-core.ko" bs=1 seek=100 conv=notrunc status=none
    expect_refusal_unchanged "$root" 7 "$small_name-core" install_into "$root"
    echo '{"format": 1}' >"$bundle/bundle.json"
    expect_refusal_unchanged "$root" 7 bundle.json install_into "$root"
    jq '.kernel = "../../etc"' "$kept/bundle.json" >"$bundle/bundle.json"
    run install_into "$root"
    ((status == 2 || status == 4 || status == 21)) || fail "status $status: $err"
    rm "$bundle/bundle.json"
    expect_refusal_unchanged "$root" 2 "$bundle" install_into "$root"
    expect_refusal_unchanged "$root" 2 --bundle "$prebake" install --root "$root"
}

test_a_bundle_that_others_write() {
    local root
    root=$(overlay_root node)
    spoilt_bundle
    chmod g+w "$bundle"
    expect_refusal_unchanged "$root" 4 "--bundle $bundle" install_into "$root"
    chmod g-w "$bundle"
    chown 1 "$bundle"
    expect_refusal_unchanged "$root" 4 "--bundle $bundle" install_into "$root"
}

small_source 1.0 "$source"
build_bundle "$(scratch=$scratch_base overlay_root node first)" "$kept" --cache "$cache" >/dev/null
umount -l "$scratch_base/first/root"
run_tests "$@"

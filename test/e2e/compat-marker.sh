#!/bin/bash
# prebake bake --compat-marker: a marker for tools that look at nothing else, so that it is there
# only while the modules are whole and found by modprobe.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

compat=/opt/azure/aks-gpu/dkms-marker
state=var/lib/prebake

# shellcheck disable=SC2119,SC2120  # tests pass arguments through expect
bake_compat() { cache=$images/cache bake_small "$root" 1.0 --compat-marker "${1:-$compat}" "${@:2}"; }

compat_root() { image_root compat; }

make_compat_image() {
    unbaked_root
    bake_compat >/dev/null 2>&1 || die "the bake with a compat marker failed"
    umount "$root"
    mv "$image" "$images/compat"
}

# What the marker promises.
driver_is_whole() {
    local path
    [[ $(<"$root/$state/state") == active ]] || fail "a compat marker in another state"
    modprobe -d "$root" -S "$KERNEL" -aq --show-depends "$small_name"-{core,user} >/dev/null ||
        fail "a compat marker, and modprobe does not find the modules"
    while read -r path; do
        [[ -e $root$path || -L $root$path ]] || fail "a compat marker, and $path is gone"
    done < <(sed -n 's/^\.\(\/[^ ]*\) type=.*/\1/p' "$root/$state/manifest.mtree")
}

test_content_and_records() {
    compat_root
    assert_equal "the four keys" \
        "kernel=$KERNEL driver_version=1.0 driver_kind=cuda arch=x86_64" \
        "$(paste -sd ' ' "$root$compat")"
    assert_equal "owner and mode" "0:0 644" "$(stat -c '%u:%g %a' "$root$compat")"
    grep -q "^\.$compat type=file" "$root/$state/manifest.mtree" || fail "it is not in the manifest"
    assert_equal "the facts" "$compat" "$(jq -r .compat_marker "$root/$state/facts")"
    driver_is_whole
}

test_same_bake_twice() {
    compat_root
    snapshot_with_program "$root" >"$scratch/before"
    expect 0 bake_compat
    snapshot_with_program "$root" >"$scratch/after"
    assert_same_tree "the second bake" "$scratch/before" "$scratch/after"
}

test_another_marker_is_another_bake() {
    compat_root
    expect_refusal_unchanged "$root" 4 "carries a bake" bake_compat /opt/other-marker
    expect_refusal_unchanged "$root" 4 "carries a bake" \
        env cache="$images/cache" bash -c 'exec "$@"' - "$prebake" bake --root "$root" \
        --source "$scratch_base/small-1.0" --kernel "$KERNEL" --cache "$images/cache"
    expect 0 bake_compat /opt/other-marker --replace
    assert_absent "$root$compat"
    assert_exists "$root/opt/other-marker"
}

# Where it would not outlive a boot, or in the way of what is somebody else's.
test_places_that_are_not_for_it() {
    unbaked_root
    local place
    for place in /run/marker /tmp/deeper/marker /var/lib/prebake /var/lib/prebake/marker \
        /usr/sbin/prebake-node "/lib/modules/$KERNEL/marker" /etc/ld.so.cache marker /opt/../etc/marker; do
        expect_refusal_unchanged "$root" 2 "--compat-marker" bake_compat "$place" --dry-run
        assert_contains "the place" "$place" "$err"
    done
}

# Before anything is compiled.
test_nothing_is_overwritten() {
    unbaked_root
    mkdir -p "$root$(dirname "$compat")"
    echo 'driver_version=1.0' >"$root$compat"
    expect_refusal_unchanged "$root" 4 "$compat" bake_compat
    rm "$root$compat"
    ln -s /nowhere "$root$compat"
    expect_refusal_unchanged "$root" 4 "$compat" bake_compat
}

test_paths() {
    local path
    unbaked_root
    for path in opt/marker /opt/../marker /opt//marker / "/$state/marker"; do
        expect_refusal_unchanged "$root" 2 --compat-marker bake_compat "$path"
    done
    mkdir -m 0777 "$root/opt"
    expect_refusal_unchanged "$root" 4 /opt bake_compat
    rmdir "$root/opt"
    ln -s "$outside" "$root/opt"
    run bake_compat
    assert_absent "$outside/azure"
    outside_untouched
}

test_teardown_identity() {
    compat_root
    expect 0 teardown "$root"
    bake_is_gone
}

test_foreign_marker_stays() {
    compat_root
    echo 'driver_version=550.1' >"$root$compat"
    expect 0 teardown "$root"
    assert_contains "telemetry" "foreign=1" "$out"
    assert_equal "the marker" "driver_version=550.1" "$(<"$root$compat")"
}

# A teardown that is killed at one of its first removals or renames never leaves the marker with less
# than all; it is the first thing to go.
test_killed_teardowns() {
    local call number
    for call in unlinkat renameat; do
        for number in 1 2 3 4 5 6; do
            compat_root
            run strace -f -qq -o /dev/null -e "trace=$call" \
                -e "inject=$call:signal=SIGKILL:when=$number" "$prebake_node" teardown --root "$root"
            assert_equal "killed at $call $number" 137 "$status"
            if [[ -e $root$compat ]]; then driver_is_whole; fi
            ((number < 2)) || [[ $call != unlinkat ]] || assert_absent "$root$compat"
        done
    done
}

lost_facts_root() {
    compat_root
    rm "$root/$state/facts"
}

# Without facts its content tells the marker from the other files.
test_killed_teardowns_without_facts() {
    lost_facts_root
    expect 0 strace -f -qq -e trace=unlinkat -e signal=none -o "$scratch/removed" \
        "$prebake_node" teardown --root "$root"
    assert_contains "the first to go" '"dkms-marker"' "$(head -n 1 "$scratch/removed")"
    bake_is_gone
}

# The renames of a bake: the marker's comes after the index's.
test_killed_bakes() {
    local number killed=0
    for ((number = 1; ; number++)); do
        unbaked_root
        bake_is_killed_at "$number" || break
        killed=$((killed + 1))
        [[ ! -e $root$compat ]] || bake_was_whole
        # Whoever takes it for another tool's marker: the bake is taken back.
        expect 0 teardown "$root" --legacy-marker "$compat"
        [[ -e $root/$state/marker ]] || assert_absent "$root$compat"
    done
    ((killed > 8)) || fail "only $killed bakes were killed"
    echo "$killed bakes were killed"
}

bake_is_killed_at() {
    ! cache=$images/cache bake_in_strace -e "inject=renameat2:signal=SIGKILL:when=$1" >/dev/null 2>&1
}

bake_in_strace() {
    strace -f -qq -o /dev/null -e trace=renameat2 "$@" "$prebake" bake --root "$root" \
        --source "$scratch_base/small-1.0" --kernel "$KERNEL" --cache "$images/cache" \
        --compat-marker "$compat"
}

# Without a manifest yet.
bake_was_whole() {
    assert_equal "the state" active "$(<"$root/$state/state")"
    modprobe -d "$root" -S "$KERNEL" -aq --show-depends "$small_name"-{core,user} >/dev/null ||
        fail "a compat marker, and modprobe does not find the modules"
}

baked_image_make
make_compat_image
run_tests "$@"

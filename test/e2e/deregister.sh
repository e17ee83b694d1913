#!/bin/bash
# prebake-node deregister against the real dkms: what dkms added, built and installed goes, and the
# tree is then what `dkms remove` leaves, and what it was before. dkms runs in a chroot and has
# nothing to compile: it copies (test/lib/prebuilt.sh); the last test compiles.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

second=6.99.0-second
packed=6.99.0-packed # its modules are compressed
package=prebuilt/1.0
other=prebuilt/2.0
updates=lib/modules/$KERNEL/updates/dkms

# A root with three kernels, two versions of a source, and both a module and a registration of
# somebody else; nothing of $package is registered.
make_start() {
    fake_kernel "$start" "$second"
    fake_kernel "$start" "$packed" xz
    prebuilt_source "$start" prebuilt 1.0 prebuilt_a prebuilt-b
    prebuilt_source "$start" prebuilt 2.0 prebuilt_a
    prebuilt_source "$start" neighbour 1.0 neighbour
    dkms_installed "$start" neighbour/1.0 "$KERNEL" "$second" "$packed"
    dkms_places "$start" >"$before"
}

# The root of this test: $package installed for the kernels named.
prepare() {
    root=$(overlay_over "$start" ours)
    dkms_installed "$root" "$package" "$@"
}

# A copy of this test's root as it is now, for dkms.
fork_for_dkms() {
    if [[ -n ${theirs:-} ]]; then umount "$theirs"; fi
    rm -rf --one-file-system "$scratch/theirs" "$scratch/theirs-root"
    theirs=$scratch/theirs-root
    mkdir -p "$scratch/theirs"
    cp -a "$scratch/ours/upper" "$scratch/theirs/upper"
    mkdir "$scratch/theirs/work" "$theirs"
    mount -t overlay overlay "$theirs" \
        -o "lowerdir=$start,upperdir=$scratch/theirs/upper,workdir=$scratch/theirs/work"
}

# deregister leaves what dkms, with the same words, leaves.
same_as_dkms() {
    fork_for_dkms
    run dkms_in "$theirs" remove "$package" "$@"
    dkms_places "$theirs" >"$scratch/theirs.after"
    expect 0 deregister "$root" "$package" "$@"
    assert_contains "telemetry" "status=removed" "$out"
    dkms_places "$root" >"$scratch/ours.after"
    assert_same_tree "what dkms (<) and deregister (>) leave" "$scratch"/{theirs,ours}.after
    assert_equal "dkms status" "$(dkms_in "$theirs" status)" "$(dkms_in "$root" status)"
}

as_before() {
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "before (<) and after (>)" "$before" "$scratch/after"
}

test_installed_for_three_kernels() {
    prepare "$KERNEL" "$second" "$packed"
    assert_exists "$root/lib/modules/$packed/updates/dkms/prebuilt-b.ko.xz"
    same_as_dkms --all
    assert_contains "telemetry" "module=prebuilt driver_version=1.0" "$out"
    assert_contains "telemetry" "kernels=3 files=6 foreign=0" "$out"
    as_before
    run modprobe -d "$root" -S "$second" -n prebuilt_a
    assert_equal "modprobe finds it" 1 "$status"
}

test_one_kernel_of_three() {
    prepare "$KERNEL" "$second" "$packed"
    same_as_dkms -k "$packed"
    assert_contains "telemetry" "kernels=1 files=2" "$out"
    expect_refusal_unchanged "$root" 2 "$KERNEL, $second" deregister "$root" "$package"
    same_as_dkms -k "$second"
    same_as_dkms -k "$KERNEL"
    as_before
}

test_built_only() {
    prepare "$KERNEL" "$packed"
    dkms_in "$root" uninstall "$package" -k "$KERNEL"
    dkms_in "$root" uninstall "$package" -k "$packed"
    assert_contains "dkms status" "$package, $packed, x86_64: built" "$(dkms_in "$root" status)"
    same_as_dkms --all
    assert_contains "telemetry" "kernels=2 files=0" "$out"
    as_before
}

test_added_only() {
    prepare
    assert_contains "dkms status" "$package: added" "$(dkms_in "$root" status)"
    same_as_dkms --all
    assert_contains "telemetry" "kernels=0 files=0" "$out"
    as_before
}

test_each_state_at_once() {
    prepare "$KERNEL" "$second"
    dkms_in "$root" uninstall "$package" -k "$second"
    dkms_in "$root" build "$package" -k "$packed"
    same_as_dkms --all
    as_before
}

# The other version is active for a kernel that both are built for.
test_another_version_is_active() {
    prepare "$KERNEL" "$second"
    dkms_in "$root" uninstall "$package" -k "$second"
    dkms_installed "$root" "$other" "$second"
    same_as_dkms --all
    assert_contains "dkms status" "$other, $second, x86_64: installed" "$(dkms_in "$root" status)"
}

test_nothing_to_do() {
    prepare "$second"
    expect 0 deregister "$root" "$package" --all
    dkms_places "$root" >"$scratch/first"
    expect 0 deregister "$root" "$package" --all --tag AKS
    assert_contains "telemetry" "AKS event=deregister module=prebuilt" "$out"
    assert_contains "telemetry" "status=absent kernels=0 files=0 foreign=0" "$out"
    dkms_places "$root" >"$scratch/second"
    assert_same_tree "a second run" "$scratch/first" "$scratch/second"
    expect 0 deregister "$root" never/1.0 --all --json
    assert_equal "JSON" "1 deregister never 1.0 absent" \
        "$(jq -r '"\(.format) \(.event) \(.module) \(.driver_version) \(.status)"' <<<"$out")"
    run dkms_in "$root" remove never/1.0 --all
    assert_contains "dkms calls it an error" "not located in the DKMS tree" "$out$err"
}

# The package with the source was purged; dkms can't read dkms.conf any more and does nothing.
test_dangling_source() {
    prepare "$KERNEL" "$packed"
    mv "$root/usr/src/prebuilt-1.0" "$scratch/source"
    fork_for_dkms
    run dkms_in "$theirs" remove "$package" --all
    assert_exists "$theirs/var/lib/dkms/prebuilt/1.0"
    assert_exists "$theirs/$updates/prebuilt_a.ko"
    expect 0 deregister "$root" "$package" --all
    assert_contains "telemetry" "status=removed kernels=2 files=4" "$out"
    mv "$scratch/source" "$root/usr/src/prebuilt-1.0"
    as_before
}

# Fedora's dkms puts the kernel's own modules aside. rpm knows the kernel package's folder.
test_original_modules() {
    local own=lib/modules/$KERNEL/kernel/drivers/net
    root=$(overlay_over "$start" ours)
    rm -r "$root/etc/os-release" "$root/usr/src/prebuilt-1.0"
    printf 'ID=fedora\n' >"$root/etc/os-release"
    # shellcheck disable=SC2016  # for the script that is written
    printf '#!/bin/sh\n[ "$1 $2" = "-qf extra" ]\n' >"$root/usr/bin/rpm"
    chmod +x "$root/usr/bin/rpm"
    mkdir "$root/lib/modules/$KERNEL/extra"
    location=/kernel/drivers/net prebuilt_source "$root" prebuilt 1.0 dummy veth prebuilt_a
    before=$scratch/before
    dkms_places "$root" >"$before"
    dkms_installed "$root" "$package" "$KERNEL"
    assert_exists "$root/var/lib/dkms/prebuilt/original_module/$KERNEL/x86_64/veth.ko"
    assert_exists "$root/lib/modules/$KERNEL/extra/veth.ko"
    assert_absent "$root/$own/veth.ko"
    same_as_dkms --all
    assert_contains "telemetry" "files=3 foreign=0" "$out"
    assert_exists "$root/$own/veth.ko"
    as_before
}

# weak-modules' links (the tool is the distribution's, here they are made as it makes them).
test_weak_updates() {
    prepare "$KERNEL"
    mkdir "$root/lib/modules/$second/weak-updates"
    ln -s "/$updates/prebuilt_a.ko" "$root/lib/modules/$second/weak-updates/"
    run_in "$root" depmod "$second"
    grep -q weak-updates "$root/lib/modules/$second/modules.dep" || fail "the link is not indexed"
    expect 0 deregister "$root" "$package" --all
    assert_contains "telemetry" "kernels=1 files=3" "$out"
    as_before
}

test_installed_as_links() {
    root=$(overlay_over "$start" ours)
    echo 'symlink_modules="yes"' >>"$root/etc/dkms/framework.conf"
    dkms_installed "$root" "$package" "$KERNEL"
    [[ -L $root/$updates/prebuilt_a.ko ]] || fail "dkms has installed no link"
    same_as_dkms --all
    as_before
}

# Whatever is not what DKMS built stays; dkms deletes by name.
test_files_of_others() {
    prepare "$KERNEL"
    cp "$root/$updates/prebuilt_a.ko" "$root/$updates/prebuilt_a.ko.customer-backup"
    cp --remove-destination "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" \
        "$root/$updates/prebuilt-b.ko"
    run_in "$root" depmod "$KERNEL"
    fork_for_dkms
    run dkms_in "$theirs" remove "$package" --all
    assert_absent "$theirs/$updates/prebuilt_a.ko.customer-backup"
    expect 0 deregister "$root" "$package" --all
    assert_contains "telemetry" "status=removed kernels=1 files=1 foreign=1" "$out"
    assert_exists "$root/$updates/prebuilt_a.ko.customer-backup"
    assert_exists "$root/$updates/prebuilt-b.ko"
    assert_absent "$root/$updates/prebuilt_a.ko"
    run modprobe -d "$root" -S "$KERNEL" -n prebuilt-b
    assert_equal "the customer's is still found" 0 "$status"
}

# Of equal bytes the one where dkms put it is dkms'; the others somebody copied.
test_copies_by_others() {
    prepare "$KERNEL"
    mkdir "$root/lib/modules/$KERNEL/"{extra,updates/customer}
    cp "$root/$updates/prebuilt_a.ko" "$root/lib/modules/$KERNEL/extra/"
    cp "$root/$updates/prebuilt_a.ko" "$root/lib/modules/$KERNEL/updates/customer/"
    same_as_dkms --all
    assert_contains "telemetry" "files=2 foreign=2" "$out"
    assert_exists "$root/lib/modules/$KERNEL/extra/prebuilt_a.ko"
    assert_exists "$root/lib/modules/$KERNEL/updates/customer/prebuilt_a.ko"
}

# What is built but not installed has no file there: the one of its name and bytes is another
# package's.
test_built_beside_another_package() {
    root=$(overlay_over "$start" ours)
    prebuilt_source "$root" rival 1.0 prebuilt_a
    dkms_installed "$root" rival/1.0 "$KERNEL"
    dkms_in "$root" add "$package" >&2
    dkms_in "$root" build "$package" -k "$KERNEL" >&2
    cmp "$root/var/lib/dkms/prebuilt/1.0/$KERNEL/x86_64/module/prebuilt_a.ko" \
        "$root/$updates/prebuilt_a.ko"
    same_as_dkms --all
    assert_contains "telemetry" "files=0 foreign=0" "$out"
    assert_equal "the other package" "rival/1.0, $KERNEL, x86_64: installed" \
        "$(dkms_in "$root" status rival)"
}

# What a link in the tree leads to is not what dkms built.
test_a_planted_link() {
    local net=lib/modules/$KERNEL/kernel/drivers/net before
    prepare "$KERNEL"
    before=$(ls "$root/$net")
    rm -r "$root/var/lib/dkms/prebuilt/1.0/$KERNEL/x86_64/module"
    ln -s "/$net" "$root/var/lib/dkms/prebuilt/1.0/$KERNEL/x86_64/module"
    expect 0 deregister "$root" "$package" --all
    assert_equal "the kernel's own modules" "$before" "$(ls "$root/$net")"
}

# Without a bake there is no state folder to lock: DKMS' own serves. Both end well, one after the
# other, and the index is whole.
test_two_at_once() {
    local round one two lines
    for round in 1 2 3 4; do
        root=$(overlay_over "$start" "ours$round")
        prebuilt_registered "$root" "$package" "$KERNEL" "$second"
        lines=$(wc -l <"$root/lib/modules/$KERNEL/modules.dep")
        one=0 two=0
        deregister "$root" "$package" --all >"$scratch/one" 2>&1 &
        sleep "0.0$((round * 2))"
        deregister "$root" "$package" --all >"$scratch/two" 2>&1 || two=$?
        wait $! || one=$?
        assert_equal "statuses of $(<"$scratch/one") and $(<"$scratch/two")" "0 0" "$one $two"
        assert_equal "lines of the index" $((lines - 2)) \
            "$(wc -l <"$root/lib/modules/$KERNEL/modules.dep")"
    done
    mkdir "$root/var/lib/dkms/held"
    exec {held}<"$root/var/lib/dkms"
    flock "$held"
    run timeout -s INT 1 "$prebake_node" deregister --root "$root" "$package" --all
    assert_equal "waiting for the lock" 124 "$status"
    exec {held}<&-
}

# The signal that ends it comes when the files go: the index does not name them afterwards.
test_a_signal_between_files_and_index() {
    prepare "$KERNEL"
    run strace -f -qq -o /dev/null -e trace=unlinkat -e inject=unlinkat:signal=SIGTERM:when=1 \
        "$prebake_node" deregister --root "$root" "$package" --all
    [[ $status == 0 || $status == 143 ]] || fail "it ends with $status: $err"
    assert_absent "$root/$updates/prebuilt_a.ko"
    run modprobe -d "$root" -S "$KERNEL" -n prebuilt_a
    assert_equal "modprobe finds it" 1 "$status"
    expect 0 deregister "$root" "$package" --all
    as_before
}

# A file that does not go: nothing is forgotten, the index is right, a second run ends it.
test_incomplete() {
    prepare "$KERNEL" "$second"
    mount --bind "$root/$updates/prebuilt_a.ko" "$root/$updates/prebuilt_a.ko"
    expect 3 deregister "$root" "$package" --all
    assert_contains "telemetry" "status=incomplete" "$out"
    assert_contains "the file is named" "prebuilt_a.ko" "$err"
    assert_exists "$root/var/lib/dkms/prebuilt/kernel-$KERNEL-x86_64"
    run modprobe -d "$root" -S "$second" -n prebuilt_a
    assert_equal "modprobe finds it" 1 "$status"
    umount "$root/$updates/prebuilt_a.ko"
    expect 0 deregister "$root" "$package" --all
    assert_contains "telemetry" "status=removed" "$out"
    as_before
}

test_usage() {
    local words
    prepare "$KERNEL"
    dkms_places "$root" >"$scratch/before"
    for words in "" prebuilt "$package $other" "$package --all -k $KERNEL" "$package -k"; do
        # shellcheck disable=SC2086  # several words
        expect_refusal 2 "prebake-node: " deregister "$root" $words
    done
    for words in "../prebuilt/1.0" "prebuilt/../1.0" "prebuilt/" "/1.0" "prebuilt/1.0/x" \
        "$package -k ../$KERNEL"; do
        # shellcheck disable=SC2086  # several words
        expect_refusal 4 "prebake-node: " deregister "$root" $words
    done
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "nothing is changed" "$scratch/before" "$scratch/after"
}

# --- beside and after a bake

test_own_bake_is_refused() {
    root=$(overlay_over "$start" ours)
    bake_small "$root" 1.0
    expect_refusal_unchanged "$root" 4 "prebake-node teardown" \
        deregister "$root" "$small_name/1.0" --all
    dkms_installed "$root" "$package" "$KERNEL"
    expect 0 deregister "$root" "$package" --all
    expect 0 teardown "$root"
    as_before
}

# The next kernel's headers arrive, and dkms builds the bake's registration for it: a compile.
test_derived_builds_go_with_the_teardown() {
    root=$(overlay_over "$start" ours)
    bake_small "$root" 1.0
    expect 0 dkms_in "$root" autoinstall -k "$second"
    assert_contains "dkms status" "$small_name/1.0, $second, x86_64: installed" \
        "$(dkms_in "$root" status)"
    mkdir "$root/var/lib/dkms/$small_name/1.0/build"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "foreign=0" "$out"
    assert_absent "$root/var/lib/dkms/$small_name"
    assert_absent "$root/lib/modules/$second/updates/dkms/prebake-small-core.ko"
    as_before
}

before=$scratch_base/before
start=$(overlay_root dkms start)
make_start
run_tests "$@"

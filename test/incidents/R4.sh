#!/bin/bash
# R4 (aks-gpu 162): a script read the version out of `dkms status`, whose lines have several forms,
# and took "570.86.15: added" for one. Ours never reads that output: it reads the tree, in every form
# that dkms leaves it.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

package=nvidia/570.86.15
second=6.99.0-second

# A root with the source, which dkms does not know yet.
make_root() {
    root=$(overlay_root dkms)
    prebuilt_source "$root" nvidia 570.86.15 nvidia nvidia-uvm
    fake_kernel "$root" "$second"
    dkms_places "$root" >"$scratch/before"
}

# The incident's parser: what is between the slash and the comma.
parsed() { dkms_in "$root" status nvidia | head -n 1 | cut -d/ -f2 | cut -d, -f1; }

test_r4_the_output_is_misread() {
    make_root
    dkms_in "$root" add "$package"
    assert_equal "of a module that is only added" "570.86.15: added" "$(parsed)"
    dkms_in "$root" install "$package" -k "$KERNEL"
    assert_equal "of one that is installed" "570.86.15" "$(parsed)"
}

# dkms says $1; ours finds it with $2 kernels and removes it, and nothing is left.
understood() {
    local says=$1 kernels=$2
    assert_equal "dkms says" "$says" "$(dkms_in "$root" status 2>&1)"
    expect 0 deregister "$root" "$package" --all
    assert_contains "ours says" "driver_version=570.86.15 status=removed kernels=$kernels " "$out"
    assert_equal "dkms says afterwards" "" "$(dkms_in "$root" status 2>&1)"
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "as before (<) it was added" "$scratch/before" "$scratch/after"
}

test_r4_added() {
    make_root
    dkms_in "$root" add "$package"
    understood "$package: added" 0
}

test_r4_built() {
    make_root
    dkms_in "$root" add "$package"
    dkms_in "$root" build "$package" -k "$KERNEL"
    understood "$package, $KERNEL, x86_64: built" 1
}

test_r4_installed() {
    make_root
    dkms_installed "$root" "$package" "$KERNEL"
    understood "$package, $KERNEL, x86_64: installed" 1
}

test_r4_installed_and_built() {
    make_root
    dkms_installed "$root" "$package" "$KERNEL"
    dkms_in "$root" build "$package" -k "$second"
    understood "$package, $KERNEL, x86_64: installed
$package, $second, x86_64: built" 2
}

# The kernel had a module of that name, which dkms of other distributions puts aside. dkms 3.0 does
# not note where it was, but it is there again.
test_r4_original_module() {
    local original=$scratch/original.ko found
    make_root
    sed -i 's/^ID=.*/ID=fedora/' "$root/usr/lib/os-release"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" "$original"
    cp "$original" "$root/lib/modules/$KERNEL/kernel/drivers/net/nvidia.ko"
    dkms_installed "$root" "$package" "$KERNEL"
    assert_absent "$root/lib/modules/$KERNEL/kernel/drivers/net/nvidia.ko"
    assert_equal "dkms says" "$package, $KERNEL, x86_64: installed (original_module exists)" \
        "$(dkms_in "$root" status)"
    expect 0 deregister "$root" "$package" --all
    assert_contains "ours says" "status=removed kernels=1 " "$out"
    assert_equal "dkms says afterwards" "" "$(dkms_in "$root" status)"
    expect 0 run_in "$root" modprobe -S "$KERNEL" --show-depends nvidia
    read -r _ found _ <<<"$out"
    cmp "$original" "$root/$found" || fail "the original is not back: $out"
}

# What is installed is not what was built: a customer's file, which stays.
test_r4_difference() {
    make_root
    dkms_installed "$root" "$package" "$KERNEL"
    echo customer >"$root/lib/modules/$KERNEL/updates/dkms/nvidia-uvm.ko"
    assert_contains "dkms says" "$package, $KERNEL, x86_64: installed (WARNING! Diff between" \
        "$(dkms_in "$root" status 2>&1)"
    expect 0 deregister "$root" "$package" --all
    assert_contains "ours says" "status=removed kernels=1 files=1 foreign=1 " "$out"
    assert_equal "dkms says afterwards" "" "$(dkms_in "$root" status 2>&1)"
    assert_equal "it stays" customer "$(<"$root/lib/modules/$KERNEL/updates/dkms/nvidia-uvm.ko")"
}

# The source is gone: dkms 3.0 has no line for it at all, newer ones call it broken.
test_r4_broken() {
    make_root
    dkms_installed "$root" "$package" "$KERNEL"
    rm -r "$root/usr/src/nvidia-570.86.15"
    run dkms_in "$root" remove "$package" --all
    assert_exists "$root/var/lib/dkms/nvidia/570.86.15"
    expect 0 deregister "$root" "$package" --all
    assert_contains "ours says" "status=removed kernels=1 files=2 foreign=0 " "$out"
    assert_absent "$root/var/lib/dkms/nvidia"
}

# dkms 2 left its build folder and a version of its data base; dkms 3.1 and later put a
# Module.symvers beside the modules.
test_r4_old_and_new_trees() {
    make_root
    dkms_installed "$root" "$package" "$KERNEL"
    echo 2.0.0 >"$root/var/lib/dkms/dkms_dbversion"
    mkdir "$root/var/lib/dkms/nvidia/570.86.15/build"
    cp "$root/usr/src/nvidia-570.86.15/dkms.conf" "$root/var/lib/dkms/nvidia/570.86.15/build/"
    rm "$root/var/lib/dkms/nvidia/570.86.15/$KERNEL/x86_64/log/.config"
    expect 0 deregister "$root" "$package" --all
    assert_contains "of dkms 2" "status=removed kernels=1 files=2 foreign=0 " "$out"
    assert_absent "$root/var/lib/dkms/nvidia"
    assert_exists "$root/var/lib/dkms/dkms_dbversion"

    dkms_installed "$root" "$package" "$KERNEL"
    : >"$root/var/lib/dkms/nvidia/570.86.15/$KERNEL/x86_64/module/Module.symvers"
    expect 0 deregister "$root" "$package" --all
    assert_contains "of dkms 3.1" "status=removed kernels=1 files=2 foreign=0 " "$out"
    assert_absent "$root/var/lib/dkms/nvidia"
}

# A bake over a source that a package added: registered until the teardown, added again after it.
test_r4_bake_over_added() {
    root=$(overlay_root dkms)
    small_source 1.0 "$scratch/small-1.0"
    cp -r "$scratch/small-1.0" "$root/usr/src/$small_name-1.0"
    dkms_in "$root" add "$small_name/1.0"
    bake_small "$root" 1.0
    assert_equal "baked" "$small_name/1.0, $KERNEL, x86_64: installed" "$(dkms_in "$root" status)"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned dkms_before=true " "$out"
    assert_contains "telemetry" "dkms_after=false" "$out"
    assert_equal "torn down" "$small_name/1.0: added" "$(dkms_in "$root" status)"
}

# The programs that run meanwhile: none of them is dkms.
test_r4_dkms_is_never_asked() {
    local verb
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    for verb in status teardown "deregister $package"; do
        # shellcheck disable=SC2086  # a verb and its argument
        strace -f -e trace=execve -o "$scratch/programs" "$prebake_node" $verb --root "$root"
        ! grep -q 'execve(.*dkms.* = 0$' "$scratch/programs" || fail "$verb runs dkms"
        grep -q 'execve(.*prebake-node' "$scratch/programs" || fail "nothing was traced"
    done
}

run_tests "$@"

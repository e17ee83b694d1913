#!/bin/bash
# Law 2: what an active bake registers, the real dkms takes for its own work: it says plain
# "installed", uninstalls, removes and rebuilds it; and the tree is what dkms itself leaves.
# The real dkms runs in a chroot of the root. It often exits 0 after an error, so what it prints
# counts.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

modules=lib/modules/$KERNEL
nvidia=$open_name/$NVIDIA_VERSION
small=$small_name/1.0

dkms() { in_root "$1" dkms "${@:2}"; }

assert_dkms_status() {
    local root=$1 expected=$2
    run dkms "$root" status
    assert_equal "dkms status: stderr" "" "$err"
    assert_equal "dkms status" "$expected" "$out"
}

installed() { printf '%s, %s, x86_64: installed' "$1" "$KERNEL"; }

# Every path that a bake or dkms places, but the signing key that dkms makes (mok.*).
placed_paths() {
    (cd "$1" && find var/lib/dkms usr/src lib/modules/ ! -path '*/kernel/*' ! -name 'mok.*' \
        -printf '%p type=%y mode=%m owner=%U:%G target=%l\n' | sort)
}

# A module's code: the ELF without its build id; objcopy leaves an appended signature behind.
module_code() {
    local file=$1 plain=$scratch/code.ko
    objcopy --remove-section .note.gnu.build-id "$file" "$plain"
    sha256sum <"$plain"
}

assert_same_module_code() {
    local ours=$1 theirs=$2 file
    for file in "$theirs/$modules/updates/dkms"/*.ko; do
        assert_equal "code of ${file##*/}" "$(module_code "$file")" \
            "$(module_code "$ours/$modules/updates/dkms/${file##*/}")"
    done
}

# The text files of the index; their lines are in the order of the directory.
index_text() {
    local name
    for name in dep alias softdep symbols devname; do
        sort "$1/$modules/modules.$name" | sed "s/^/$name: /"
    done
}

# Contents beside modules: the source, .config; make.log's text tells of two builds.
placed_contents() {
    (cd "$1" && find var/lib/dkms "usr/src/$2" -type f ! -name '*.ko' ! -name make.log \
        ! -name 'mok.*' -exec sha256sum {} + | sort -k 2)
}

assert_same_registration() {
    local ours=$1 theirs=$2 package=$3 look
    for look in placed_paths placed_contents index_text; do
        "$look" "$ours" "${package/\//-}" >"$scratch/ours.$look"
        "$look" "$theirs" "${package/\//-}" >"$scratch/theirs.$look"
        assert_same_tree "$look: prebake's (<) and dkms' (>)" "$scratch"/{ours,theirs}."$look"
    done
    assert_same_module_code "$ours" "$theirs"
}

# dkms add, build, install of the source in $2 (as /usr/src/NAME-VERSION in the root).
dkms_installs() {
    local root=$1 package=$2
    expect 0 dkms "$root" add "$package"
    expect 0 dkms "$root" build "$package" -k "$KERNEL"
    expect 0 dkms "$root" install "$package" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$package")"
}

small_into_usr_src() { small_source 1.0 "$1/usr/src/$small_name-1.0"; }

activate_again() {
    expect 0 "$prebake_node" park --root "$1"
    assert_dkms_status "$1" ""
    expect 0 "$prebake_node" activate --root "$1"
}

# The one real compile by dkms: NVIDIA's modules.
test_nvidia_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" |
        tar -x -C "$theirs" --keep-directory-symlink ./usr/src
    dkms_installs "$theirs" "$nvidia"
    bake_nvidia "$ours"
    assert_dkms_status "$ours" "$(installed "$nvidia")"
    assert_same_registration "$ours" "$theirs" "$nvidia"
    activate_again "$ours"
    assert_dkms_status "$ours" "$(installed "$nvidia")"
    assert_same_registration "$ours" "$theirs" "$nvidia"
}

# All five modules leave and come back, by dkms alone.
test_nvidia_uninstall_install_remove() {
    local root
    root=$(overlay_root dkms)
    bake_nvidia "$root"
    run dkms "$root" uninstall "$nvidia" -k "$KERNEL"
    assert_dkms_status "$root" "$nvidia, $KERNEL, x86_64: built"
    assert_absent "$root/$modules/updates/dkms/$open_name.ko"
    run dkms "$root" install "$nvidia" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$nvidia")"
    assert_equal "modules are back" 5 "$(find "$root/$modules/updates/dkms" -name '*.ko' | wc -l)"
    run dkms "$root" remove "$nvidia" --all
    assert_dkms_status "$root" ""
    assert_absent "$root/var/lib/dkms/$open_name"
    assert_absent "$root/$modules/updates/dkms/$open_name.ko"
}

test_small_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    small_into_usr_src "$theirs"
    dkms_installs "$theirs" "$small"
    bake_small "$ours" 1.0
    assert_dkms_status "$ours" "$(installed "$small")"
    assert_same_registration "$ours" "$theirs" "$small"
}

# Baked as parked and activated on the node: for dkms it is as its own work, too.
test_activated_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    small_into_usr_src "$theirs"
    dkms_installs "$theirs" "$small"
    bake_small "$ours" 1.0 --layout parked
    assert_dkms_status "$ours" ""
    expect 0 "$prebake_node" activate --root "$ours"
    assert_dkms_status "$ours" "$(installed "$small")"
    assert_same_registration "$ours" "$theirs" "$small"
    activate_again "$ours"
    assert_same_registration "$ours" "$theirs" "$small"

    run dkms "$ours" uninstall "$small" -k "$KERNEL"
    assert_dkms_status "$ours" "$small, $KERNEL, x86_64: built"
    assert_absent "$ours/$modules/updates/dkms/prebake-small-core.ko"
    run dkms "$ours" install "$small" -k "$KERNEL"
    assert_dkms_status "$ours" "$(installed "$small")"
    run dkms "$ours" remove "$small" --all
    assert_dkms_status "$ours" ""
    expect 0 teardown "$ours"
    assert_absent "$ours/usr/src/$small_name-1.0"
}

# Every path of the root with its mode, owner, attributes, links and content; when it was made apart,
# the records of a run, and what ldconfig noted of inodes.
whole_root() {
    snapshot "$1" | grep -v '^/var/cache/ldconfig/aux-cache ' | sed -E '/^\/var\/lib\/prebake\/[^/ ]* /s, size=.*,,
        /^\/var\/lib\/prebake\/store\/index\/.*\/tree /s, size=.*,,; s, mtime=[^ ]*,,'
}

# And as the bake that was active from the first, with programs, libraries, privileges and the loader's
# cache.
test_activated_is_as_baked_active() {
    local root layout
    userspace_make "$scratch/userspace"
    for layout in active parked; do
        root=$(overlay_root dkms "layers-$layout")
        ldconfig -X -r "$root"
        bake_small "$root" "$NVIDIA_VERSION" --layout "$layout" --userspace "$scratch/userspace" \
            --compat-marker /opt/marker
        [[ $layout == active ]] || expect 0 "$prebake_node" activate --root "$root"
        whole_root "$root" >"$scratch/$layout"
        assert_dkms_status "$root" "$(installed "$small_name/$NVIDIA_VERSION")"
        assert_equal "what the loader finds" "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1" \
            "$(in_root "$root" ldconfig -p | sed -n 's/.*libnvidia-ml.so.1 .* => //p' |
                sed 's,^/lib/,/usr/lib/,')"
        assert_exists "$root/opt/marker"
    done
    assert_same_tree "baked active (<), and baked parked and activated (>)" "$scratch"/{active,parked}
}

# From the registration alone: dkms finds the source by its link and compiles it anew.
test_small_removed_and_rebuilt() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    run dkms "$root" remove "$small" -k "$KERNEL"
    assert_not_contains "dkms status" installed "$(dkms "$root" status)"
    assert_absent "$root/$modules/updates/dkms/prebake-small-core.ko"
    run dkms "$root" remove "$small" --all
    expect 0 dkms "$root" install "$small" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$small")"
    assert_exists "$root/$modules/updates/dkms/prebake-small-core.ko"
    assert_exists "$root/$modules/updates/dkms/prebake-small-user.ko"
}

# At boot and at a kernel's installation dkms builds what is not installed: here, nothing.
test_autoinstall_has_nothing_to_do() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    snapshot "$root/var/lib/dkms" >"$scratch/before"
    run dkms "$root" autoinstall -k "$KERNEL"
    assert_not_contains "autoinstall" "Building" "$out$err"
    assert_dkms_status "$root" "$(installed "$small")"
    snapshot "$root/var/lib/dkms" >"$scratch/after"
    assert_same_tree "autoinstall" "$scratch/before" "$scratch/after"
}

# What dkms removed is no residue of ours.
test_teardown_after_dkms_removed_it() {
    local root
    root=$(overlay_root dkms)
    bake_small "$root" 1.0
    run dkms "$root" remove "$small" --all
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_absent "$root/var/lib/prebake"
    assert_absent "$root/usr/src/$small_name-1.0"
    assert_dkms_status "$root" ""
}

run_tests "$@"

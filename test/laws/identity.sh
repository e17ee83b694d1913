#!/bin/bash
# Law 1: bake, then teardown, leaves the root as it was: every path, type, mode, owner, attribute,
# hard link, link target, content and file time. So do park and activate, one after the other, and a
# parked root is the unbaked one but for prebake's own folder. On a clean root and on roots that others left in
# every state that is met in the field. Roots where inodes and hard links matter are whole copies, the
# others layers over one.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

modules=lib/modules/$KERNEL

# Without prebake's own folder.
outside() { snapshot "$1" | grep -v '^/var/lib/prebake[/ ]'; }

# Parked it is as in the file $2, and activated as in the file $3. Parked again it is torn down, which
# would not bring back what was there if it were another then.
layouts_hold() {
    local root=$1 unbaked=$2 active=$3
    expect 0 "$prebake_node" park --root "$root"
    outside "$root" >"$scratch/parked"
    assert_same_tree "parked" "$unbaked" "$scratch/parked"
    assert_equal "privileged files in the store" "" "$(find "$root/var/lib/prebake" -perm /6000)"
    expect 0 "$prebake_node" activate --root "$root"
    outside "$root" >"$scratch/activated"
    assert_same_tree "activated again" "$active" "$scratch/activated"
    expect 0 "$prebake_node" park --root "$root"
}

# The law, for the root as it is now; further arguments go to the bake.
identity_holds() {
    local root=$1
    shift
    snapshot "$root" >"$scratch/before"
    bake_nvidia "$root" "$@"
    snapshot "$root" >"$scratch/baked"
    assert_different_tree "the bake" "$scratch/before" "$scratch/baked"
    assert_exists "$root/var/lib/prebake/marker"
    assert_exists "$root/$modules/updates/dkms/$open_name.ko"
    grep -v '^/var/lib/prebake[/ ]' "$scratch/baked" >"$scratch/active"
    layouts_hold "$root" "$scratch/before" "$scratch/active"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# A driver that a node's owner installed, as a module of the real kernel under another name.
put_foreign_driver() {
    local root=$1
    mkdir -p "$root/$modules/updates/dkms"
    cp "$root/$modules/kernel/drivers/net/dummy.ko" "$root/$modules/updates/dkms/nvidia.ko"
    cp "$root/$modules/kernel/drivers/net/veth.ko" "$root/$modules/updates/dkms/nvidia-fs.ko"
}

# What the real dkms leaves behind for module $2 of someone else, in version $3.
put_dkms_module() {
    local root=$1 name=$2 version=$3 tree
    tree=$root/var/lib/dkms/$name
    mkdir -p "$tree/$version/$KERNEL/x86_64"/{module,log} "$root/usr/src/$name-$version"
    printf 'PACKAGE_NAME=%s\nPACKAGE_VERSION=%s\n' "$name" "$version" \
        >"$root/usr/src/$name-$version/dkms.conf"
    ln -s "/usr/src/$name-$version" "$tree/$version/source"
    cp "$root/$modules/kernel/drivers/net/dummy.ko" "$tree/$version/$KERNEL/x86_64/module/$name.ko"
    echo 'make: done' >"$tree/$version/$KERNEL/x86_64/log/make.log"
    ln -s "$version/$KERNEL/x86_64" "$tree/kernel-$KERNEL-x86_64"
    mkdir -p "$root/$modules/updates/dkms"
    cp "$tree/$version/$KERNEL/x86_64/module/$name.ko" "$root/$modules/updates/dkms/$name.ko"
    depmod -b "$root" "$KERNEL"
}

# The source as a package put it in /usr/src, before anyone baked.
put_packaged_source() {
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" |
        tar -x -C "$1" --keep-directory-symlink ./usr/src
}

# Torn down when it was activated once more.
test_activated_again() {
    local root
    root=$(overlay_root node)
    snapshot "$root" >"$scratch/before"
    bake_small "$root" 1.0
    outside "$root" >"$scratch/active"
    layouts_hold "$root" "$scratch/before" "$scratch/active"
    expect 0 "$prebake_node" activate --root "$root"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# Baked as parked is baked and then parked, the store included; records differ in times and inodes.
test_baked_parked() {
    local root
    for layout in parked active; do
        root=$(overlay_root node "layers-$layout")
        bake_small "$root" 1.0 --layout "$layout"
        expect 0 "$prebake_node" park --root "$root"
        # What is made anew has another time; the records and the program are those of the run.
        snapshot "$root" | sed -E '/^\/var\/lib\/prebake\/[^/ ]* /s, size=.*,,
            /^\/var\/lib\/prebake\/store\/index\/.*\/tree /s, size=.*,,
            s, mtime=[^ ]*,,' >"$scratch/$layout"
    done
    assert_same_tree "--layout parked" "$scratch/active" "$scratch/parked"
}

# Twice round: the second bake starts from what the first teardown left.
test_clean_root() {
    local root
    root=$(fresh_root node)
    identity_holds "$root"
    identity_holds "$root"
}

# As in the layers of an image builder: what the bake touches moves to an upper layer.
test_overlay_root() {
    identity_holds "$(overlay_root node)"
}

# A module was removed and another added since depmod ran.
test_stale_index() {
    local root
    root=$(overlay_root node)
    put_foreign_driver "$root"
    rm "$root/$modules/kernel/drivers/net/dummy.ko"
    identity_holds "$root"
}

test_no_index() {
    local root
    root=$(fresh_root node)
    find "$root/$modules" -maxdepth 1 -name 'modules.*' ! -name 'modules.order' \
        ! -name 'modules.builtin' ! -name 'modules.builtin.modinfo' -delete
    identity_holds "$root"
}

test_half_an_index() {
    local root
    root=$(overlay_root node)
    rm "$root/$modules"/modules.{dep.bin,alias,softdep}
    : >"$root/$modules/modules.symbols"
    identity_holds "$root"
}

# One of its files has a second name, one is a link, one belongs to someone else.
test_unusual_index_files() {
    local root
    root=$(fresh_root node)
    ln "$root/$modules/modules.dep" "$root/$modules/modules.dep.kept"
    mv "$root/$modules/modules.alias" "$root/$modules/modules.alias.real"
    ln -s modules.alias.real "$root/$modules/modules.alias"
    chown 7:8 "$root/$modules/modules.symbols"
    setfattr -n user.note -v kept "$root/$modules/modules.symbols"
    identity_holds "$root"
}

test_empty_dkms_tree() {
    local root
    root=$(overlay_root node)
    mkdir -p "$root/var/lib/dkms"
    echo 3.0.0 >"$root/var/lib/dkms/dkms_dbversion"
    identity_holds "$root"
}

test_other_driver_in_updates() {
    local root
    root=$(overlay_root node)
    put_foreign_driver "$root"
    depmod -b "$root" "$KERNEL"
    identity_holds "$root"
}

test_other_dkms_module() {
    local root
    root=$(fresh_root node)
    put_dkms_module "$root" other-driver 1.2
    identity_holds "$root"
}

# Only added, not built: dkms status says "added" before and after.
test_other_version_added() {
    local root tree
    root=$(overlay_root node)
    tree=$root/var/lib/dkms/$open_name/525.60
    mkdir -p "$tree" "$root/usr/src/$open_name-525.60"
    ln -s "/usr/src/$open_name-525.60" "$tree/source"
    identity_holds "$root"
}

test_source_from_a_package() {
    local root
    root=$(overlay_root node)
    put_packaged_source "$root"
    identity_holds "$root"
}

test_source_from_a_package_added() {
    local root
    root=$(overlay_root node)
    put_packaged_source "$root"
    mkdir -p "$root/var/lib/dkms/$open_name/$NVIDIA_VERSION"
    ln -s "/usr/src/$open_name-$NVIDIA_VERSION" \
        "$root/var/lib/dkms/$open_name/$NVIDIA_VERSION/source"
    identity_holds "$root"
}

test_odd_modes_and_attributes() {
    local root
    root=$(fresh_root node)
    mkdir -p "$root/$modules/updates" "$root/var/lib/dkms"
    chmod 0700 "$root/$modules/updates" "$root/usr/src"
    chmod 0750 "$root/$modules" "$root/var/lib/dkms"
    chmod 0600 "$root/$modules"/modules.{dep,alias.bin}
    chown 0:7 "$root/$modules/updates"
    setfattr -n user.note -v kept "$root/$modules/updates" "$root/$modules"
    identity_holds "$root"
}

# Nothing depends on the umask of who runs it: the placed files are the same under any.
under_umask() {
    local root
    root=$(overlay_root node "layers-$1")
    (
        umask "$1"
        identity_holds "$root"
    )
    sed '/prebake/d; s/ mtime=[^ ]*//' "$scratch/baked" >"$scratch/baked-$1"
}

test_umask_077_and_000() {
    under_umask 077
    under_umask 000
    under_umask 022
    assert_same_tree "baked under umask 077" "$scratch/baked-022" "$scratch/baked-077"
    assert_same_tree "baked under umask 000" "$scratch/baked-022" "$scratch/baked-000"
}

# A root from before the usr merge: /lib is a directory.
test_unmerged_root() {
    local root
    root=$(overlay_root node)
    rm "$root/lib"
    mkdir "$root/lib"
    mv "$root/usr/lib/modules" "$root/lib/modules"
    (cd "$root/lib" && for entry in ../usr/lib/*; do ln -s "$entry" .; done)
    identity_holds "$root"
}

# Setuid, capabilities, hard links, folders that were and were not there, the loader's cache; then
# without such a cache before.
test_userspace() {
    local root
    root=$(fresh_root node)
    userspace_make "$scratch/userspace"
    ldconfig -X -r "$root"
    identity_holds "$root" --userspace "$scratch/userspace"
    rm -r "$root/etc/ld.so.cache" "$root/var/cache/ldconfig"
    identity_holds "$root" --userspace "$scratch/userspace"
}

test_two_kernels() {
    local root
    root=$(overlay_root node)
    mkdir "$root/lib/modules/6.99.0-fake"
    cp -a "$root/$modules/kernel" "$root/lib/modules/6.99.0-fake/kernel"
    depmod -b "$root" 6.99.0-fake
    identity_holds "$root"
}

test_signed_and_compressed() {
    local root
    root=$(overlay_root node)
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=prebake-test -days 2 \
        -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
    snapshot "$root" >"$scratch/before"
    bake_nvidia "$root" --sign-key "$scratch/key.pem" --sign-cert "$scratch/cert.pem" --compress xz
    assert_exists "$root/$modules/updates/dkms/$open_name.ko.xz"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

test_baked_twice() {
    local root
    root=$(overlay_root node)
    snapshot "$root" >"$scratch/before"
    bake_nvidia "$root"
    bake_nvidia "$root"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# A git checkout under umask 002, as many are: what the bake places in /usr/src is root's alone.
test_source_writable_by_its_group() {
    local root
    root=$(overlay_root node)
    small_source 1.0 "$scratch/small-1.0"
    chmod -R g+w "$scratch/small-1.0"
    snapshot "$root" >"$scratch/before"
    expect 0 bake_small "$root" 1.0
    assert_equal "writable by others" "" "$(find "$root/usr/src/$small_name-1.0" -perm /022)"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

test_small_modules() {
    local root
    root=$(overlay_root node)
    snapshot "$root" >"$scratch/before"
    bake_small "$root" 1.0
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

nvidia_unpack
run_tests "$@"

# shellcheck shell=bash
# Roots with a bake whose image goes on being built, and what their index should be afterwards. Read
# after world.sh and small-root.sh.

# Makes, once for all tests of a file, the tree $start and the bundle that is baked into its copies.
sealing_begin() {
    start=$scratch_base/start
    bundles=$scratch_base/bundles
    small_root "$start"
    small_source 1.0 "$scratch_base/small-1.0"
    small_bundle "$start" "$bundles" "$scratch_base/small-1.0"
}

# A copy of the tree, as $root.
start_root() {
    root=$scratch/root
    cp -a "$start" "$root"
}

bake_root() {
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$bundles"
}

seal() { "$prebake" seal --root "$root" "$@"; }

# One more kernel $1: a copy of the real one's own modules.
add_kernel() {
    local modules=$root/lib/modules/$1
    mkdir -p "$modules"
    cp -a "$start/lib/modules/$KERNEL"/{kernel,modules.{order,builtin{,.modinfo}}} "$modules/"
    (umask 022 && depmod -b "$root" "$1")
}

# A module of the real kernel, under the name $2 below the folder of kernel $1.
add_module() {
    mkdir -p "$(dirname "$root/lib/modules/$1/$2")"
    cp "$start/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$root/lib/modules/$1/$2"
}

# As `dkms autoinstall` does for kernel $1 with the bake's registration: built, and installed.
derive_build() {
    local tree=$root/var/lib/dkms/$small_name modules=$root/lib/modules folder=1.0/$1/x86_64
    mkdir -p "$tree/$folder"/{module,log} "$modules/$1/updates/dkms"
    cp "$modules/$KERNEL/updates/dkms/$small_name"-{core,user}.ko "$tree/$folder/module/"
    cp "$tree/$folder/module"/*.ko "$modules/$1/updates/dkms/"
    ln -s "$folder" "$tree/kernel-$1-x86_64"
    (umask 022 && depmod -b "$root" "$1")
}

index_names() {
    (cd "$1" && find . -maxdepth 1 -name 'modules.*' ! -name modules.order ! -name modules.builtin \
        ! -name modules.builtin.modinfo | sort)
}

# The index of kernel $1, file for file, as digests.
index_of() {
    local modules=$root/lib/modules/$1
    index_names "$modules" | (cd "$modules" && xargs -r sha256sum)
}

# What the real depmod writes for the tree as it is: run on a copy, whose folders list their files in
# the same order (modules that modules.order does not name are indexed in that order).
depmod_of() {
    local copy modules
    copy=$(mktemp -d "$scratch/depmod.XXXXXX")
    modules=$copy/lib/modules/$1
    mkdir -p "$copy/lib/modules"
    cp -a "$root/lib/modules/$1" "$modules"
    index_names "$modules" | (cd "$modules" && xargs -r rm)
    (umask 022 && depmod -b "$copy" "$1")
    index_names "$modules" | (cd "$modules" && xargs -r sha256sum)
    rm -r "$copy"
}

assert_index_is_fresh() {
    assert_equal "the index of $1 is what depmod gives" "$(depmod_of "$1")" "$(index_of "$1")"
}

# The programs that a teardown starts, one line each, into $started.
traced_teardown() {
    expect 0 strace -f -qq -e trace=execve -e signal=none -o "$scratch/execve" \
        "$prebake_node" teardown --root "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    # shellcheck disable=SC2034  # for the tests
    started=$(tail -n +2 "$scratch/execve")
}

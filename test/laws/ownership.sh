#!/bin/bash
# Law 4: a teardown changes nothing but what its manifest lists, prebake's own state, the module
# index, what DKMS derived from the registration and other kernels' links to its modules. A path that
# is no longer what the bake placed is somebody else's: it stays, is counted, and makes no teardown
# incomplete.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"

modules=/usr/lib/modules/$KERNEL
placed=$modules/updates/dkms/$small_name-core.ko
source=/usr/src/$small_name-1.0
registration=/var/lib/dkms/$small_name

# A small root with a bake, as $root; what it was before is in $scratch/before.
make_baked_root() {
    root=$scratch/root
    small_root "$root"
    small_source 1.0 "$scratch/small-1.0"
    small_bundle "$root" "$scratch/cache" "$scratch/small-1.0"
    snapshot "$root" >"$scratch/before"
    "$prebake" bake --root "$root" --source "$scratch/small-1.0" --kernel "$KERNEL" \
        --cache "$scratch/cache"
}

# Those that are of type $1, or all.
manifest_paths() {
    awk -v type="${1:-}" '/^\.\// && $0 ~ " type=" type ".* mode=" { print substr($1, 2) }' \
        "$root/var/lib/prebake/manifest.mtree"
}

# The paths that a teardown changes, by its calls; syncing changes nothing.
traced_teardown() {
    "$build/test/lib/inject" "$scratch/calls" list -- "$prebake_node" teardown --root "$root"
    awk -F '\t' -v OFS='\n' -v root="$root" '
        $2 !~ /^(syncfs|fsync)$/ { $1 = $1; print }' "$scratch/calls" |
        sed -n "s#^$root/#/#p" | sort -u >"$scratch/changed"
}

# Every changed path is one of the manifest's or the arguments', of the state folder or of an index,
# and the manifest's and the arguments' are all among them.
only_ours_changed() {
    local foreign
    sort -u <(manifest_paths) <(printf '%s\n' "$@" | grep .) >"$scratch/manifest"
    traced_teardown
    foreign=$(comm -23 "$scratch/changed" "$scratch/manifest" | awk -v modules=/usr/lib/modules/ '
        index($0 "/", "/var/lib/prebake/") == 1 { next }
        index($0, modules) == 1 && /\/\.?modules\.[a-z.]+(\.prebake-[0-9a-z]+)?$/ { next }
        { print }')
    assert_equal "changed paths that are not ours" "" "$foreign"
    assert_equal "paths of the manifest that were not removed" "" \
        "$(comm -13 "$scratch/changed" "$scratch/manifest")"
}

test_only_ours_changes() {
    make_baked_root
    only_ours_changed
}

test_only_ours_changes_in_a_changed_root() {
    make_baked_root
    cp "$root$modules/kernel/drivers/net/veth.ko" "$root$modules/updates/dkms/another.ko"
    depmod -b "$root" "$KERNEL"
    only_ours_changed
}

test_only_ours_changes_in_a_copied_root() {
    make_baked_root
    mv "$root" "$scratch/original"
    cp -a "$scratch/original" "$root"
    only_ours_changed
}

test_only_ours_and_derived_changes() {
    local installed=/usr/lib/modules/$later_kernel/updates
    local built=$registration/1.0/$later_kernel
    make_baked_root
    small_root_derive "$root"
    # dkms' folder of displaced modules is looked for, too.
    only_ours_changed "$registration/original_module" "$installed" "$installed"/dkms{,/"$small_name"-{core,user}.ko} \
        "$registration/kernel-$later_kernel-x86_64" "$built" "$built"/x86_64{,/log,/module} \
        "$built"/x86_64/{log/{make.log,.config},module/"$small_name"-{core,user}.ko}
    snapshot "$root" | without_index >"$scratch/after"
    without_index <"$scratch/before" >"$scratch/expected"
    assert_same_tree "what is left" "$scratch/expected" "$scratch/after"
    index_is_fresh "$later_kernel"
}

# What weak-modules makes for another kernel: links, of which its index knows.
link_modules() {
    local links=$root/usr/lib/modules/$later_kernel/weak-updates
    mkdir -p "$links/sub"
    ln -s "../../$KERNEL/updates/dkms/"{"$small_name-core",other}.ko "$links/"
    ln -s "/lib/modules/$KERNEL/updates/dkms/$small_name-user.ko" "$links/sub/"
    mkdir -p "$root/etc/depmod.d"
    (umask 022 && depmod -b "$root" -C "$root/etc/depmod.d" "$later_kernel") 2>/dev/null
    grep -q "^weak-updates/$small_name-core.ko:" "$root/lib/modules/$later_kernel/modules.dep" ||
        fail "the other kernel's index does not know the link"
}

linked() { find "$root/usr/lib/modules/$later_kernel/weak-updates" -type l -printf '%f\n' | sort; }

# What others link to stays linked.
links_are_gone() {
    assert_contains "telemetry" "modprobe_after=false" "$out"
    assert_equal "what is left of the links" other.ko "$(linked)"
    run modprobe -d "$root" -S "$later_kernel" -n "$small_name-core"
    assert_equal "the other kernel finds a module of the bake" 1 "$status"
    index_is_fresh "$later_kernel"
}

test_links_to_our_modules() {
    make_baked_root
    link_modules
    "$prebake" seal --root "$root"
    expect 0 teardown "$root"
    links_are_gone
}

# Of another kernel that has variants of its index, too. A module of its own comes before the link.
test_links_of_a_derived_kernel() {
    make_baked_root
    small_root_derive "$root"
    mkdir "$root/etc/depmod.d"
    echo "search weak-updates updates built-in" >"$root/etc/depmod.d/weak.conf"
    link_modules
    "$prebake" seal --root "$root"
    expect 0 teardown "$root"
    links_are_gone
}

test_links_to_our_parked_modules() {
    make_baked_root
    link_modules
    "$prebake_node" park --root "$root"
    expect 0 teardown "$root"
    links_are_gone
}

test_links_to_somebody_elses_module() {
    make_baked_root
    link_modules
    cp -p "$root$placed" "$root$placed.new"
    mv "$root$placed.new" "$root$placed"
    expect 0 teardown "$root"
    assert_contains "telemetry" "foreign=1" "$out"
    assert_equal "the links that are left" $'other.ko\n'"$small_name-core.ko" "$(linked)"
    index_is_fresh "$later_kernel"
}

# Snapshot lines without the index, which has its own check.
without_index() { grep -vE "^/usr/lib/modules/[^/]+/modules\.[a-z.]+ "; }

index_is_fresh() {
    local kernel=${1:-$KERNEL}
    mkdir "$scratch/index" "$scratch/fresh"
    cp "$root/lib/modules/$kernel"/modules.* "$scratch/index"
    depmod -b "$root" "$kernel"
    cp "$root/lib/modules/$kernel"/modules.* "$scratch/fresh"
    diff -r "$scratch/index" "$scratch/fresh" || fail "the index is not what depmod gives"
}

# The lines of the given paths and their parents in snapshot $1.
lines_of() {
    local snapshot=$1 path
    shift
    for path; do
        while [[ -n $path ]]; do
            printf '%s\n' "$path"
            path=${path%/*}
        done
    done | sort -u | awk 'NR == FNR { wanted[$1]; next } $1 in wanted' - "$snapshot"
}

# The teardown leaves the given paths as they are and takes all else; it counts $1 foreign ones.
stays() {
    local count=$1
    shift
    snapshot "$root" >"$scratch/edited"
    expect 0 teardown "$root"
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" " foreign=$count " "$out"
    snapshot "$root" >"$scratch/after"
    sort -u <(without_index <"$scratch/before") <(lines_of "$scratch/edited" "$@") \
        >"$scratch/expected"
    without_index <"$scratch/after" | sort >"$scratch/found"
    assert_same_tree "what is left" "$scratch/expected" "$scratch/found"
    index_is_fresh
}

# Somebody's own build of the same bytes: another inode.
test_a_module_put_there_again() {
    make_baked_root
    cp -p "$root$placed" "$root$placed.new"
    mv "$root$placed.new" "$root$placed"
    stays 1 "$placed"
}

test_another_module_in_its_place() {
    make_baked_root
    cp "$root$modules/kernel/drivers/net/veth.ko" "$root$placed.new"
    mv "$root$placed.new" "$root$placed"
    stays 1 "$placed"
}

test_another_module_in_a_copied_root() {
    make_baked_root
    mv "$root" "$scratch/original"
    cp -a "$scratch/original" "$root"
    cp "$root$modules/kernel/drivers/net/veth.ko" "$root$placed"
    stays 1 "$placed"
}

# A package that has these paths, installed since the bake.
install_package() {
    mkdir -p "$root/var/lib/dpkg/info"
    printf '%s\n' "$@" >"$root/var/lib/dpkg/info/vendor.list"
    snapshot "$root" | grep '^/var/lib/dpkg' >>"$scratch/before"
}

# With the same bytes, which are all that a copied root tells by.
test_a_package_in_a_copied_root() {
    make_baked_root
    mv "$root" "$scratch/original"
    cp -a "$scratch/original" "$root"
    install_package "${placed#/usr}" "$source" "$source/dkms.conf"
    run "$prebake" seal --root "$root"
    assert_equal "a seal says so" 7 "$status"
    assert_contains "the first of them" "is not what the bake placed" "$err"
    stays 2 "$placed" "$source/dkms.conf"
}

test_a_package_where_facts_are_lost() {
    make_baked_root
    install_package "$source/dkms.conf"
    rm "$root/var/lib/prebake/facts"
    stays 1 "$source/dkms.conf"
}

# Told by its inode: what a list says of a path that is the bake's own means nothing.
test_a_package_that_only_lists_our_path() {
    make_baked_root
    install_package "$source/dkms.conf"
    stays 0
}

test_a_module_changed_in_place() {
    make_baked_root
    printf x >>"$root$placed"
    stays 1 "$placed"
}

test_a_link_in_place_of_a_module() {
    make_baked_root
    ln -sf ../../kernel/drivers/net/veth.ko "$root$placed"
    stays 1 "$placed"
}

test_a_folder_in_place_of_a_module() {
    make_baked_root
    rm "$root$placed"
    mkdir "$root$placed"
    echo mine >"$root$placed/file"
    stays 1 "$placed/file"
}

test_an_edited_source() {
    make_baked_root
    echo '# mine' >>"$root$source/dkms.conf"
    stays 1 "$source/dkms.conf"
}

test_another_registration() {
    make_baked_root
    ln -sfn "2.0/$KERNEL/x86_64" "$root$registration/kernel-$KERNEL-x86_64"
    stays 1 "$registration/kernel-$KERNEL-x86_64"
}

# All that is behind the link is where somebody wanted it.
test_a_folder_moved_behind_a_link() {
    make_baked_root
    mkdir "$root/srv"
    mv "$root$source" "$root/srv/sources"
    ln -s /srv/sources "$root$source"
    stays 5 "$source" /srv/sources/{Kbuild,dkms.conf,small_core.c,small_user.c}
}

test_files_in_our_folders() {
    local folder extra=()
    make_baked_root
    while read -r folder; do
        echo mine >"$root$folder/mine"
        extra+=("$folder/mine")
    done < <(manifest_paths dir)
    ((${#extra[@]} > 6)) || fail "only ${#extra[@]} folders are ours"
    stays 0 "${extra[@]}"
}

# What administrators really do.
test_backups_and_other_drivers() {
    make_baked_root
    cp -p "$root$placed" "$root$placed.customer-backup"
    cp "$root$modules/kernel/drivers/net/veth.ko" "$root$modules/updates/dkms/nvidia-fs.ko"
    mkdir -p "$root$registration/2.0" "$root/usr/src/$small_name-2.0"
    ln -s "/usr/src/$small_name-2.0" "$root$registration/2.0/source"
    depmod -b "$root" "$KERNEL"
    stays 0 "$placed.customer-backup" "$modules/updates/dkms/nvidia-fs.ko" \
        "$registration/2.0/source" "/usr/src/$small_name-2.0"
}

run_tests "$@"

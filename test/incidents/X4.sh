#!/bin/bash
# X4 (AgentBaker 9544, 9551): a staging path that somebody planted or made a link redirected what
# root moved. Here no link is followed out of the root, none that others could have made is followed
# at all, nothing that is there is overwritten: refused with 4.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

updates=usr/lib/modules/$KERNEL/updates

bake() {
    "$prebake" bake --root "$root" --source "$scratch_base/small-1.0" --kernel "$KERNEL" \
        --cache "$images/cache" "$@"
}

# The incident's own moves, for comparison: as root, by path.
reference_move() {
    mkdir -p "$root/var/lib/prebake"
    echo ours >"$root/var/lib/prebake/file"
}

test_x4_moves_by_path_follow_the_link() {
    unbaked_root
    ln -s "$outside/folder" "$root/var/lib/prebake"
    reference_move
    assert_equal "root wrote outside" ours "$(<"$outside/folder/file")"
}

# $1 of the root is replaced by a link to $2; the bake is refused and follows it nowhere.
bake_refuses_link() {
    local path=$1 target=$2
    unbaked_root
    rm -rf "${root:?}/$path"
    mkdir -p "$(dirname "$root/$path")"
    ln -s "$target" "$root/$path"
    expect_refusal_unchanged "$root" 4 "${path#usr/}" bake
    outside_untouched
}

# A link that leads out of the root leads nowhere in it; one that leads back in is somebody's plan.
test_x4_state_folder() {
    local target
    unbaked_root
    for target in "$outside/folder" /usr/src ../../usr/src /nowhere; do
        bake_refuses_link var/lib/prebake "$target"
    done
}

test_x4_dkms_tree_leads_outside() {
    unbaked_root
    bake_refuses_link var/lib/dkms "$outside/folder"
    bake_refuses_link "var/lib/dkms/$small_name" "$outside/folder"
}

test_x4_modules_lead_outside() {
    unbaked_root
    bake_refuses_link "$updates/dkms" "$outside/folder"
    bake_refuses_link "$updates" "$outside/folder"
}

test_x4_source_leads_outside() {
    unbaked_root
    bake_refuses_link "usr/src/$small_name-1.0" "$outside/folder"
    bake_refuses_link usr/sbin "$outside/folder"
}

# A link of root's own to another folder of the root is how images are laid out: the bake is where
# the link leads, and goes from there.
test_x4_links_of_roots_own() {
    unbaked_root
    mkdir "$root/usr/dkms"
    mv "$root/var/lib/dkms"/* "$root/usr/dkms/"
    rmdir "$root/var/lib/dkms"
    ln -s /usr/dkms "$root/var/lib/dkms"
    snapshot "$root" >"$scratch/before"
    expect 0 bake
    assert_exists "$root/usr/dkms/$small_name/1.0/$KERNEL"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "as before the bake" "$scratch/before" "$scratch/after"
}

# Not one that somebody else made, nor anything in a folder that others can write to: least of all a
# link there to a folder that is root's.
test_x4_links_of_others() {
    unbaked_root
    mkdir "$root/usr/dkms"
    rm -r "$root/var/lib/dkms"
    ln -s /usr/dkms "$root/var/lib/dkms"
    chown -h 1000 "$root/var/lib/dkms"
    chmod 1777 "$root/var/lib"
    expect_refusal_unchanged "$root" 4 "var/lib/dkms is not root's alone" bake
    unbaked_root
    chmod 0777 "$root/$updates"
    rm -r "$root/$updates/dkms"
    ln -s /etc "$root/$updates/dkms"
    expect_refusal_unchanged "$root" 4 "/updates is not root's alone" bake
    unbaked_root
    chmod 0777 "$root/$updates/dkms"
    expect_refusal_unchanged "$root" 4 "updates/dkms is not root's alone" bake
    unbaked_root
    chown 1000 "$root/usr/src"
    expect_refusal_unchanged "$root" 4 "usr/src is not root's alone" bake
    unbaked_root
    chmod 0775 "$root/usr/sbin"
    expect_refusal_unchanged "$root" 4 "usr/sbin is not root's alone" bake
}

# The temporary's name has eight random digits: somebody who can't know them fills the folder with
# what looks like it, links to files outside.
test_x4_planted_temporaries() {
    local folder i
    unbaked_root
    for folder in "$updates/dkms" usr/src usr/sbin var/lib/dkms; do
        mkdir -p "$root/$folder"
        for ((i = 0; i < 50; i++)); do
            ln -s "$outside/file" \
                "$root/$folder/$(printf ".%s-core.ko.prebake-%08x" "$small_name" $((RANDOM * i)))" 2>/dev/null || true
            ln -s "$outside/file" \
                "$root/$folder/$(printf ".prebake-node.prebake-%08x" $((RANDOM * i)))" 2>/dev/null || true
        done
    done
    expect 0 bake
    expect 0 teardown "$root"
    outside_untouched
}

# A file in a place of the bake's is somebody's, a link to outside even more.
test_x4_nothing_is_overwritten() {
    local path
    for path in "$updates/dkms/$small_name-core.ko" "usr/src/$small_name-1.0" \
        "var/lib/dkms/$small_name/1.0/$KERNEL" "var/lib/dkms/$small_name/kernel-$KERNEL-x86_64"; do
        unbaked_root
        mkdir -p "$(dirname "$root/$path")"
        ln -s "$outside/file" "$root/$path"
        expect_refusal_unchanged "$root" 4 "" bake
        outside_untouched
        unbaked_root
        mkdir -p "$(dirname "$root/$path")"
        echo theirs >"$root/$path"
        expect_refusal_unchanged "$root" 4 "" bake
    done
}

# Somebody changes folders to links and back while bakes and teardowns go on: whatever they end with,
# nothing outside is touched. The folders are root's: this is more than anybody else could do.
flip() {
    local path=$1
    while [[ -e $scratch/flipping ]]; do
        mv "$root/$path" "$root/$path.aside" 2>/dev/null && ln -s "$outside/folder" "$root/$path"
        rm -f "$root/$path" 2>/dev/null
        mv -T "$root/$path.aside" "$root/$path" 2>/dev/null || true
    done
}

test_x4_links_that_come_and_go() {
    local path flipper i
    for path in "$updates/dkms" var/lib/dkms usr/src; do
        unbaked_root
        touch "$scratch/flipping"
        flip "$path" &
        flipper=$!
        for ((i = 0; i < 10; i++)); do
            run bake
            run teardown "$root"
        done
        rm "$scratch/flipping"
        wait "$flipper" || true
        outside_untouched
    done
}

# --- teardown

# After the bake a folder of it became a link to a place with files of the same names.
test_x4_teardown_follows_nothing() {
    local path
    for path in "$updates/dkms" "usr/src/$small_name-1.0" "var/lib/dkms/$small_name" \
        "var/lib/dkms/$small_name/1.0/$KERNEL" usr/src; do
        baked_root
        rm -rf "$outside/copy"
        cp -a "$root/$path" "$outside/copy"
        outside_is_as_it_should_be
        mv "$root/$path" "$root/$path.aside"
        ln -s "$outside/copy" "$root/$path"
        run teardown "$root"
        [[ $status =~ ^[034]$ ]] || fail "$path: status $status: $err"
        outside_untouched
    done
}

# The same within the root, where a link leads somewhere: to a customer's files of those names.
test_x4_teardown_follows_nothing_inside() {
    local path
    for path in "$updates/dkms" "usr/src/$small_name-1.0" "var/lib/dkms/$small_name"; do
        baked_root
        mkdir "$root/opt"
        cp -a "$root/$path" "$root/opt/theirs"
        mv "$root/$path" "$root/$path.aside"
        ln -s /opt/theirs "$root/$path"
        snapshot "$root/opt" >"$scratch/before"
        run teardown "$root"
        [[ $status =~ ^[034]$ ]] || fail "$path: status $status: $err"
        snapshot "$root/opt" >"$scratch/after"
        assert_same_tree "$path: what the link leads to stays" "$scratch/before" "$scratch/after"
    done
}

test_x4_private() {
    baked_root
    assert_equal "the state folder" "700 0:0" "$(stat -c '%a %u:%g' "$root/var/lib/prebake")"
    assert_equal "the store" "700 0:0" "$(stat -c '%a %u:%g' "$root/var/lib/prebake/store")"
}

baked_image_make
run_tests "$@"

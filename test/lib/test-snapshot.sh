#!/bin/bash
# The snapshot must notice every kind of change: identity (law 1) rests on it.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/world.sh"

make_tree() {
    local tree=$scratch/tree
    mkdir -p "$tree/dir/empty"
    printf 'content\n' >"$tree/dir/file"
    printf 'content\n' >"$tree/dir/other"
    ln "$tree/dir/file" "$tree/dir/second-name"
    ln -s dir/file "$tree/link"
    mknod "$tree/device" c 1 3
    setfattr -n user.colour -v blue "$tree/dir/file"
    touch -d '2024-01-02 03:04:05.123456789' "$tree/dir/file"
    printf '%s\n' "$tree"
}

# Runs a change and expects the snapshot to differ.
notices() {
    local tree=$scratch/tree
    rm -rf "$tree"
    make_tree >/dev/null
    snapshot "$tree" >"$scratch/before"
    (cd "$tree" && "$@")
    snapshot "$tree" >"$scratch/after"
    assert_different_tree "$*" "$scratch/before" "$scratch/after"
}

# Overwrites a byte, then puts size and time back: only the digest can tell.
change_content() {
    printf 'Content\n' | dd of=dir/file conv=notrunc status=none
    touch -d '2024-01-02 03:04:05.123456789' dir/file
}

break_hard_link() {
    cp -a dir/second-name dir/copy
    mv dir/copy dir/second-name
}

# The same files and times, other pairs.
swap_hard_links() {
    rm dir/second-name
    touch -r dir/file dir/other
    setfattr -n user.colour -v blue dir/other
    ln dir/other dir/second-name
}

retarget_link() {
    touch reference
    touch -h -r link reference
    ln -sfn dir/othr link
    touch -h -r reference link
    rm reference
}

replace_device() {
    touch -r device reference
    rm device
    mknod device c 1 5
    touch -r reference device
    rm reference
}

test_same_tree_same_lines() {
    local tree
    tree=$(make_tree)
    cp -a "$tree" "$scratch/copy"
    snapshot "$tree" >"$scratch/first"
    snapshot "$scratch/copy" >"$scratch/second"
    assert_same_tree "a faithful copy" "$scratch/first" "$scratch/second"
    assert_equal "one line a path" 8 "$(wc -l <"$scratch/first")"
}

test_directory_times_are_left_out() {
    local tree
    tree=$(make_tree)
    snapshot "$tree" >"$scratch/first"
    touch "$tree/dir" "$tree/dir/empty"
    snapshot "$tree" >"$scratch/second"
    assert_same_tree "touched directories" "$scratch/first" "$scratch/second"
}

test_excluded_path_is_left_out() {
    local tree
    tree=$(make_tree)
    mkdir -p "$tree/usr/sbin"
    snapshot "$tree" >"$scratch/first"
    touch "$tree/usr/sbin/prebake-node"
    snapshot "$tree" >"$scratch/second"
    assert_same_tree "prebake-node" "$scratch/first" "$scratch/second"
    touch "$tree/usr/sbin/prebake-node-other"
    snapshot "$tree" >"$scratch/second"
    assert_different_tree "another name" "$scratch/first" "$scratch/second"
}

test_notices_new_file() { notices touch dir/new; }
test_notices_new_empty_directory() { notices mkdir dir/new; }
test_notices_removed_file() { notices rm dir/other; }
test_notices_content() { notices change_content; }
test_notices_mode() { notices chmod 0640 dir/other; }
test_notices_setuid() { notices chmod u+s dir/other; }
test_notices_directory_mode() { notices chmod 0700 dir; }
test_notices_owner() { notices chown 1 dir/other; }
test_notices_group() { notices chgrp 1 dir/other; }
test_notices_link_owner() { notices chown -h 1 link; }
test_notices_file_time() { notices touch -d '2024-01-02 03:04:05.123456788' dir/file; }
test_notices_link_time() { notices touch -h -d '2024-01-01' link; }
test_notices_link_target() { notices retarget_link; }
test_notices_device_number() { notices replace_device; }
test_notices_attribute() { notices setfattr -n user.shape -v round dir/other; }
test_notices_attribute_value() { notices setfattr -n user.colour -v red dir/file; }
test_notices_removed_attribute() { notices setfattr -x user.colour dir/file; }
test_notices_directory_attribute() { notices setfattr -n user.shape -v round dir; }
test_notices_capability() { notices setcap cap_net_raw=ep dir/other; }
test_notices_broken_hard_link() { notices break_hard_link; }
test_notices_other_hard_link_pairs() { notices swap_hard_links; }

test_notices_type() {
    notices bash -c 'rm dir/other && mkfifo dir/other'
}

run_tests "$@"

#!/bin/bash
# Facts, state word and store that broke, are another bake's or lead elsewhere. They make a teardown
# exact and quick, but decide over no file: it still removes what the manifest names and what by its
# content is ours, and nothing else.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

state=var/lib/prebake
updates=usr/lib/modules/$KERNEL/updates/dkms

# The teardown is whole, and says once why it had to look at contents.
clean_without_facts() {
    expect 0 teardown "$root"
    assert_contains "what is said" " status=cleaned " "$out"
    assert_contains "it says why" "contents decide what is ours" "$err"
    assert_equal "one line each" "1 1" "$(wc -l <<<"$out") $(wc -l <<<"$err")"
    bake_is_gone
}

# A customer's file in the place of one of ours, of another content.
put_foreign_module() {
    rm "$root/$updates/$small_name-user.ko"
    echo customer >"$root/$updates/$small_name-user.ko"
}

foreign_module_stays() {
    expect 0 teardown "$root"
    assert_contains "it is counted" " foreign=1 " "$out"
    assert_equal "it stays" customer "$(<"$root/$updates/$small_name-user.ko")"
    outside_untouched
}

test_facts_lost() {
    baked_root
    rm "$root/$state/facts"
    clean_without_facts
    baked_root
    rm "$root/$state/facts"
    put_foreign_module
    foreign_module_stays
}

as_nothing() { : >"$1"; }
as_garbage() { head -c 3000 /dev/urandom >"$1"; }
as_no_object() { echo '[]' >"$1"; }
as_deep_nesting() { head -c 100000 /dev/zero | tr '\0' '[' >"$1"; }
as_too_much() { { cat "$1" && head -c 9000000 /dev/zero | tr '\0' ' '; } >"$1.long" && mv "$1.long" "$1"; }
as_truncated() { truncate -s -100 "$1"; }
as_newer_format() { sed -i 's/"format":1/"format":2/' "$1"; }
as_another_owner() { chown 1000:1000 "$1"; }
as_writable_by_others() { chmod 0666 "$1"; }
as_link_outside() { cp "$1" "$outside/copy" && ln -sf "$outside/copy" "$1" && outside_is_as_it_should_be; }
as_fifo() { rm "$1" && mkfifo "$1"; }
as_device() { rm "$1" && mknod "$1" c 1 5; }

# Neither trusted nor in the way.
test_facts_that_are_not_believed() {
    local form
    for form in nothing garbage no_object deep_nesting too_much truncated newer_format another_owner \
        writable_by_others link_outside fifo device; do
        baked_root
        "as_$form" "$root/$state/facts"
        clean_without_facts
    done
}

# As a value that could lead elsewhere, one a run; jq expressions.
test_facts_that_lead_elsewhere() {
    local change
    for change in '.kernel = "../../../etc"' '.dkms.name = "../../../etc"' '.dkms.version = "/etc"' \
        '.dkms.kernels = ["../.."]' '.indexes[0].kernel = "../../.."' \
        '.indexes[0].files[0].name = "../../../../etc/passwd"' \
        '.modules[0].path = "/usr/../etc/passwd"' '.modules[0].path = "etc/passwd"' \
        '.modules[0].name = "a/b"' '.placed[0] = [1]' '.placed[0] = ["1", 2]' \
        '.placed = {"0": [1, 2]}' '.manifest.inode = "1"' '.indexes = null' \
        '.manifest.sha256 = "../manifest"'; do
        baked_root
        echo root >"$root/etc/passwd"
        jq -c "$change" "$root/$state/facts" >"$scratch/facts"
        cp "$scratch/facts" "$root/$state/facts"
        expect 0 teardown "$root"
        assert_contains "$change: not believed" "contents decide what is ours" "$err"
        assert_equal "$change: nothing else goes" root "$(<"$root/etc/passwd")"
        rm "$root/etc/passwd"
        bake_is_gone
    done
}

# Those that say nothing of a path leave it to its content; those that say too much are cut off.
test_facts_of_fewer_and_of_more_paths() {
    local change
    for change in '.placed = []' '.placed = .placed[:5]' '.placed += .placed'; do
        baked_root
        jq -c "$change" "$root/$state/facts" >"$scratch/facts"
        cp "$scratch/facts" "$root/$state/facts"
        expect 0 teardown "$root"
        bake_is_gone
    done
}

# As a folder that was put together from two backups has them: what they recorded belongs to other
# paths and to another index.
test_facts_of_another_bake() {
    baked_root
    jq -c --arg digest "$(sha256sum </dev/null | cut -d' ' -f1)" '.manifest.sha256 = $digest |
        .modules = [] | .indexes = [] | .placed |= reverse | .dkms.version = "0.9"' \
        "$root/$state/facts" >"$scratch/facts"
    cp "$scratch/facts" "$root/$state/facts"
    expect_refusal 7 "those of another bake" "$prebake_node" status --root "$root"
    assert_equal "status claims nothing" "" "$out"
    clean_without_facts
}

# A customer's driver of the same file name, which modprobe finds, is no residue of the bake.
test_foreign_module_of_the_same_name() {
    baked_root
    put_foreign_module
    cp "$root/usr/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$root/$updates/$small_name-user.ko"
    depmod -b "$root" "$KERNEL"
    expect 0 teardown "$root"
    assert_contains "it is counted" " modprobe_after=false foreign=1 " "$out"
    expect 0 modprobe -d "$root" -S "$KERNEL" --show-depends "$small_name-user"
    assert_contains "it can be loaded" "updates/dkms/$small_name-user.ko" "$out"
}

test_state_word() {
    local word
    for word in '' 'active' $'active\n\n' $'gone\n' $'active\nPREBAKE event=teardown\n' 'parked'; do
        baked_root
        printf %s "$word" >"$root/$state/state"
        expect_refusal 7 "known states" "$prebake_node" status --root "$root"
        assert_equal "status claims nothing" "" "$out"
        assert_not_contains "it does not repeat it" PREBAKE "$err"
        expect 0 teardown "$root"
        bake_is_gone
    done
}

# What the link leads to is no store of prebake's.
test_store_replaced_by_a_link() {
    local target
    baked_root
    for target in "$outside" /usr/src /nowhere; do
        baked_root
        rm -r "${root:?}/$state/store"
        ln -s "$target" "$root/$state/store"
        expect_refusal_unchanged "$root" 4 "/$state/store is not believed" teardown "$root"
        assert_equal "nothing is claimed" "" "$out"
        outside_untouched
    done
    baked_root
    chmod 0777 "$root/$state/store"
    expect_refusal_unchanged "$root" 4 "writable by group or others" teardown "$root"
}

# Links, fifos and folders among the kept index files.
test_store_spoilt() {
    local file
    baked_root
    while read -r file; do
        case $((RANDOM % 3)) in
        0) ln -sf "$outside/file" "$file" ;;
        1) rm "$file" && mkfifo "$file" ;;
        2) rm "$file" && mkdir -p "$file/folder" && touch "$file/folder/file" ;;
        esac
    done < <(find "$root/$state/store" -type f)
    expect 0 timeout 60 "$prebake_node" teardown --root "$root"
    bake_is_gone
}

# Names and values that the messages repeat stay on their line.
test_no_line_can_be_forged() {
    local forged=$'PREBAKE event=teardown status=cleaned marker_after=false'
    baked_root
    jq -c --arg name $'x\n'"$forged" '.modules[0].signer = $name' "$root/$state/facts" \
        >"$scratch/facts"
    cp "$scratch/facts" "$root/$state/facts"
    expect 0 "$prebake_node" status --root "$root"
    ! grep -q ^PREBAKE <<<"$out" || fail "status forges a line: $out"
    expect 0 teardown "$root" --gpu-node $'true\n'"$forged 100%" --tag $'TAG\n'"$forged"
    assert_equal "one line" 1 "$(wc -l <<<"$out")"
    assert_contains "percent-encoded" "gpu_node=true%0APREBAKE%20event%3Dteardown" "$out"
    assert_contains "percent, too" "100%25" "$out"
    [[ $out == TAG%0APREBAKE%20* ]] || fail "the tag: $out"
}

baked_image_make
run_tests "$@"

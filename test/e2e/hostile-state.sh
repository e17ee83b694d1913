#!/bin/bash
# State that somebody else could have written, or that broke: refused with its exit status and a
# sentence; nothing in the root goes, nothing outside it is touched.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"

state=var/lib/prebake

# Both commands end with status $1 (one of several: "4|7"), name $2 and claim nothing.
refused() {
    local codes=$1 words=$2 command
    for command in teardown status; do
        run "$prebake_node" "$command" --root "$root"
        [[ $status =~ ^($codes)$ ]] || fail "$command: status $status, expected $codes: $err"
        assert_equal "$command claims nothing" "" "$out"
        assert_equal "$command says one sentence" 1 "$(wc -l <<<"$err")"
        assert_contains "$command names what is wrong" "$words" "$err"
    done
}

# refused(), and every path is as it was, prebake's own too.
refused_unchanged() {
    snapshot "$root" >"$scratch/before"
    refused "$@"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "nothing is changed" "$scratch/before" "$scratch/after"
    outside_untouched
}

# The marker names the manifest as it is now: what only root can write, done to get at the reader.
name_manifest() {
    local digest
    digest=$(sha256sum <"$root/$state/manifest.mtree")
    sed -i "s/^manifest_sha256=.*/manifest_sha256=${digest%% *}/" "$root/$state/marker"
}

# --- a file that not root alone can have written

as_another_owner() { chown 1000:1000 "$1"; }
as_group_writable() { chmod 0664 "$1"; }
as_writable_by_others() { chmod 0646 "$1"; }
as_hard_link() { ln "$1" "$root/var/lib/second-name"; }
as_link() { mv "$1" "$1.real" && ln -s "$(basename "$1").real" "$1"; }
as_link_outside() { cp "$1" "$outside/copy" && ln -sf "$outside/copy" "$1"; }
as_dangling_link() { ln -sf /nowhere "$1"; }
as_fifo() { rm "$1" && mkfifo "$1"; }
as_device() { rm "$1" && mknod "$1" c 1 5; } # /dev/zero: reading all of it would not end
as_directory() { rm "$1" && mkdir "$1"; }

forms=(another_owner group_writable writable_by_others hard_link link link_outside dangling_link fifo
    device directory)
declare -A facts=([another_owner]="not owned by root" [group_writable]="writable by group or others"
    [writable_by_others]="writable by group or others" [hard_link]="more than one hard link"
    [link]="is a symbolic link" [link_outside]="is a symbolic link"
    [dangling_link]="is a symbolic link" [fifo]="not a regular file" [device]="not a regular file"
    [directory]="not a regular file")

# Every form of file $1 is refused.
every_form_is_refused() {
    local file=$1 form
    for form in "${forms[@]}"; do
        baked_root
        "as_$form" "$root/$state/$file"
        outside_is_as_it_should_be
        refused_unchanged 4 "/$file is not believed: it"
        assert_contains "the fact that is wrong" "${facts[$form]}" "$err"
    done
}

test_marker_that_is_not_roots_alone() { every_form_is_refused marker; }

test_manifest_that_is_not_roots_alone() { every_form_is_refused manifest.mtree; }

# The state folder itself, and the one it is in.
test_state_folder_that_is_not_roots_alone() {
    local mode
    for mode in 0770 0702 0777 1777; do
        baked_root
        chmod "$mode" "$root/$state"
        refused_unchanged 4 "/$state"
    done
    baked_root
    chown 1000 "$root/$state"
    refused_unchanged 4 "/$state"
    baked_root
    chmod 0777 "$root/var/lib"
    refused_unchanged 4 "/var/lib is not root's alone"
    baked_root
    chown 1000 "$root/var/lib"
    refused_unchanged 4 "/var/lib is not root's alone"
}

# A whole bake's state behind the link does not make it believed.
test_state_folder_replaced_by_a_link() {
    local target
    baked_root
    cp -a "$root/$state" "$outside/state"
    outside_is_as_it_should_be
    for target in other "$outside/state" /nowhere; do
        baked_root
        mv "$root/$state" "$root/var/lib/other"
        ln -s "$target" "$root/$state"
        refused_unchanged 4 "is not a directory itself"
    done
    baked_root
    rm -r "${root:?}/$state"
    echo marker >"$root/$state"
    refused_unchanged 4 "is not a directory itself"
}

# --- contents: the marker

# The marker holds what comes on stdin.
marker_refused() {
    cat >"$root/$state/marker"
    refused "$@"
}

# But for the last newline, nothing of a marker can be missing.
test_marker_truncated_anywhere() {
    local size whole
    baked_root
    whole=$(<"$root/$state/marker")
    for ((size = 0; size < ${#whole}; size += size < 12 ? 1 : 5)); do
        marker_refused '4|7' "" < <(printf %s "${whole:0:size}")
    done
    marker_refused '4|7' "" < <(printf %s "${whole:0:-1}")
    bake_untouched
}

test_marker_values() {
    local value key whole forged
    baked_root
    whole=$(<"$root/$state/marker")
    forged='1.0 status=cleaned'
    for value in kernel=../../../etc kernel=/etc kernel=.. driver_version=1.0/../../etc \
        driver_version=/etc "driver_version=$forged" 'driver_version=1.0%0aPREBAKE' \
        driver_version=1.0-rc1 module=/etc/passwd "driver_kind=cuda gpu_node=true" \
        $'arch=x86_64\rPREBAKE event=teardown' "arch=$(printf 'a%.0s' {1..500})" \
        manifest_sha256=../manifest.mtree "manifest_sha256=$(printf '0%.0s' {1..63})"; do
        key=${value%%=*}
        marker_refused 4 "$key" < <(grep -v "^$key=" <<<"$whole" && printf '%s\n' "$value")
        assert_not_contains "a forged value is not repeated" "PREBAKE" "$err"
    done
    bake_untouched
}

test_marker_keys() {
    local whole
    baked_root
    whole=$(<"$root/$state/marker")
    marker_refused 4 "format 2" <<<"${whole/format=1/format=2}"
    marker_refused 4 "format" <<<"${whole/format=1/format=99999999999999999999}"
    marker_refused 7 "format=" < <(sed '/^format=/d' <<<"$whole")
    marker_refused 7 "format=" <<<"${whole/format=1/format=-1}"
    marker_refused 4 "manifest" < <(sed '/^manifest_sha256=/d' <<<"$whole")
    marker_refused 4 "manifest" <<<"${whole/manifest_sha256=*/manifest_sha256=}"
    marker_refused 7 "repeats" < <(printf '%s\nkernel=5.0\n' "$whole")
    marker_refused 7 "line 8" < <(printf '%s\nno key\n' "$whole")
    marker_refused 7 "NUL" < <(printf '%s\n\0\n' "$whole")
    marker_refused 4 "larger than 65536" \
        < <(printf '%s\n' "$whole" && for ((i = 0; i < 100000; i++)); do echo note=x; done)
    bake_untouched
}

# --- contents: the manifest

test_manifest_truncated_anywhere() {
    local size whole=$scratch/whole
    baked_root
    cp "$root/$state/manifest.mtree" "$whole"
    for ((size = 0; size < $(stat -c %s "$whole"); size += 149)); do
        head -c "$size" "$whole" >"$root/$state/manifest.mtree"
        refused '4|7' "manifest"
    done
    # At the end of a line it would still be a manifest, were it not for the digest in the marker.
    head -n -1 "$whole" >"$root/$state/manifest.mtree"
    refused 4 "not the manifest that the marker names"
    # Cut within a line it is none, whatever the marker says.
    for ((size = 10; size < $(stat -c %s "$whole"); size += 397)); do
        head -c "$size" "$whole" >"$root/$state/manifest.mtree"
        [[ -n $(tail -c 1 "$root/$state/manifest.mtree") ]] || continue
        name_manifest
        refused 7 "manifest"
    done
    bake_untouched
}

# A line of the manifest for file $1 of the root as it is.
manifest_line() {
    local path=$1 digest
    digest=$(sha256sum <"$root$path")
    printf '.%s type=file mode=0%s uid=0 gid=0 size=%s time=%s.000000000 sha256digest=%s\n' "$path" \
        "$(stat -c '%a' "$root$path")" "$(stat -c '%s' "$root$path")" \
        "$(stat -c '%Y' "$root$path")" "${digest%% *}"
}

# The manifest with /etc and a file in it, which no bake placed.
name_foreign_file() {
    local manifest=$root/$state/manifest.mtree
    printf 'root:x:0:0::/root:/bin/sh\n' >"$root/etc/passwd"
    { sed -n '1,2p' "$manifest" && echo './etc type=dir' && manifest_line /etc/passwd &&
        sed '1,2d' "$manifest"; } >"$scratch/more"
    cp "$scratch/more" "$manifest"
}

# Type, size, digest and time of the file are right, and it is not enough: the marker says which
# manifest is the bake's.
test_manifest_that_names_a_foreign_file() {
    baked_root
    name_foreign_file
    refused_unchanged 4 "not the manifest that the marker names"
    assert_exists "$root/etc/passwd"
}

# Nobody but root gets that far: the folder is root's alone (0700), marker and manifest count only as
# files that root alone can write. Whoever can write both can remove the file himself; what they say
# then is believed, for the very file that they name.
test_manifest_and_marker_that_root_rewrote() {
    baked_root
    name_foreign_file
    name_manifest
    setpriv --reuid=1000 --regid=1000 --clear-groups cat "$root/$state/marker" 2>/dev/null &&
        fail "others can look into the state folder"
    echo 'toor:x:0:0::/root:/bin/sh' >"$root/etc/passwd"
    expect 0 teardown "$root"
    assert_contains "another content than the one named is foreign" " foreign=1 " "$out"
    assert_equal "and stays" 'toor:x:0:0::/root:/bin/sh' "$(<"$root/etc/passwd")"
    outside_untouched
}

# Each is the manifest's only line after "." and what it needs; the marker names it.
manifest_refused() {
    local codes=$1 words=$2
    shift 2
    printf '%s\n' '#mtree' '. type=dir' "$@" >"$root/$state/manifest.mtree"
    name_manifest
    refused "$codes" "$words"
}

test_manifest_paths() {
    local rest='type=file mode=0644 uid=0 gid=0 size=5 time=1.000000000'
    rest+=' sha256digest=0000000000000000000000000000000000000000000000000000000000000000'
    local link='type=link mode=0777 uid=0 gid=0 link=/etc time=1.000000000'
    baked_root
    manifest_refused 4 'does not begin with "./"' "/etc/passwd $rest"
    manifest_refused 4 'does not begin with "./"' "../etc/passwd $rest"
    manifest_refused 4 '".." component' "./../etc/passwd $rest"
    manifest_refused 4 '".." component' './usr type=dir' "./usr/../etc/passwd $rest"
    manifest_refused 4 'component' ".//etc/passwd $rest"
    manifest_refused 7 'not escaped as it should be' "./\\056\\056/etc/passwd $rest"
    manifest_refused 7 'not escaped as it should be' "./a\\000b $rest"
    manifest_refused 4 'not below a directory' "./out $link" "./out/passwd $rest"
    manifest_refused 4 'not below a directory' "./etc/passwd $rest"
    manifest_refused 4 'component' "./ $rest" '. type=dir mode=0755 uid=0 gid=0'
    manifest_refused 7 'twice' "./a $rest" "./a $rest"
    manifest_refused 7 'keyword' "./a $rest flags=schg"
    manifest_refused 7 'the type is not' './a type=block'
    manifest_refused 4 'does not begin with' '/set uid=0'
    bake_untouched
}

test_manifest_contents() {
    local manifest=$scratch/whole
    baked_root
    cp "$root/$state/manifest.mtree" "$manifest"
    sed 's/^#mtree$/#mtree v2.0/' "$manifest" >"$root/$state/manifest.mtree"
    name_manifest
    refused 7 "#mtree"
    { cat "$manifest" && printf './\0\n'; } >"$root/$state/manifest.mtree"
    name_manifest
    refused 7 "NUL"
    { cat "$manifest" && head -c 17000000 /dev/zero | tr '\0' x; } >"$root/$state/manifest.mtree"
    name_manifest
    refused 4 "larger than"
    bake_untouched
}

# A manifest with $1 more lines, of files that are not there.
lengthen_manifest() {
    local rest='type=file mode=0644 uid=0 gid=0 size=5 time=1.000000000'
    rest+=' sha256digest=0000000000000000000000000000000000000000000000000000000000000000'
    awk -v rest="$rest" -v lines="$1" '{ print }
        $1 ~ "/prebake-small-user.ko$" && !done++ {
            for (i = 0; i < lines; i++)
                printf "./usr/lib/modules/zzz%06d %s\n", i, rest
        }' "$root/$state/manifest.mtree" >"$scratch/long"
    cp "$scratch/long" "$root/$state/manifest.mtree"
    name_manifest
}

test_manifest_of_100000_lines() {
    baked_root
    lengthen_manifest 100000
    refused_unchanged 4 "more than 65536 entries"
}

# As long as can be, and true: that all of it is gone is no reason to leave the rest.
test_manifest_of_65000_lines() {
    baked_root
    lengthen_manifest 65000
    expect 0 timeout 60 "$prebake_node" teardown --root "$root"
    bake_is_gone
}

baked_image_make
run_tests "$@"

#!/bin/bash
# bake --userspace: a driver's programs, libraries, firmware and configuration are laid over the
# root, all or nothing, and found there by the real loader; what is wrong with them is refused.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

userspace_kept
bake() { userspace_bake "$@"; }

# Every path of the userspace, by what the root has in its place: type, mode, owner, size, target,
# time (a directory's aside), attributes and content.
listing() {
    (cd "$1" && find . -type d -printf '%P %y %m %U:%G\n' -o -printf '%P %y %m %U:%G %s %l %T@\n' |
        sed 's,^lib/,usr/lib/,' | sort
    find usr -type f -exec getfattr --absolute-names -dm- {} + | sort)
}

test_everything_is_in_its_place() {
    userspace_root
    expect 0 bake
    (cd "$dir" && find . -type f -printf '%P\n') | while read -r path; do
        cmp "$dir/$path" "$root/$path"
    done
    mkdir "$scratch/placed"
    (cd "$dir" && find . ! -type d -printf '%P\0') | sed -z 's,^lib/,usr/lib/,' |
        tar -C "$root" --xattrs --xattrs-include='*' --null -T- -cf - |
        tar -C "$scratch/placed" --xattrs --xattrs-include='*' -xpf -
    assert_equal "what was placed" "$(listing "$dir" | grep -v ' d ' | grep -v '^#')" \
        "$(listing "$scratch/placed" | grep -v ' d ' | grep -v '^#')"
    assert_equal "a folder that was missing" "750 0:7" "$(stat -c '%a %u:%g' "$root/usr/share/nvidia")"
    assert_equal "a folder that was there" "$(stat -c '%a %u:%g %y' "$kept/root/usr/bin" | cut -d' ' -f1,2)" \
        "$(stat -c '%a %u:%g %y' "$root/usr/bin" | cut -d' ' -f1,2)"
    assert_equal "setuid" 4755 "$(stat -c %a "$root/usr/bin/nvidia-modprobe")"
    assert_contains "a capability" cap_sys_admin "$(getcap "$root/usr/bin/nvidia-capable")"
    assert_equal "one file with two names" "$(stat -c '%i 2' "$root/$userspace_own/second-name")" \
        "$(stat -c '%i %h' "$root/$userspace_own/libnvidia-extra.so.$NVIDIA_VERSION")"
    expect 0 mtree -e -p "$root" -f "$root/var/lib/prebake/manifest.mtree"
    expect 0 "$prebake" seal --root "$root"
    assert_contains "nothing had changed" "refreshed=0" "$out"
    assert_not_contains "nothing had changed" anew "$err"
    expect 0 bake
    assert_contains "the same once more" "status=unchanged" "$out"
}

# Parked, nothing of it is on the loader's path or privileged; the cache changes places with it.
test_parked_and_activated() {
    userspace_root
    local cache=$root/etc/ld.so.cache
    userspace_loader_cache "$root"
    snapshot "$root" >"$scratch/before"
    expect 0 bake --layout parked
    assert_not_contains "the loader's cache" nvidia "$(ldconfig -p -C "$cache")"
    assert_equal "privileged" "" "$(find "$root" -perm /6000; getcap -r "$root")"
    expect 0 "$prebake_node" audit --root "$root" --expect parked
    expect 0 "$prebake" seal --root "$root"
    expect 0 "$prebake_node" activate --root "$root"
    assert_contains "the loader's cache" libnvidia-extra.so.1 "$(ldconfig -p -C "$cache")"
    assert_equal "setuid" 4755 "$(stat -c %a "$root/usr/bin/nvidia-modprobe")"
    assert_contains "a capability" cap_sys_admin "$(getcap "$root/usr/bin/nvidia-capable")"
    expect 0 "$prebake_node" audit --root "$root" --expect active
    expect 0 "$prebake_node" park --root "$root"
    assert_not_contains "the loader's cache" nvidia "$(ldconfig -p -C "$cache")"
    expect 0 "$prebake_node" activate --root "$root"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "the root after the teardown" "$scratch/before" "$scratch/after"
}

# A package brings a library and runs ldconfig; the sealed image's teardown switches all the same.
test_sealed_with_another_library() {
    userspace_root
    local cache=$root/etc/ld.so.cache
    userspace_loader_cache "$root"
    expect 0 bake
    cp "$root/$userspace_libraries/libzstd.so.1" "$root/usr/lib/libtheirs.so.1"
    ldconfig -X -r "$root"
    expect 0 "$prebake" seal --root "$root"
    assert_contains "said" "made the loader's cache anew" "$err"
    assert_contains "the loader's cache" libnvidia-extra.so.1 "$(ldconfig -p -C "$cache")"
    expect 0 strace -f -qq -e trace=execve -e signal=none -o "$scratch/execve" \
        "$prebake_node" teardown --root "$root"
    assert_not_contains "what the teardown started" ldconfig "$(<"$scratch/execve")"
    assert_not_contains "the loader's cache" nvidia "$(ldconfig -p -C "$cache")"
    cp "$cache" "$scratch/cache"
    ldconfig -X -r "$root"
    cmp "$scratch/cache" "$cache"
}

# The real loader's view, from inside.
test_the_loader_finds_it() {
    root=$(overlay_root node)
    dir=$kept/userspace
    expect 0 bake
    assert_contains "ldconfig -p" "libnvidia-ml.so.1 " "$(chroot "$root" ldconfig -p)"
    assert_contains "ldconfig -p" "/$userspace_own/libnvidia-extra.so.1" "$(chroot "$root" ldconfig -p)"
    expect 0 chroot "$root" /lib64/ld-linux-x86-64.so.2 --list "/$userspace_own/libnvidia-extra.so.1"
    assert_contains "the loader" "libnvidia-ml.so.1 => " "$out"
    run chroot "$root" nvidia-smi
    assert_contains "nvidia-smi" "couldn't communicate with the NVIDIA driver" "$out$err"
    expect 0 teardown "$root"
    assert_not_contains "ldconfig -p" nvidia "$(chroot "$root" ldconfig -p)"
}

test_plan_and_report() {
    userspace_root
    expect 0 bake --dry-run
    assert_contains "the plan" "10 files, 3 links" "$out"
    assert_contains "the plan" "/usr/bin/nvidia-capable, /usr/bin/nvidia-modprobe" "$out"
    expect 0 bake --dry-run --json
    assert_equal "files" 10 "$(jq .userspace.files <<<"$out")"
    assert_equal "privileged" '["/usr/bin/nvidia-capable","/usr/bin/nvidia-modprobe"]' \
        "$(jq -c .userspace.privileged <<<"$out")"
    expect 0 bake --json
    assert_equal "facts" "$(jq -r .userspace <"$root/var/lib/prebake/facts")" \
        "$(jq -r .userspace.sha256 <<<"$out")"
}

# Refused before anything is changed, with what is wrong in the sentence.
refused() { expect_refusal_unchanged "$root" "$1" "$2" bake; }

test_what_is_there_is_not_overwritten() {
    userspace_root
    echo theirs >"$root/usr/bin/nvidia-smi"
    refused 4 /usr/bin/nvidia-smi
    rm "$root/usr/bin/nvidia-smi"
    ln -s nowhere "$root/$userspace_libraries/libnvidia-ml.so.1"
    refused 4 libnvidia-ml.so.1
    rm "$root/$userspace_libraries/libnvidia-ml.so.1"
    mkdir -p "$root/etc/modprobe.d/nvidia-blacklist.conf"
    refused 4 nvidia-blacklist.conf
    rmdir "$root/etc/modprobe.d/nvidia-blacklist.conf"
    echo theirs >"$root/usr/share"
    refused 4 /usr/share
}

test_what_can_not_be_placed() {
    userspace_root
    mkfifo "$dir/usr/bin/pipe"
    refused 4 /usr/bin/pipe
    rm "$dir/usr/bin/pipe"
    mknod "$dir/usr/bin/null" c 1 3
    refused 4 /usr/bin/null
    rm "$dir/usr/bin/null"
    ln -s ../../../../outside "$dir/usr/bin/link"
    refused 4 "leads out of the root"
    ln -sfn /usr/../../outside "$dir/usr/bin/link"
    refused 4 "leads out of the root"
    rm "$dir/usr/bin/link"
    touch "$dir/usr/bin/"$'a\nb'
    refused 4 "control characters"
    rm "$dir/usr/bin/"$'a\nb'
    touch "$dir/usr/bin/"$'caf\xe9'
    refused 4 'caf\xE9 has control characters in its name, or bytes that are no UTF-8 text'
    expect_refusal 4 'caf\xE9' bake --dry-run
    rm "$dir/usr/bin/"$'caf\xe9'
    ln -s $'x\ny' "$dir/usr/bin/link"
    refused 4 "control characters"
    rm "$dir/usr/bin/link"
    touch "$dir/lib/twice" "$dir/usr/lib/twice"
    refused 4 /usr/lib/twice
    rm "$dir/lib/twice" "$dir/usr/lib/twice"
    chmod 0777 "$dir/usr/share/nvidia"
    refused 4 /usr/share/nvidia
    chmod 0750 "$dir/usr/share/nvidia"
    chown 1000 "$dir"
    refused 4 "others than root"
}

test_places_that_are_not_for_it() {
    local place
    userspace_root
    for place in "lib/modules/$KERNEL/nvidia.ko" var/lib/dkms/x/1 var/lib/prebake/marker \
        etc/ld.so.cache dev/nvidia0 run/nvidia/x; do
        install -D /dev/null "$dir/$place"
        refused 4 "$place"
        rm -r "${dir:?}/${place%%/*}"
        cp -a "$kept/userspace/${place%%/*}" "$dir/" 2>/dev/null || true
    done
}

test_no_such_directory() {
    userspace_root
    dir=$scratch/nowhere
    refused 2 nowhere
    touch "$dir"
    refused 2 "not a directory"
    rm "$dir"
    mkdir "$dir"
    refused 2 "nothing in it"
}

# S3: one version in modules, libraries, programs and firmware; nvidia-modprobe by its first number.
test_another_driver_version() {
    userspace_root
    mv "$dir/$userspace_libraries/libnvidia-ml.so.$NVIDIA_VERSION" \
        "$dir/$userspace_libraries/libnvidia-ml.so.550.163.01"
    refused 4 "libnvidia-ml.so.550.163.01 is of driver version 550.163.01, the modules are of $NVIDIA_VERSION"
    mv "$dir/$userspace_libraries/libnvidia-ml.so.550.163.01" \
        "$dir/$userspace_libraries/libnvidia-ml.so.$NVIDIA_VERSION"
    mv "$dir/lib/firmware/nvidia/$NVIDIA_VERSION" "$dir/lib/firmware/nvidia/535.216.03"
    refused 4 535.216.03
    mv "$dir/lib/firmware/nvidia/535.216.03" "$dir/lib/firmware/nvidia/$NVIDIA_VERSION"
    sed -i "s/$NVIDIA_VERSION/535.216.03/g" "$dir/usr/bin/nvidia-smi"
    refused 4 "nvidia-smi is of driver version 535.216.03"
    cp "$kept/userspace/usr/bin/nvidia-smi" "$dir/usr/bin/"
    # It is released on its own: which 535 it is depends on the day.
    sed -Ei "s/\b${NVIDIA_VERSION%%.*}(\.[0-9]+\.[0-9]+)/550\1/g" "$dir/usr/bin/nvidia-modprobe"
    refused 4 "nvidia-modprobe is of driver version 550."
}

test_a_library_is_missing() {
    userspace_root
    rm "$dir/$userspace_libraries/libnvidia-ml.so.1"
    expect_refusal_unchanged "$root" 13 \
        "libnvidia-extra.so.$NVIDIA_VERSION needs libnvidia-ml.so.1" bake
}

# Another userspace is another bake.
test_another_userspace() {
    userspace_root
    expect 0 bake
    echo changed >>"$dir/usr/share/nvidia/files.d"
    expect_refusal 4 "already carries a bake" bake
    expect 0 bake --replace
    assert_equal "the new one" "text changed" "$(paste -sd' ' "$root/usr/share/nvidia/files.d")"
}

test_no_room() {
    userspace_root
    local small=$scratch/small
    mkdir "$small"
    mount -t tmpfs -o size=24M tmpfs "$small"
    cp -a "$root/." "$small"
    root=$small
    head -c 64M /dev/urandom >"$dir/usr/share/nvidia/large"
    refused 9 "MiB are needed"
}

# Hundreds of megabytes go through no memory of ours.
test_memory() {
    userspace_root
    head -c 500M /dev/urandom >"$dir/usr/share/nvidia/large"
    expect 0 /usr/bin/time -f 'peak %M' "$prebake" bake --root "$root" --source "$kept/source" \
        --kernel "$KERNEL" --cache "$kept/bundles" --userspace "$dir"
    cmp "$dir/usr/share/nvidia/large" "$root/usr/share/nvidia/large"
    local peak=${err##*peak }
    ((peak < 80000)) || fail "the peak memory of a bake of 500 MB is $peak kB"
    expect 0 /usr/bin/time -f 'peak %M' "$prebake_node" teardown --root "$root"
    peak=${err##*peak }
    ((peak < 30000)) || fail "the peak memory of the teardown is $peak kB"
}

run_tests "$@"

#!/bin/bash
# Bad input: each has its exit status and a sentence that names what is wrong, and the root stays
# as it was.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/archives.sh
. "$test_lib/archives.sh"

headers=usr/src/linux-headers-$KERNEL

# A bake of source $1 into $root, which must be refused with status $2 naming $3 and change nothing.
bake_refused() {
    local source=$1 code=$2 words=$3
    shift 3
    expect_refusal_unchanged "$root" "$code" "$words" "$prebake" bake --root "$root" \
        --source "$source" --kernel "$KERNEL" --cache "$cache" "$@"
}

good_source() { small_source 1.0 "$scratch/good" && printf '%s\n' "$scratch/good"; }

# A source with a fault that the command in the other arguments puts in.
faulty_source() {
    small_source 1.0 "$scratch/faulty"
    (cd "$scratch/faulty" && "$@")
    printf '%s\n' "$scratch/faulty"
}

test_no_headers_for_the_kernel() {
    expect_refusal_unchanged "$root" 21 "linux-headers-6.1.0-99-cloud-amd64" "$prebake" bake \
        --root "$root" --source "$(good_source)" --kernel 6.1.0-99-cloud-amd64
    assert_contains "it says which are there" "$KERNEL" "$err"
}

test_headers_link_dangles() {
    root=$(overlay_root node)
    rm -r "${root:?}/$headers"
    bake_refused "$(good_source)" 21 "linux-headers-$KERNEL"
}

test_headers_without_symvers() {
    root=$(overlay_root node)
    rm "$root/$headers/Module.symvers"
    bake_refused "$(good_source)" 7 "Module.symvers"
}

test_several_kernels_and_none_named() {
    root=$(overlay_root node)
    mkdir "$root/lib/modules/6.1.0-50-cloud-amd64"
    ln -s "/$headers" "$root/lib/modules/6.1.0-50-cloud-amd64/build"
    expect_refusal_unchanged "$root" 2 "--kernel" "$prebake" bake --root "$root" \
        --source "$(good_source)"
    assert_contains "the first is listed" "6.1.0-47-cloud-amd64" "$err"
    assert_contains "the second is listed" "6.1.0-50-cloud-amd64" "$err"
}

test_impossible_kernel_name() {
    expect_refusal_unchanged "$root" 2 "../../etc" "$prebake" bake --root "$root" \
        --source "$(good_source)" --kernel ../../etc
}

# Every file of the headers that says which compiler built the kernel.
claim_compiler() {
    grep -rl CONFIG_CC_VERSION_TEXT "$root/$headers"/{.config,include} |
        xargs sed -i "s/CONFIG_CC_VERSION_TEXT\([ =]\).*/CONFIG_CC_VERSION_TEXT\1\"$1\"/"
}

test_missing_compiler() {
    root=$(overlay_root node)
    claim_compiler 'gcc-99 (Debian 99.1.0-1) 99.1.0'
    bake_refused "$(good_source)" 13 "gcc-99"
}

test_compiler_of_another_version() {
    root=$(overlay_root node)
    claim_compiler 'gcc-12 (Debian 12.1.0-9) 12.1.0'
    bake_refused "$(good_source)" 13 "12.1.0-9"
    assert_contains "the one that is there is named" "12.2.0" "$err"
    assert_contains "and the way out" "--allow-cc-mismatch" "$err"
}

# With /usr/include covered by an empty directory.
without_libc_headers() {
    mkdir -p "$scratch/empty"
    # shellcheck disable=SC2016  # the inner shell expands them
    unshare -m bash -c 'mount --bind "$0" /usr/include && exec "$@"' "$scratch/empty" "$@"
}

test_no_libc_headers() {
    expect_refusal_unchanged "$root" 13 "libc6-dev" without_libc_headers "$prebake" bake \
        --root "$root" --source "$(good_source)" --kernel "$KERNEL"
    assert_not_contains "nothing was compiled" "CC [M]" "$out$err"
}

test_no_source() { bake_refused "$scratch/nowhere" 2 "$scratch/nowhere"; }

test_source_without_dkms_conf() { bake_refused "$(faulty_source rm dkms.conf)" 7 "dkms.conf"; }

test_source_that_is_no_source() { bake_refused /etc/hostname 2 "/etc/hostname"; }

test_dkms_conf_without_version() {
    bake_refused "$(faulty_source sed -i /PACKAGE_VERSION=/d dkms.conf)" 7 "PACKAGE_VERSION"
}

test_dkms_conf_with_a_path_as_version() {
    bake_refused "$(faulty_source sed -i 's,VERSION=.*,VERSION=../../../etc,' dkms.conf)" 7 "../etc"
}

test_dkms_conf_that_names_no_module() {
    bake_refused "$(faulty_source sed -i /MODULE_/d dkms.conf)" 7 "DEST_MODULE_LOCATION"
}

exclude_kernel() { echo 'BUILD_EXCLUSIVE_KERNEL="^2\.6"' >>dkms.conf; }

test_excluded_by_dkms_conf() { bake_refused "$(faulty_source exclude_kernel)" 77 "BUILD_EXCLUSIVE"; }

with_post_install() { echo 'POST_INSTALL="after.sh"' >>dkms.conf; }

test_source_with_scripts() {
    bake_refused "$(faulty_source with_post_install)" 4 "POST_INSTALL"
    assert_contains "the way out" "--ignore-scripts" "$err"
}

test_source_that_does_not_compile() {
    bake_refused "$(faulty_source sed -i 's/return 42/return answer/' small_core.c)" 11 \
        "small_core.c:"
    assert_contains "the compiler's words" "‘answer’ undeclared" "${err//\'answer\'/‘answer’}"
    assert_log_is_kept small_core.c
}

test_source_whose_module_is_not_built() {
    bake_refused "$(faulty_source sed -i 's/ small_user.o//' Kbuild)" 11 "small_user"
}

# A symbol that the kernel does not export: modpost stops the build.
test_source_with_unresolved_symbol() {
    bake_refused "$(faulty_source sed -i 's/small_core_answer/no_such_symbol/' small_user.c)" 11 \
        "no_such_symbol"
}

test_read_only_root() {
    mkdir "$scratch/read-only"
    mount --bind "$root" "$scratch/read-only"
    mount -o remount,bind,ro "$scratch/read-only"
    root=$scratch/read-only
    bake_refused "$(good_source)" 4 "read-only"
}

test_ostree_root() {
    root=$(overlay_root node)
    mkdir -p "$root/ostree/repo"
    bake_refused "$(good_source)" 4 "OSTree"
}

test_no_root() {
    expect_refusal 2 "$scratch/nowhere" "$prebake" bake --root "$scratch/nowhere" \
        --source "$(good_source)" --kernel "$KERNEL"
    assert_absent "$scratch/nowhere"
}

test_module_of_someone_else_in_the_place() {
    root=$(overlay_root node)
    mkdir -p "$root/lib/modules/$KERNEL/updates/dkms"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" \
        "$root/lib/modules/$KERNEL/updates/dkms/prebake-small-core.ko"
    bake_refused "$(good_source)" 4 "prebake-small-core.ko"
}

test_planted_link_in_the_place() {
    root=$(overlay_root node)
    mkdir -p "$scratch/outside" "$root/lib/modules/$KERNEL/updates"
    ln -s "$scratch/outside" "$root/lib/modules/$KERNEL/updates/dkms"
    expect_refusal_unchanged "$root" 4 "updates/dkms" "$prebake" bake --root "$root" \
        --source "$(good_source)" --kernel "$KERNEL" --cache "$cache"
    assert_equal "nothing outside" "" "$(ls -A "$scratch/outside")"
}

test_registered_with_dkms_already() {
    root=$(overlay_root node)
    mkdir -p "$root/var/lib/dkms/$small_name/1.0/$KERNEL/x86_64/module"
    ln -s "/usr/src/$small_name-1.0" "$root/var/lib/dkms/$small_name/1.0/source"
    bake_refused "$(good_source)" 4 "$small_name"
}

# A bundle planted there would be baked.
test_cache_that_others_can_write() {
    install -d -m 0777 "$scratch/open-cache"
    expect_refusal_unchanged "$root" 4 "open-cache" "$prebake" bake --root "$root" \
        --source "$(good_source)" --kernel "$KERNEL" --cache "$scratch/open-cache"
}

test_usage() {
    expect_refusal 2 "--source" "$prebake" bake --root "$root" --kernel "$KERNEL"
    expect_refusal 2 "--colour" "$prebake" bake --colour
    expect_refusal 2 "--compress" "$prebake" bake --root "$root" --source . --compress lzma
    expect_refusal 2 "bakery" "$prebake" bakery
    expect_refusal 2 "erase" "$prebake_node" erase
}

make_key() {
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj "/CN=$1" -days 2 \
        -keyout "$scratch/$1.pem" -out "$scratch/$1.crt" 2>/dev/null
}

test_signing_policy() {
    make_key one
    make_key two
    bake_refused "$(good_source)" 10 "--require-signature" --require-signature
    bake_refused "$scratch/good" 2 "--sign-cert" --sign-key "$scratch/one.pem"
    bake_refused "$scratch/good" 10 'certificate of "two"' --sign-key "$scratch/one.pem" \
        --sign-cert "$scratch/two.crt"
    bake_refused "$scratch/good" 10 "missing.pem" --sign-key "$scratch/missing.pem" \
        --sign-cert "$scratch/one.crt"
}

# A package with one hostile member: refused before anything is unpacked outside.
hostile_package_refused() {
    local words=$1
    make_deb "$scratch/evil.deb" "$scratch/data.tar"
    bake_refused "$scratch/evil.deb" 4 "$words"
    assert_absent "$scratch/outside/evil"
}

test_package_with_dot_dot() {
    data_with_renamed_member "$scratch/data.tar" 's,^evil,./usr/src/../../../evil-up,'
    hostile_package_refused "evil-up"
    assert_equal "nothing escaped" "" "$(find "$build" /tmp -xdev -maxdepth 4 -name evil-up)"
}

test_package_with_absolute_path() {
    mkdir "$scratch/outside"
    data_with_renamed_member "$scratch/data.tar" "s,^evil,$scratch/outside/evil,"
    hostile_package_refused "$scratch/outside/evil"
}

test_package_with_link_that_leads_out() {
    data_with "$scratch/data.tar" ln -s ../../../../../../etc/passwd leak
    hostile_package_refused "leak"
}

test_package_that_goes_through_a_link() {
    mkdir "$scratch/outside"
    data_through_link "$scratch/data.tar" "$scratch/outside"
    hostile_package_refused "out"
}

test_package_with_hard_link_that_leads_out() {
    data_with_hard_link "$scratch/data.tar" /etc/shadow
    hostile_package_refused "hard link to something outside"
}

test_package_with_device() {
    data_with "$scratch/data.tar" mknod device b 8 0
    hostile_package_refused "device"
}

test_truncated_package() {
    local size package
    package=$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")
    for size in 70 1000 30000000; do
        head -c "$size" "$package" >"$scratch/short.deb"
        bake_refused "$scratch/short.deb" 7 "short.deb"
    done
}

# Too little is left to tell what it was.
test_package_of_a_few_bytes() {
    printf '!<ar' >"$scratch/short.deb"
    bake_refused "$scratch/short.deb" 2 "short.deb"
    : >"$scratch/short.deb"
    bake_refused "$scratch/short.deb" 7 "short.deb"
}

test_package_without_source() {
    bake_refused "$(apt_downloaded linux-kbuild-6.1)" 7 "dkms.conf"
}

root=$(overlay_root node)
run_tests "$@"

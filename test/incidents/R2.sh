#!/bin/bash
# R2 (clearlinux 2792): a prebaked module that DKMS does not know is in the way of `dkms install` of
# the same version: it gives up, or does not replace the file. An activated bake is DKMS' own: what
# the real dkms makes of it is `installed`, the modules stay those of the manifest, and dkms can take
# them out.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"
# shellcheck source=scripts/lib/dkms-releases.sh
. "$scripts/lib/dkms-releases.sh"

folder=lib/modules/$KERNEL/updates/dkms
module=$folder/$small_name-core.ko

# A root with dkms as $1: "own", or the Debian release to take it from.
root_with_dkms() {
    local root
    root=$(overlay_root dkms "layers-$1")
    [[ $1 == own ]] || dpkg-deb --fsys-tarfile "$(apt_downloaded "$1/dkms")" |
        tar -x -C "$root" --keep-directory-symlink
    printf '%s\n' "$root"
}

# Its files and its source, without a registration.
unregistered() {
    local root before
    root=$(root_with_dkms "$1")
    expect 0 bake_small "$root" 1.0
    rm -r "$root/var/lib/dkms/$small_name"
    before=$(sha256sum <"$root/$module")
    dkms_in "$root" add "$small_name/1.0" >&2
    run dkms_in "$root" install "$small_name/1.0" -k "$KERNEL"
    if ((status == 0)); then
        assert_equal "dkms says installed, and the file is" "$before" "$(sha256sum <"$root/$module")"
    else
        assert_equal "dkms install" 6 "$status"
    fi
}

activated() {
    local root package=$small_name/1.0
    root=$(root_with_dkms "$1")
    expect 0 bake_small "$root" 1.0 --layout parked
    expect 0 "$prebake_node" activate --root "$root"
    snapshot "$root" >"$scratch/before"
    run dkms_in "$root" install "$package" -k "$KERNEL"
    assert_equal "dkms status" "$package, $KERNEL, x86_64: installed" "$(dkms_in "$root" status)"
    expect 0 dkms_in "$root" autoinstall -k "$KERNEL"
    assert_not_contains "autoinstall" Building "$out$err"
    grep "^/usr/$folder/" "$scratch/before" >"$scratch/placed"
    snapshot "$root" | grep "^/usr/$folder/" >"$scratch/now"
    assert_same_tree "the modules are those of the manifest" "$scratch/placed" "$scratch/now"
    expect 0 dkms_in "$root" remove "$package" --all
    assert_equal "dkms status" "" "$(dkms_in "$root" status)"
    assert_absent "$root/$module"
    expect 0 teardown "$root"
}

test_r2_unregistered() { unregistered own; }

test_r2_unregistered_newer_dkms() { unregistered "$NEWER_RELEASE"; }

test_r2_activated() { activated own; }

test_r2_activated_newer_dkms() {
    activated "$NEWER_RELEASE"
    assert_contains "which dkms it was" "dkms-3.2" \
        "$(in_root "$scratch/layers-$NEWER_RELEASE/root" dkms --version)"
}

run_tests "$@"

#!/bin/bash
# Law 2 over NVIDIA's open modules: compiled and installed by the real dkms on one side, baked on the
# other, and no difference but in what tells of two builds.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/parity.sh
. "$test_lib/parity.sh"

# Parked and active again, too.
test_open_driver_same_as_dkms() {
    local ours theirs
    ours=$(overlay_root dkms ours)
    theirs=$(overlay_root dkms theirs)
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" |
        tar -x -C "$theirs" --keep-directory-symlink ./usr/src
    dkms_installs "$theirs" "$nvidia"
    bake_nvidia "$ours"
    assert_dkms_status "$ours" "$(installed "$nvidia")"
    assert_same_registration "$ours" "$theirs" "$nvidia"
    activate_again "$ours"
    assert_dkms_status "$ours" "$(installed "$nvidia")"
    assert_same_registration "$ours" "$theirs" "$nvidia"
}

run_tests "$@"

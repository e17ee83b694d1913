#!/bin/bash
# S4 (AgentBaker 8919): a GRID driver was installed over a stale CUDA driver. The old set is gone first,
# and when it is not, the exit status says so.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/baked-image.sh
. "$test_lib/baked-image.sh"
# shellcheck source=test/lib/legacy.sh
. "$test_lib/legacy.sh"
# shellcheck source=test/lib/reconciling.sh
. "$test_lib/reconciling.sh"

# The full installation of a GRID driver, which takes the places of the CUDA one.
install_grid() {
    local modules=$root/usr/lib/modules/$KERNEL/updates/dkms
    install -D -m 644 "$root/usr/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" \
        "$modules/$small_name-core.ko"
    (umask 022 && depmod -b "$root" "$KERNEL")
}

# What a provisioning script does with the exit status: nothing is installed over what is left.
provision() {
    run managed grid "$1"
    [[ $status == 5 ]] && install_grid
}

# Without a look at what is there, modules of both drivers are found.
test_s4_installed_over_the_old_one() {
    image_root cuda-active
    install_grid
    expect 0 modprobe -d "$root" -S "$KERNEL" --show-depends "$small_name-user"
    assert_exists "$root/var/lib/dkms/$small_name/1.0"
}

test_s4_the_old_set_is_gone_first() {
    local layout
    for layout in active parked; do
        image_root "cuda-$layout"
        provision 2.0 || fail "the status is $status: $err"
        assert_decision action=teardown reason=kind_differs
        run modprobe -d "$root" -S "$KERNEL" --show-depends "$small_name-user"
        ((status != 0)) || fail "a module of the old set is left: $out"
        assert_absent "$root/var/lib/dkms/$small_name"
        assert_absent "$root/$state"
        expect 0 modprobe -d "$root" -S "$KERNEL" --show-depends "$small_name-core"
    done
}

# One file that can't go: 3 wins over 5, and the next run ends it.
test_s4_the_exit_status_is_honoured() {
    local held=usr/src/$small_name-1.0/dkms.conf
    image_root cuda-active
    mount --bind "$root/$held" "$root/$held"
    ! provision 2.0 || fail "installed over what was left"
    assert_equal "the exit status" 3 "$status"
    assert_decision action=teardown reason=kind_differs skip_build=false status=incomplete
    assert_contains "its event" "action=incomplete" "$(grep grid_cuda_prebake_teardown <<<"$out")"
    assert_exists "$root/$state/marker"
    umount "$root/$held"
    provision 2.0 || fail "the status is $status: $err"
    assert_decision reason=teardown_begun status=done
    assert_absent "$root/$held"
    assert_absent "$root/$state"
}

reconciling_images cuda
run_tests "$@"

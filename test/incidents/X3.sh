#!/bin/bash
# X3 (CVE-2026-24190, CVE-2021-1056): any local user could reach the driver on nodes that never needed
# one: opening a device node, or a socket of a family, has the kernel load what claims it by alias. While
# the bake is parked nothing claims it.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"
# shellcheck source=test/lib/fake-stack.sh
. "$test_lib/fake-stack.sh"

# A user without privileges opens the node that nvidia-modprobe, or an image's tmpfiles, made. No
# device of that kind is there.
test_x3_a_user_loads_the_driver() {
    stack_boot "$root" <<'GUEST'
echo /sbin/modprobe >/proc/sys/kernel/modprobe
mknod -m 0666 /dev/nvidiactl c 195 255
as_user() { setpriv --reuid=1000 --regid=1000 --clear-groups bash -c "exec <$1"; }
step before loaded
as_user /dev/nvidiactl
step active loaded
step reach as_user /dev/nvidia0
step park prebake-node park
step parked loaded
as_user /dev/nvidiactl
step parked-still loaded
step alias modprobe -n char-major-195-255
step activate prebake-node activate
as_user /dev/nvidiactl
step activated loaded
step teardown prebake-node teardown
as_user /dev/nvidiactl
step gone loaded
GUEST
    assert_equal "before" "" "$(said before)"
    assert_equal "active: a user had it loaded" nvidia "$(said active)"
    assert_step reach 0
    assert_step park 0
    assert_equal "parked: unloaded" "" "$(said parked)"
    assert_equal "parked: a user could not load it" "" "$(said parked-still)"
    assert_step alias 1
    assert_step activate 0
    assert_equal "active again" nvidia "$(said activated)"
    assert_step teardown 0
    assert_equal "after the teardown" "" "$(said gone)"
}

root=$(stack_root)
run_tests "$@"

#!/bin/bash
# The baked NVIDIA modules on the real kernel: accepted while baked, not found after the teardown.
# The kernel takes the module (version magic, symbol versions) and runs its init, which finds no GPU.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/vm.sh
. "$test_lib/vm.sh"

# A Tesla T4 as the kernel announces it to udev.
gpu_alias=pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00

# Loads each module, teardown, then looks for them again.
guest_script() {
    cat <<SCRIPT
modprobe -R $gpu_alias
modprobe $open_name && exit 90
dmesg | grep -E 'NVRM|nvidia' || exit 91
dmesg | grep -E 'disagrees about|version magic|Unknown symbol' && exit 92
prebake-node teardown
modprobe -n $open_name && exit 93
modprobe -R $gpu_alias && exit 94
dmesg -c >/dev/null
echo nothing is found
SCRIPT
}

test_accepted_then_gone() {
    local root
    root=$(fresh_root node)
    bake_nvidia "$root"
    vm_expect "$root" "$(guest_script)"
    assert_contains "the alias leads to it" "${open_name//-/_}" "$out"
    assert_contains "init ran" "NVRM: No NVIDIA GPU found." "$out"
    assert_contains "modprobe reports ENODEV" "No such device" "$out"
    assert_contains "the node's own teardown" "status=cleaned" "$out"
    assert_contains "modprobe -n after the teardown" "Module $open_name not found" "$out"
    assert_contains "the script came to its end" "nothing is found" "$out"
}

run_tests "$@"

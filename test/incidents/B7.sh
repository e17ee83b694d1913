#!/bin/bash
# B7 (AgentBaker b462446e1e, amazon-eks-ami 2768): the fast path matched, but that branch of the driver
# no longer had the GPU in it (V100). The devices that the modules are for are baked with them.
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

v100=pci:v000010DEd00001DB1sv000010DEsd00001212bc03sc02i00
t4=pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00
other_vendor=pci:v00001AF4d00001050sv00001AF4sd00001100bc03sc00i00

# A driver for the T4 alone.
turing_source() {
    small_source 1.0 "$scratch_base/small-1.0"
    sed -i 's/PCI_DEVICE(0x1af4, 0xfff0)/PCI_DEVICE(0x10de, 0x1eb8)/' "$scratch_base/small-1.0/small_core.c"
}

# A node with these devices.
devices() {
    local number=0 modalias
    sysfs=$scratch/sys
    rm -rf "$sysfs"
    mkdir -p "$sysfs"
    for modalias; do
        number=$((number + 1))
        mkdir -p "$sysfs/bus/pci/devices/0000:0$number:00.0"
        echo "$modalias" >"$sysfs/bus/pci/devices/0000:0$number:00.0/modalias"
    done
}

# What matched: the marker of the image and what the node wants.
fast_path() { grep -qx "kernel=$KERNEL" "$root$own_compat" && grep -qx driver_version=1.0 "$root$own_compat"; }

# The V100 is in no alias of the modules, so that modprobe finds nothing for it.
test_b7_the_fast_path_matches() {
    image_root cuda-active
    fast_path || fail "the marker should match"
    run modprobe -d "$root" -S "$KERNEL" -n "$v100"
    ((status != 0)) || fail "modprobe has a module for it: $out"
    expect 0 modprobe -d "$root" -S "$KERNEL" -R "$t4"
}

test_b7_unsupported_is_a_full_install() {
    local layout
    for layout in active parked; do
        image_root "cuda-$layout"
        devices "$other_vendor" "$v100"
        expect 5 managed cuda 1.0 --sysfs "$sysfs"
        assert_decision action=teardown reason=gpu_unsupported skip_build=false
        assert_contains "the GPU is named" "$v100" "$err"
        marker_is_gone "$layout"
    done
}

# Before anything is placed or loaded.
test_b7_nothing_is_activated() {
    image_root cuda-parked
    devices "$v100"
    expect 5 strace -f -qq -y -e trace=renameat2,renameat,linkat -o "$scratch/renamed" \
        "$prebake_node" reconcile --root "$root" --gpu-node=true --skip-driver=false \
        --driver-type=cuda --driver-version=1.0 --kernel "$KERNEL" --sysfs "$sysfs"
    assert_not_contains "what was renamed" "$small_name-core.ko" "$(<"$scratch/renamed")"
}

test_b7_one_of_two_is_not_supported() {
    image_root cuda-active
    devices "$t4" "$v100"
    expect 5 managed cuda 1.0 --sysfs "$sysfs"
    assert_decision reason=gpu_unsupported
}

test_b7_supported_is_kept() {
    image_root cuda-active
    devices "$other_vendor" "$t4"
    expect 0 managed cuda 1.0 --sysfs "$sysfs"
    assert_decision action=keep reason=matches skip_build=true
}

# A GPU that comes later needs its driver then.
test_b7_no_gpu_is_no_objection() {
    image_root cuda-active
    devices "$other_vendor"
    expect 0 managed cuda 1.0 --sysfs "$sysfs"
    devices
    expect 0 managed cuda 1.0 --sysfs "$sysfs"
    assert_decision action=keep skip_build=true
}

k80=pci:v000010DEd0000102Dsv000010DEsd0000106Cbc03sc02i00

# As the driver brings it: the V100 is not for the open modules, the K80 is another branch's.
put_list() {
    cat >"$scratch/supported-gpus.json" <<'END'
{"chips": [
  {"devid": "0x102D", "name": "Tesla K80", "legacybranch": "470.xx", "features": []},
  {"devid": "0x1DB1", "name": "Tesla V100-SXM2-16GB", "features": ["runtimepm"]},
  {"devid": "0x1EB8", "name": "Tesla T4", "features": ["kernelopen", "runtimepm"]}
]}
END
}

# NVIDIA's modules claim all that NVIDIA ever made: modprobe finds them for any, and they then say that
# they are not for it. The driver's own list tells before.
test_b7_nvidias_modules_claim_every_gpu() {
    local gpu
    root=$(overlay_root node)
    put_list
    bake_nvidia "$root"
    expect 0 modprobe -d "$root" -S "$KERNEL" -R "$v100"
    devices "$v100"
    expect 0 managed cuda "$NVIDIA_VERSION" --sysfs "$sysfs"
    assert_decision action=keep skip_build=true
    bake_nvidia "$root" --replace --supported-gpus "$scratch/supported-gpus.json"
    devices "$t4" "$other_vendor"
    expect 0 managed cuda "$NVIDIA_VERSION" --sysfs "$sysfs"
    assert_decision action=keep reason=matches skip_build=true
    for gpu in "$v100" "$k80"; do
        devices "$t4" "$gpu"
        expect 5 managed cuda "$NVIDIA_VERSION" --sysfs "$sysfs" --observe
        assert_decision action=teardown reason=gpu_unsupported skip_build=false
        assert_contains "the GPU is named" "$gpu" "$err"
    done
    expect 5 managed cuda "$NVIDIA_VERSION" --sysfs "$sysfs"
    assert_absent "$root/lib/modules/$KERNEL/updates/dkms/$open_name.ko"
}

# Another list is another bake.
test_b7_another_list() {
    root=$(overlay_root node)
    put_list
    bake_nvidia "$root" --supported-gpus "$scratch/supported-gpus.json"
    expect 0 bake_nvidia "$root" --supported-gpus "$scratch/supported-gpus.json"
    assert_contains "telemetry" "status=unchanged" "$out"
    expect_refusal 4 "already carries a bake" bake_nvidia "$root"
    echo '{"chips": []}' >"$scratch/none.json"
    expect_refusal 7 "$scratch/none.json" bake_nvidia "$root" --replace \
        --supported-gpus "$scratch/none.json"
    expect_refusal 2 "$scratch/nowhere" bake_nvidia "$root" --supported-gpus "$scratch/nowhere"
}

turing_source
reconciling_images cuda
run_tests "$@"

#!/usr/bin/env bats
# The provisioning functions of scripts/aks on nodes that start from real images: the shell runs in a
# chroot, with the prebake-node that is there. Stand-ins are only for exit statuses that are hard to make.
# Run by test/aks/run.
# shellcheck disable=SC2016  # expanded by the shell in the chroot

legacy_marker=/opt/azure/aks-gpu/dkms-marker
sets=('' 'set -e;' 'set -u;' 'set -o pipefail;' 'set -euo pipefail;' 'set -eu; shopt -s inherit_errexit;')

setup() {
    root=$BATS_TEST_TMPDIR/root
}

teardown() {
    umount -R "$root"
}

# A node from image $1.
node() {
    mkdir -p "$root" "$BATS_TEST_TMPDIR/upper" "$BATS_TEST_TMPDIR/work"
    mount -t overlay overlay "$root" -o \
        "lowerdir=$LAYERS/$1/upper:$NODE_ROOT,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work"
}

# What a provisioning script does: the text $1 after the functions, in an environment of the other
# arguments. $output is all it said, $status its end.
provision() {
    local script=$1
    shift
    run env -i PATH=/usr/sbin:/usr/bin "$@" chroot "$root" bash -c ". /opt/prebake-gpu.sh; $script"
}

# A chroot runs this machine's kernel: prebake-node is told the image's instead.
runs_the_images_kernel() {
    mv "$root/usr/sbin/prebake-node" "$root/usr/sbin/prebake-node.real"
    printf '#!/bin/bash\nexec prebake-node.real "$@" --kernel "%s"\n' "$KERNEL" >"$root/usr/sbin/prebake-node"
    chmod +x "$root/usr/sbin/prebake-node"
}

# In place of prebake-node: says what standard input has, and ends with status $1. Its arguments are
# left in /arguments.
stand_in() {
    cat >"$root/stand-in.out"
    printf '#!/bin/bash\nprintf "%%s\\n" "$@" >/arguments\ncat /stand-in.out\nexit %s\n' "$1" \
        >"$root/usr/sbin/prebake-node"
    chmod +x "$root/usr/sbin/prebake-node"
}

# The lines of $output that are events called $1.
events() { grep "^AKS_GPU_PREBAKE event=$1 " <<<"$output"; }

no_trace() {
    [ ! -e "$root/var/lib/prebake" ]
    [ ! -e "$root$legacy_marker" ]
    [ -z "$(find "$root/lib/modules" -name 'prebake-small*')" ]
    [ -z "$(find "$root/usr/bin" -name 'nvidia*')" ]
}

# --- nodes that don't want the managed driver

@test "an image without a bake: nothing is said and nothing is done" {
    node unbaked
    for set in "${sets[@]}"; do
        provision "$set cleanUpGPUDrivers; echo goes on \$GPU_PREBAKE_EXIT"
        [ "$status" = 0 ]
        [ "$output" = "goes on 0" ]
    done
}

@test "a parked bake goes from a node without GPU" {
    node parked
    provision 'set -euo pipefail; cleanUpGPUDrivers; echo goes on $GPU_PREBAKE_EXIT' GPU_NODE=false
    [ "$status" = 0 ]
    [[ $(events teardown) == *' gpu_node=false status=cleaned '* ]]
    [[ $output == *'goes on 0' ]]
    no_trace
}

@test "an active bake goes from a node without GPU" {
    node active
    provision 'cleanUpGPUDrivers' GPU_NODE=false
    [[ $(events teardown) == *' gpu_node=false status=cleaned '* ]]
    no_trace
}

@test "another tool's bake goes by its marker" {
    node legacy
    provision 'cleanUpGPUDrivers' GPU_NODE=false
    [[ $(events teardown) == *' gpu_node=false status=cleaned '* ]]
    no_trace
}

@test "both go from an image that carries both" {
    node both
    provision 'cleanUpGPUDrivers' GPU_NODE=false
    [ "$(events teardown | grep -c status=cleaned)" = 2 ]
    no_trace
}

@test "the marker can be elsewhere" {
    node legacy
    mv "$root$legacy_marker" "$root/opt/marker"
    provision 'cleanUpGPUDrivers'
    [ -z "$output" ]
    provision 'cleanUpGPUDrivers' GPU_DKMS_MARKER_FILE=/opt/marker
    [[ $(events teardown) == *' status=cleaned '* ]]
    [ ! -e "$root/opt/marker" ]
}

@test "anything but true is no GPU node" {
    node unbaked
    stand_in 0 </dev/null
    for value in false False TRUE 1 yes 'true ' '' $'true\nfalse' '--help'; do
        provision cleanUpGPUDrivers GPU_NODE="$value"
        [ "$status" = 0 ]
        grep -qx -e --gpu-node=false "$root/arguments"
        rm "$root/arguments"
    done
}

@test "a managed GPU node keeps its bake" {
    node parked
    stand_in 1 </dev/null
    for skip in false '' no; do
        provision 'cleanUpGPUDrivers; echo goes on $GPU_PREBAKE_EXIT' GPU_NODE=true \
            skip_nvidia_driver_install="$skip"
        [ "$output" = "goes on 0" ]
    done
    [ ! -e "$root/arguments" ]
}

@test "a GPU node that skips the managed driver loses its bake" {
    node parked
    provision cleanUpGPUDrivers GPU_NODE=true skip_nvidia_driver_install=true \
        NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=1.0
    [[ $(events teardown) == *' gpu_node=true status=cleaned '* ]]
    no_trace
}

@test "a second run has nothing to do" {
    node parked
    provision 'cleanUpGPUDrivers; echo --; cleanUpGPUDrivers; cleanUpPrebakedGPUDriver'
    [ "${lines[-1]}" = -- ]
}

# --- clean-ups that stay incomplete

@test "a file that can't be removed: incomplete, the caller goes on, the next run cleans" {
    node active
    local busy=$root/lib/modules/$KERNEL/updates/dkms/prebake-small-core.ko
    mount --bind "$busy" "$busy"
    for set in "${sets[@]}"; do
        provision "$set cleanUpGPUDrivers; echo goes on \$GPU_PREBAKE_EXIT"
        [ "$status" = 0 ]
        [[ $(events teardown) == *' status=incomplete '* ]]
        [[ $output != *status=cleaned* ]]
        [[ $output == *'goes on 3' ]]
        [ -e "$root/var/lib/prebake/marker" ]
    done
    umount "$busy"
    provision cleanUpGPUDrivers
    [[ $(events teardown) == *' status=cleaned '* ]]
    no_trace
}

@test "whatever ends prebake-node without a word is incomplete" {
    node parked
    for exit in 1 2 3 4 6 7 8 9 10 127 137; do
        stand_in "$exit" </dev/null
        for set in "${sets[@]}"; do
            provision "$set cleanUpGPUDrivers; echo goes on \$GPU_PREBAKE_EXIT"
            [ "$status" = 0 ]
            [ "$output" = "AKS_GPU_PREBAKE event=teardown gpu_node=false status=incomplete exit=$exit
goes on $exit" ]
        done
    done
}

@test "what prebake-node says itself is said once" {
    node parked
    stand_in 3 <<<'AKS_GPU_PREBAKE event=teardown gpu_node=false status=incomplete foreign=0'
    provision cleanUpGPUDrivers
    [ "$(grep -c event=teardown <<<"$output")" = 1 ]
}

@test "a program that says done while the marker stands is not believed" {
    node parked
    stand_in 0 </dev/null
    provision 'cleanUpGPUDrivers; echo goes on $GPU_PREBAKE_EXIT'
    [[ $(events teardown) == *' status=incomplete '* ]]
    [[ $output == *'goes on 3' ]]
}

@test "a program that can't start is incomplete" {
    node parked
    printf 'no program' >"$root/usr/sbin/prebake-node"
    rm "$root"/usr/lib/x86_64-linux-gnu/libkmod.so.2*
    cp "$BATS_TEST_DIRNAME/../../build/prebake-node" "$root/usr/sbin/prebake-node"
    provision 'set -e; cleanUpGPUDrivers; echo goes on $GPU_PREBAKE_EXIT'
    [[ $(events teardown) == *' status=incomplete exit=127' ]]
    [[ $output == *'goes on 127' ]]
}

@test "an image without prebake-node: done when nothing is baked, else incomplete" {
    node unbaked
    rm "$root/usr/sbin/prebake-node"
    for set in "${sets[@]}"; do
        provision "$set cleanUpGPUDrivers; cleanUpPrebakedGPUDriver; echo goes on \$GPU_PREBAKE_EXIT"
        [ "$status" = 0 ]
        [ "$output" = "goes on 0" ]
    done
    for marker in "$legacy_marker" /var/lib/prebake/marker; do
        mkdir -p "$(dirname "$root$marker")"
        echo kernel=1 >"$root$marker"
        for set in "${sets[@]}"; do
            provision "$set cleanUpGPUDrivers; echo goes on \$GPU_PREBAKE_EXIT"
            [ "$status" = 0 ]
            [ "$output" = "AKS_GPU_PREBAKE event=teardown gpu_node=false status=incomplete exit=3
goes on 3" ]
        done
        rm "$root$marker"
    done
}

# What a node does that is to have the managed driver.
use='if usePrebakedGPUDriver; then echo skip; else echo install; fi; echo $GPU_PREBAKE_EXIT'

# --- GRID nodes

@test "a CUDA bake goes from a GRID node, once" {
    for type in grid grid-v20; do
        node parked
        provision 'set -euo pipefail; cleanUpGridNodeCudaPrebake; echo goes on $GPU_PREBAKE_EXIT
                   cleanUpGridNodeCudaPrebake; echo and on $GPU_PREBAKE_EXIT' \
            GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=$type GPU_DV=550.144.06
        [ "$status" = 0 ]
        [[ $(events grid_cuda_prebake_teardown) == *" driver_type=$type marker_kind=cuda node_kind=grid action=teardown"* ]]
        [[ $(events teardown) == *' gpu_node=true status=cleaned '* ]]
        [[ $output == *'goes on 5'*'and on 0' ]]
        no_trace
        umount "$root"
        rm -rf "$BATS_TEST_TMPDIR/upper"
    done
    node parked
}

@test "both go, and another driver comes, where one bake stands over another tool's" {
    local grid='cleanUpGridNodeCudaPrebake; echo $GPU_PREBAKE_EXIT'
    node both
    runs_the_images_kernel
    provision "set -euo pipefail; $grid" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=grid GPU_DV=550.144.06
    [ "$(events teardown | grep -c status=cleaned)" = 2 ]
    [ "${lines[-1]}" = 5 ]
    no_trace
    umount "$root"
    rm -rf "$BATS_TEST_TMPDIR/upper"
    node both
    runs_the_images_kernel
    provision "$use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=590.1
    [ "$(events teardown | grep -c status=cleaned)" = 2 ]
    [ "${lines[-2]} ${lines[-1]}" = "install 5" ]
    no_trace
}

@test "a GRID bake stays on a GRID node; CUDA and unmanaged nodes are no matter of that step" {
    node grid
    runs_the_images_kernel
    provision 'cleanUpGridNodeCudaPrebake; echo $GPU_PREBAKE_EXIT' GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=grid GPU_DV=1.0
    [[ $output != *event=teardown* ]]
    [ "${lines[-1]}" = 0 ]
    [ -e "$root/var/lib/prebake/marker" ]
    stand_in 1 </dev/null
    for type in cuda cuda-lts '' other; do
        provision cleanUpGridNodeCudaPrebake GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=$type
        [ "$status" = 0 ]
    done
    provision cleanUpGridNodeCudaPrebake GPU_NODE=false NVIDIA_GPU_DRIVER_TYPE=grid
    provision cleanUpGridNodeCudaPrebake GPU_NODE=true skip_nvidia_driver_install=true NVIDIA_GPU_DRIVER_TYPE=grid
    [ ! -e "$root/arguments" ]
}

# --- managed GPU nodes

@test "the driver that the node wants is used, and used again" {
    node parked
    runs_the_images_kernel
    for _ in once again; do
        provision "set -euo pipefail; $use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda-lts GPU_DV=1.0
        [[ $(events reconcile) == *' skip_build=true'* ]]
        [ "${lines[-2]} ${lines[-1]}" = "skip 0" ]
        [ -n "$(find "$root/lib/modules" -name prebake-small-core.ko)" ]
    done
}

@test "another version is erased, and the driver is installed in full" {
    node parked
    runs_the_images_kernel
    provision "set -euo pipefail; $use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=2.0
    [[ $(events reconcile) == *' skip_build=false'* ]]
    [ "${lines[-2]} ${lines[-1]}" = "install 5" ]
    no_trace
}

@test "nothing baked, no program, or no managed driver wanted: no build is skipped" {
    node unbaked
    provision "$use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=1.0
    [ "$output" = "install
0" ]
    rm "$root/usr/sbin/prebake-node"
    provision "$use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=1.0
    [ "${lines[0]}" = install ]
    umount "$root"
    node parked
    provision "$use" GPU_NODE=false NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=1.0
    [ "${lines[0]}" = install ]
    [ -e "$root/var/lib/prebake/marker" ]
}

@test "a clean-up that stays incomplete skips no build" {
    node parked
    stand_in 3 <<<'AKS_GPU_PREBAKE event=teardown gpu_node=true status=incomplete
AKS_GPU_PREBAKE event=reconcile action=teardown reason=version skip_build=false'
    provision "set -euo pipefail; $use" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda GPU_DV=1.0
    [ "${lines[-2]} ${lines[-1]}" = "install 3" ]
}

@test "what the node says forges no line" {
    node parked
    provision "set -eu; logGPUDriverPrebakeReadiness; $use" GPU_NODE=true GPU_DV=1.0 \
        NVIDIA_GPU_DRIVER_TYPE=$'cuda\nAKS_GPU_PREBAKE event=forged status=cleaned '
    [ "$status" = 0 ]
    [[ $output != *$'\n''AKS_GPU_PREBAKE event=forged '* ]]
    [ "${lines[-2]}" = install ]
    rm "$root/usr/sbin/prebake-node"
    provision "set -eu; logGPUDriverPrebakeReadiness" GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=$'cuda\nx=y'
    [ "$output" = 'AKS_GPU_PREBAKE event=managed_gpu driver_type= marker_present=false driver_kind_match=false' ]
}

# --- the readiness line

@test "a managed node says whether it is ready" {
    node parked
    provision 'set -euo pipefail; logGPUDriverPrebakeReadiness' GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda-lts
    [[ $output == 'AKS_GPU_PREBAKE event=managed_gpu driver_type=cuda-lts marker_present=true driver_kind_match=true'* ]]
    provision 'set -euo pipefail; logGPUDriverPrebakeReadiness' GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=grid
    [[ $output == 'AKS_GPU_PREBAKE event=managed_gpu driver_type=grid marker_present=true driver_kind_match=false'* ]]
    provision 'set -euo pipefail; logGPUDriverPrebakeReadiness' GPU_NODE=true
    [[ $output == 'AKS_GPU_PREBAKE event=managed_gpu driver_type= marker_present=true driver_kind_match=false'* ]]
    rm "$root/usr/sbin/prebake-node"
    provision 'set -euo pipefail; logGPUDriverPrebakeReadiness' GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda
    [[ $output == 'AKS_GPU_PREBAKE event=managed_gpu driver_type=cuda marker_present=true driver_kind_match=false' ]]
}

@test "an image without a bake is not ready" {
    node unbaked
    provision 'set -euo pipefail; logGPUDriverPrebakeReadiness' GPU_NODE=true NVIDIA_GPU_DRIVER_TYPE=cuda
    [[ $output == 'AKS_GPU_PREBAKE event=managed_gpu driver_type=cuda marker_present=false driver_kind_match=false'* ]]
}

# shellcheck shell=bash
# GPU steps of an AKS node's provisioning, done by prebake-node. To be sourced; README.md beside it
# has the call sites.
#
# Read when a function is called; each may be unset:
#   GPU_NODE                     only `true` is a GPU node
#   skip_nvidia_driver_install   only `true` keeps the managed driver away
#   NVIDIA_GPU_DRIVER_TYPE       cuda, cuda-lts, grid, grid-v20
#   GPU_DV                       the driver version that the node is to have
#   GPU_DKMS_MARKER_FILE         the marker of images that another tool baked
#   PREBAKE_NODE                 the program, when it is elsewhere than in /usr/sbin
#
# Set by each function but the last: GPU_PREBAKE_EXIT, prebake-node's exit status. 0: done, or nothing to
# do; 3: not all is gone, run again; 5: the driver is to be installed in full, what was baked is another
# (status=done: and is gone) or is damaged so that nobody can tell what belongs to it (status=incomplete:
# it stays); `prebake-node --help` has the rest.
# A clean-up itself returns 0 whatever came of it, so that it ends no caller that runs under `set -e`.

# Erases the baked driver on a node that isn't to have the managed one.
cleanUpGPUDrivers() {
    GPU_PREBAKE_EXIT=0
    _gpuPrebakeManaged || cleanUpPrebakedGPUDriver
}

# Erases the baked driver whatever the node wants. Prints event=teardown when there is one.
cleanUpPrebakedGPUDriver() {
    _gpuPrebakeReconcile true
    # prebake's bake can stand over another tool's: one run takes one of them.
    if [ "$GPU_PREBAKE_EXIT" = 0 ] && _gpuPrebakeMarkerPresent; then
        _gpuPrebakeReconcile true
    fi
    if [ "$GPU_PREBAKE_EXIT" = 0 ] && _gpuPrebakeMarkerPresent; then
        _gpuPrebakeIncomplete
    fi
}

# On a node that is to have a GRID driver: erases a baked one that is another, before the node's own is
# installed. Prints event=grid_cuda_prebake_teardown when a CUDA driver was baked.
cleanUpGridNodeCudaPrebake() {
    GPU_PREBAKE_EXIT=0
    case ${NVIDIA_GPU_DRIVER_TYPE:-} in
    grid*) ! _gpuPrebakeManaged || _gpuPrebakeReplace ;;
    esac
}

# On a node that is to have the managed driver: true when the baked one is that driver and is now in
# place. False when the driver has to be installed in full; another one that was baked is gone then. For a
# condition: `usePrebakedGPUDriver || installDriver`.
usePrebakedGPUDriver() {
    GPU_PREBAKE_EXIT=0
    _gpuPrebakeManaged || return 1
    _gpuPrebakeReplace
    [[ $GPU_PREBAKE_EXIT == 0 && $_gpuPrebakeOutput == *' skip_build=true'* ]]
}

# Prints event=managed_gpu: whether a driver is baked, and of the kind that this node wants. Changes
# nothing.
logGPUDriverPrebakeReadiness() {
    local line GPU_PREBAKE_EXIT _gpuPrebakeOutput=
    line="driver_type=$(_gpuPrebakeDriverType) marker_present=false driver_kind_match=false"
    # Its sentence would be on the bake's use, which isn't asked for here.
    [ ! -x "$(_gpuPrebakeProgram)" ] || _gpuPrebakeAsk true false --observe 2>/dev/null
    if [[ $_gpuPrebakeOutput == *event=managed_gpu' '* ]]; then
        line=${_gpuPrebakeOutput#*event=managed_gpu }
        line=${line%%$'\n'*}
    elif _gpuPrebakeMarkerPresent; then
        line=${line/marker_present=false/marker_present=true}
    fi
    _gpuPrebakeSay "event=managed_gpu $line"
}

# The rest is what these are made of.

_gpuPrebakeProgram() { printf '%s\n' "${PREBAKE_NODE:-/usr/sbin/prebake-node}"; }

_gpuPrebakeMarker() { printf '%s\n' "${GPU_DKMS_MARKER_FILE:-/opt/azure/aks-gpu/dkms-marker}"; }

_gpuPrebakeTrueOrFalse() { if [ "$1" = true ]; then echo true; else echo false; fi; }

# Whether this node is to have the managed driver.
_gpuPrebakeManaged() {
    [ "${GPU_NODE:-}" = true ] && [ "${skip_nvidia_driver_install:-}" != true ]
}

# Whether a driver is baked into this system, by prebake or by another tool.
_gpuPrebakeMarkerPresent() {
    [ -e /var/lib/prebake/marker ] || [ -e "$(_gpuPrebakeMarker)" ]
}

_gpuPrebakeSay() { printf 'AKS_GPU_PREBAKE %s\n' "$*"; }

# A clean-up that did not come to its end, and did not say so itself.
_gpuPrebakeIncomplete() {
    [ "$GPU_PREBAKE_EXIT" != 0 ] || GPU_PREBAKE_EXIT=3
    _gpuPrebakeSay "event=teardown gpu_node=$(_gpuPrebakeTrueOrFalse "${GPU_NODE:-}")" \
        "status=incomplete exit=$GPU_PREBAKE_EXIT"
}

# For a node that is to have a driver: what is baked and doesn't fit goes. prebake's bake can stand over
# another tool's: one run takes one of them.
_gpuPrebakeReplace() {
    _gpuPrebakeReconcile
    case $GPU_PREBAKE_EXIT:$_gpuPrebakeOutput in
    5:*' status=done'*) ! _gpuPrebakeMarkerPresent || _gpuPrebakeReconcile ;;
    esac
}

# The driver's type as a line's value: nothing when it is no plain word.
_gpuPrebakeDriverType() {
    [[ ${NVIDIA_GPU_DRIVER_TYPE:-} == *[!A-Za-z0-9._-]* ]] || printf '%s\n' "${NVIDIA_GPU_DRIVER_TYPE:-}"
}

# prebake-node's decision for GPU_NODE=$1 and skip_nvidia_driver_install=$2, with further options; what
# it prints is in $_gpuPrebakeOutput.
_gpuPrebakeAsk() {
    GPU_PREBAKE_EXIT=0
    _gpuPrebakeOutput=$("$(_gpuPrebakeProgram)" reconcile --gpu-node="$1" --skip-driver="$2" \
        --driver-type="${NVIDIA_GPU_DRIVER_TYPE:-}" --driver-version="${GPU_DV:-}" \
        --tag=AKS_GPU_PREBAKE --legacy-marker="$(_gpuPrebakeMarker)" "${@:3}") || GPU_PREBAKE_EXIT=$?
}

# Lets prebake-node do what this node's facts demand; with an argument, that one is said of the driver's
# being skipped. An image without the program can only be looked at.
_gpuPrebakeReconcile() {
    local skip=${1:-$(_gpuPrebakeTrueOrFalse "${skip_nvidia_driver_install:-}")}
    GPU_PREBAKE_EXIT=0
    _gpuPrebakeOutput=
    if [ -x "$(_gpuPrebakeProgram)" ]; then
        _gpuPrebakeAsk "$(_gpuPrebakeTrueOrFalse "${GPU_NODE:-}")" "$skip"
    elif _gpuPrebakeMarkerPresent; then
        GPU_PREBAKE_EXIT=3
    fi
    [ -z "$_gpuPrebakeOutput" ] || printf '%s\n' "$_gpuPrebakeOutput"
    case $GPU_PREBAKE_EXIT:$_gpuPrebakeOutput in
    [05]:* | *' event=teardown '*) ;;
    *) _gpuPrebakeIncomplete ;;
    esac
}

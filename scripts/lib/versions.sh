# shellcheck shell=bash
# The real inputs that the quickstart and the tests use.
# shellcheck disable=SC2034  # used by the scripts that read this file

KERNEL=6.1.0-47-cloud-amd64        # the kernel that modules are baked for
KERNEL_COMMON=6.1.0-47-common      # headers that Debian shares between flavours
NEWER_KERNEL=6.1.0-56-cloud-amd64  # NVIDIA_VERSION does not compile for this one
NEWER_KERNEL_COMMON=6.1.0-56-common
NVIDIA_VERSION=535.261.03

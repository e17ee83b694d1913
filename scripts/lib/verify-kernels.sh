# shellcheck shell=bash
# The kernels that check-kernels adds to KERNEL. Not in versions.sh, which the kept roots depend on.
# shellcheck disable=SC2034  # used by the scripts that read this file

FULL_KERNEL=6.1.0-47-amd64                 # a whole distribution's modules
NEXT_KERNEL=6.12.117+deb12-cloud-amd64     # another series, its modules packed with xz
ARM_KERNEL=6.1.0-50-cloud-arm64            # another processor
LATER_KERNEL=6.1.0-50-cloud-amd64          # the same series, some symbols changed
LATER_KERNEL_COMMON=6.1.0-50-common
NEWEST_RELEASE=trixie-backports            # where Debian has its newest kernel

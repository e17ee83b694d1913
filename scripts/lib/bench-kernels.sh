# shellcheck shell=bash
# The kernels that `make bench` adds to KERNEL. Not in versions.sh, which the kept roots depend on.
# shellcheck disable=SC2034  # used by the scripts that read this file

BENCH_KERNELS=(6.1.0-47-amd64 6.1.0-50-cloud-amd64)

# The packages of kernel $1: its modules, its headers, those that Debian shares between flavours.
bench_kernel_packages() {
    printf '%s\n' "linux-image-$1" "linux-headers-$1" \
        "linux-headers-$(cut -d- -f1,2 <<<"$1")-common"
}

#!/bin/bash
# S3 (AgentBaker 8916, 8945): modules of one version beside libraries of another: "NVML: Driver/library
# version mismatch", and the node has no GPU.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/userspace.sh
. "$test_lib/userspace.sh"

other=535.216.03
userspace_kept

# Every driver version that files of the root name or carry, one a line.
versions() {
    (cd "$root" && find . -path ./usr/src -prune -o -name '*535.*' -print | grep -o '535\.[0-9.]*[0-9]'
        grep -ao '535\.[0-9]*\.[0-9]*' usr/bin/nvidia-smi
        cut -d/ -f2 <<<"$(cd "$root/var/lib/dkms/$small_name" && find . -maxdepth 1 -name '535.*')") |
        sort -u
}

# Whoever copies what is there gets both.
test_s3_copied_over() {
    userspace_root
    expect 0 "$prebake" bake --root "$root" --source "$kept/source" --kernel "$KERNEL" \
        --cache "$kept/bundles"
    sed -i "s/$NVIDIA_VERSION/$other/g" "$dir/usr/bin/nvidia-smi"
    cp -a "$dir/usr" "$root/"
    assert_equal "versions" "$other
$NVIDIA_VERSION" "$(versions)"
}

test_s3_refused() {
    userspace_root
    sed -i "s/$NVIDIA_VERSION/$other/g" "$dir/usr/bin/nvidia-smi"
    expect_refusal_unchanged "$root" 4 "nvidia-smi is of driver version $other" userspace_bake
    cp "$kept/userspace/usr/bin/nvidia-smi" "$dir/usr/bin/"
    touch "$dir/$userspace_libraries/libcuda.so.$other"
    expect_refusal_unchanged "$root" 4 "libcuda.so.$other" userspace_bake
}

test_s3_one_version() {
    userspace_root
    expect 0 userspace_bake
    assert_equal "versions" "$NVIDIA_VERSION" "$(versions)"
    expect 0 teardown "$root"
    assert_equal "what is left of it" "" "$(find "$root" -name "*$NVIDIA_VERSION*")"
}

run_tests "$@"

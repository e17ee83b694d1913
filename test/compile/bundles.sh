#!/bin/bash
# The real modules compile. Scripts that bake them run beside this one or after it: they wait for what
# is compiled here and find it in the cache.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

assert_bundle() {
    local how
    how=$(sed -n 's/.* bundle=\([a-z]*\) .*/\1/p' <<<"$out")
    [[ $how == built || $how == cached ]] || fail "no bundle: $out"
    assert_exists "$root/lib/modules/$KERNEL/updates/dkms/$1.ko"
}

test_nvidia_open_modules() {
    local nvidia_lock=--exclusive
    root=$(overlay_root node)
    expect 0 bake_nvidia "$root"
    assert_bundle "$open_name-uvm"
}

test_small_modules() {
    root=$(overlay_root node)
    expect 0 bake_small "$root" 1.0
    assert_bundle "$small_name-user"
}

run_tests "$@"

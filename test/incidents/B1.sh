#!/bin/bash
# B1 (AgentBaker f14bc70de5): the builder had gcc and make but no libc6-dev, and the compile failed
# half way. Here the missing package is named before anything is compiled or written.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/changed-source.sh
. "$test_lib/changed-source.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

# A source that builds a program of its own on the way, as large drivers do to learn of the compiler.
with_host_program() {
    printf '#include <stdio.h>\nint main(void) { puts("ok"); return 0; }\n' >probe.c
    # shellcheck disable=SC2016  # make expands it
    printf 'hostprogs := probe\n$(obj)/small_user.o: $(obj)/probe\n' >>Kbuild
}

# A command on this machine as it is without the C library's headers.
without_libc_headers() {
    # shellcheck disable=SC2016  # the inner shell expands them
    unshare -m sh -c 'mount -t tmpfs tmpfs /usr/include && exec "$@"' sh "$@"
}

test_b1_dkms_fails_half_way() {
    local log
    root=$(overlay_root dkms)
    changed_source "$root" with_host_program
    ln -s gcc-12 "$root/usr/bin/gcc"
    rm -r "$root/usr/include"
    dkms_in "$root" add "$small_name/1.0"
    expect 10 dkms_in "$root" build "$small_name/1.0" -k "$KERNEL"
    log=$(<"$root/var/lib/dkms/$small_name/1.0/build/make.log")
    assert_contains "its log" "stdio.h: No such file" "$log"
    assert_not_contains "what dkms says" libc "$out$err"
}

test_b1_named_before_anything_is_built() {
    root=$(overlay_root node)
    changed_source "$root" with_host_program
    rm -r "$root/usr/src/$small_name-1.0"
    expect_refusal_unchanged "$root" 13 libc6-dev without_libc_headers "$prebake" bake \
        --root "$root" --source "$scratch/small-1.0" --kernel "$KERNEL" --cache "$scratch/cache"
    assert_not_contains "what it did" "compiling $small_name" "$err"
    assert_absent "$scratch/cache"
    assert_absent "$root/var/lib/prebake"
}

# With them, the same source is baked.
test_b1_with_the_headers() {
    root=$(overlay_root node)
    changed_source "$root" with_host_program
    cache=$scratch/cache
    expect 0 bake_small "$root" 1.0
}

run_tests "$@"

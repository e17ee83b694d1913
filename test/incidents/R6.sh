#!/bin/bash
# R6 (aks-engine 3018; dkms 995f251): a build that was killed leaves a module that dkms says is only
# `added`, and that it can neither build again nor remove. deregister removes what is left, and the
# retry is a build like the first.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

kernel=6.99.0-fake
package=prebuilt/1.0
tree=var/lib/dkms/prebuilt

make_root() {
    root=$(overlay_root dkms "$1")
    fake_kernel "$root" "$kernel"
    prebuilt_source "$root" prebuilt 1.0 prebuilt_a prebuilt_b
    dkms_places "$root" >"$scratch/before"
}

# `dkms install` is killed when it comes to the program $1, which stands for any moment there.
killed_at() {
    local program
    program=$(in_root "$root" readlink -f "$(in_root "$root" bash -c "type -P $1")")
    mv "$root$program" "$root$program.real"
    # Its parents are dkms and shells that dkms started: all of them go at once.
    cat >"$root$program" <<'KILL'
#!/bin/bash
pid=$PPID
while grep -qz /usr/sbin/dkms "/proc/$pid/cmdline"; do
    dkms+=("$pid")
    read -r _ pid <<<"$(grep PPid: "/proc/$pid/status")"
done
kill -9 "${dkms[@]}"
KILL
    chmod +x "$root$program"
    run run_in "$root" dkms install "$package" -k "$kernel" --force
    assert_equal "dkms is killed" 137 "$status"
    mv "$root$program.real" "$root$program"
}

# dkms' own retry, and its removal.
dkms_is_stuck() {
    run dkms_in "$root" install "$package" -k "$kernel"
    assert_contains "dkms install" "already been built" "$out$err"
    run dkms_in "$root" remove "$package" --all
    assert_contains "dkms status after dkms remove" "$package: added" "$(dkms_in "$root" status)"
    assert_exists "$root/$tree/1.0/$kernel/x86_64"
}

deregister_and_retry() {
    expect 0 deregister "$root" "$package" --all
    assert_contains "telemetry" "status=removed" "$out"
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "before (<) and after (>)" "$scratch/before" "$scratch/after"
    dkms_installed "$root" "$package" "$kernel"
    expect 0 deregister "$root" "$package" --all
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "before (<) and after the retry (>)" "$scratch/before" "$scratch/after"
}

# The folder of the kernel is there, its modules are not yet.
test_r6_killed_before_the_modules_are_kept() {
    make_root root
    dkms_in "$root" add "$package"
    killed_at strip
    assert_exists "$root/$tree/1.0/build/prebuilt_a.ko"
    assert_equal "modules" "" "$(ls "$root/$tree/1.0/$kernel/x86_64/module")"
    assert_contains "dkms status" "$package: added" "$(dkms_in "$root" status)"
    dkms_is_stuck
    deregister_and_retry
}

# Nothing of the kernel is there: dkms itself can go on. Its build folder stays after a removal.
test_r6_killed_while_compiling() {
    make_root root
    dkms_in "$root" add "$package"
    killed_at tee
    assert_exists "$root/$tree/1.0/build"
    assert_absent "$root/$tree/1.0/$kernel"
    deregister_and_retry
}

# Installed, but dkms does not know: it leaves the files for ever.
test_r6_killed_after_the_files_are_in_place() {
    make_root root
    dkms_in "$root" add "$package"
    killed_at ln
    assert_exists "$root/lib/modules/$kernel/updates/dkms/prebuilt_b.ko"
    assert_contains "dkms status" "$package, $kernel, x86_64: built" "$(dkms_in "$root" status)"
    run_in "$root" depmod "$kernel"
    deregister_and_retry
}

# Our own bake, killed at any moment, is taken back by the next one (more in test/laws).
test_r6_killed_bake() {
    root=$(overlay_root node)
    bake_small "$root" 1.0
    teardown "$root"
    snapshot "$root" >"$scratch/before"
    # Without -f: confined processes make links of their own.
    run strace -qq -o /dev/null -e trace=symlinkat -e inject=symlinkat:signal=SIGKILL:when=2 \
        "$prebake" bake --root "$root" --source "$scratch/small-1.0" --kernel "$KERNEL" \
        --cache "$cache"
    assert_equal "the bake is killed" 137 "$status"
    assert_absent "$root/var/lib/prebake/marker"
    expect 0 bake_small "$root" 1.0
    assert_contains "telemetry" "status=baked" "$out"
    expect 0 teardown "$root"
    snapshot "$root" >"$scratch/after"
    assert_same_tree "before (<) and after (>)" "$scratch/before" "$scratch/after"
}

run_tests "$@"

#!/bin/bash
# T1 (AgentBaker 0e1bf6c5cc; dkms 32): `dkms remove --all` took 35 s of a budget of 60 s, and 40
# minutes for 617 modules. deregister is milliseconds, linear, starts no dkms and one depmod a
# kernel.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/prebuilt.sh
. "$test_lib/prebuilt.sh"

first=6.99.0-first
second=6.99.0-second
package=many/1.0

# Root $1 with two small kernels and a source of $2 modules, not yet known to dkms.
make_root() {
    local modules
    root=$(overlay_root dkms "$1")
    fake_kernel "$root" "$first"
    fake_kernel "$root" "$second"
    mapfile -t modules < <(seq -f 'many%04g' "$2")
    prebuilt_source "$root" many 1.0 "${modules[@]}"
    dkms_places "$root" >"$scratch/before"
}

register() { prebuilt_registered "$root" "$package" "$first" "$second"; }

assert_gone() {
    dkms_places "$root" >"$scratch/after"
    assert_same_tree "as before (<) it was registered" "$scratch/before" "$scratch/after"
}

# Runs a command; $cpu_ms is the processor time of all that it started: what it takes does not depend
# on what else the machine does.
timed() {
    local TIMEFORMAT='%3U %3S'
    sync
    { time expect 0 "$@"; } 2>"$scratch/time"
    cpu_ms=$(tail -n 1 "$scratch/time" | tr -d . | awk '{ print $1 + $2 }')
}

# The calls of deregister itself.
calls_for() {
    make_root "calls-$1" "$1"
    register
    strace -o "$scratch/calls" "$prebake_node" deregister --root "$root" "$package" --all
    assert_gone
    calls=$(wc -l <"$scratch/calls")
    printf '%d modules for two kernels: %d system calls\n' "$1" "$calls"
}

test_t1_against_dkms() {
    local theirs_ms
    make_root dkms 40
    dkms_installed "$root" "$package" "$first" "$second"
    timed dkms_in "$root" remove "$package" --all
    theirs_ms=$cpu_ms
    assert_gone
    register
    assert_contains "dkms takes the tree for its own" "$package, $first, x86_64: installed
$package, $second, x86_64: installed" "$(dkms_in "$root" status)"
    timed deregister "$root" "$package" --all
    assert_contains "telemetry" "status=removed kernels=2 files=80 foreign=0" "$out"
    assert_gone
    printf '40 modules for two kernels: dkms %d ms, deregister %d ms of processor time\n' \
        "$theirs_ms" "$cpu_ms"
    ((theirs_ms >= 20 * cpu_ms)) || fail "dkms needs $theirs_ms ms, deregister $cpu_ms ms"
}

test_t1_600_modules() {
    make_root many 600
    register
    strace -f -e trace=execve -o "$scratch/programs" \
        "$prebake_node" deregister --root "$root" "$package" --all
    assert_equal "the programs that are started" "$(printf '%s\n' depmod depmod prebake-node)" \
        "$(sed -n 's/.*execve("\([^"]*\)".* = 0$/\1/p' "$scratch/programs" | sed 's,.*/,,' | sort)"
    assert_gone
    register
    timed deregister "$root" "$package" --all
    assert_contains "telemetry" "kernels=2 files=1200 foreign=0" "$out"
    assert_gone
    printf '600 modules for two kernels: %d ms of processor time\n' "$cpu_ms"
    ((cpu_ms < 1000)) || fail "$cpu_ms ms"
}

# Four times the modules cost about four times the calls; quadratic would be sixteen.
test_t1_linear() {
    local small
    calls_for 100
    small=$calls
    calls_for 400
    ((calls < 5 * small)) || fail "100 modules: $small calls, 400 modules: $calls"
}

run_tests "$@"

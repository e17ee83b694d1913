# shellcheck shell=bash
# Runs every function named test_* of a test file in the order they are written, each in a subshell
# with its own scratch directory, and ends with "N passed, N failed, N s".

runner_passed=0
runner_failed=0

# One test. Its output is shown when it fails; PREBAKE_TEST_VERBOSE=1 shows it always, as it does what
# the test writes to descriptor 3.
runner_one() {
    local name=$1 suite=$2 log status=0 begun=$SECONDS
    log=$(mktemp "$scratch_base/log.XXXXXX")
    scratch=$(mktemp -d "$scratch_base/test.XXXXXX")
    set +e
    (
        set -e
        trap world_leave EXIT
        "$name"
    ) 3>&1 >"$log" 2>&1
    status=$?
    set -e
    if ((status == 0)); then
        printf 'ok %s/%s (%s s)\n' "$suite" "${name#test_}" $((SECONDS - begun))
        runner_passed=$((runner_passed + 1))
    else
        printf 'FAIL %s/%s (status %s)\n' "$suite" "${name#test_}" "$status"
        runner_failed=$((runner_failed + 1))
    fi
    if ((status != 0)) || [[ -n ${PREBAKE_TEST_VERBOSE:-} ]]; then sed 's/^/  | /' "$log"; fi
    rm -rf --one-file-system "$log" "$scratch"
}

# With arguments, only the tests named so (without test_).
run_tests() {
    local suite names name begun=$SECONDS
    suite=$(basename "$0" .sh)
    mapfile -t names < <(sed -n 's/^\(test_[a-z0-9_]*\)() {.*/\1/p' "$0")
    (($# == 0)) || names=("${@/#/test_}")
    for name in "${names[@]}"; do
        runner_one "$name" "$suite"
    done
    printf '%s: %d passed, %d failed, %s s\n' "$suite" "$runner_passed" "$runner_failed" \
        $((SECONDS - begun))
    ((runner_failed == 0 && runner_passed > 0))
}

# shellcheck shell=bash
# Assertions: silent when they hold, else what was expected and what was found, and the test ends.

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# A label, and a text of any number of lines indented below it.
show() { printf '  %s:\n    %s\n' "$1" "${2//$'\n'/$'\n'    }" >&2; }

assert_equal() {
    local what=$1 expected=$2 found=$3
    [[ $expected == "$found" ]] && return 0
    show expected "$expected"
    show found "$found"
    fail "$what"
}

assert_contains() {
    local what=$1 expected=$2 found=$3
    [[ $found == *"$expected"* ]] && return 0
    show 'expected to contain' "$expected"
    show found "$found"
    fail "$what"
}

assert_not_contains() {
    local what=$1 unwanted=$2 found=$3
    [[ $found != *"$unwanted"* ]] && return 0
    show 'expected not to contain' "$unwanted"
    show found "$found"
    fail "$what"
}

assert_exists() { [[ -e $1 || -L $1 ]] || fail "expected $1 to exist"; }

assert_absent() { [[ ! -e $1 && ! -L $1 ]] || fail "expected $1 not to exist"; }

# Runs a command; $status, $out and $err say what came of it.
run() {
    local folder
    folder=$(mktemp -d "$scratch/run.XXXXXX")
    status=0
    "$@" >"$folder/out" 2>"$folder/err" </dev/null || status=$?
    out=$(<"$folder/out")
    err=$(<"$folder/err")
    rm -r "$folder"
}

# run(), and the exit status must be the given one.
expect() {
    local expected=$1
    shift
    run "$@"
    ((status == expected)) && return 0
    show command "$*"
    show stdout "$(tail -n 30 <<<"$out")"
    show stderr "$(tail -n 30 <<<"$err")"
    fail "expected exit status $expected, found $status"
}

# A refusal: the exit status, nothing but one sentence on stderr, and what it must name.
expect_refusal() {
    local expected=$1 sentence=$2
    shift 2
    expect "$expected" "$@"
    assert_contains "the sentence names what is wrong" "$sentence" "$err"
}

# The refusal's sentence names the build's log, which holds the words $1.
assert_log_is_kept() {
    local log
    log=$(sed -n 's/.*(log: \(.*\))$/\1/p' <<<"$err")
    [[ -f $log ]] || fail "no log is named or it is not there: $err"
    grep -q "$1" "$log" || fail "$log says nothing of $1"
    rm "$log"
}

#!/bin/bash
# The bench's own arithmetic: known figures give the right medians, ratios and verdicts, and a miss
# ends with 1.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

# Contenders that sleep for so many milliseconds, one that holds memory, one that does not do its
# work.
make_contenders() {
    mkdir "$scratch/contenders"
    cat >"$scratch/contenders/sleeping.sh" <<'CONTENDERS'
nap_runs=3
nap_begin() { :; }
nap_command() { command=(sleep "0.$1"); }
nap_end() { echo "nap $1 $round" >>"$scratch/ended"; }
idle_begin() { touch "$scratch/begun"; }
idle_command() { command=(cat "$scratch/begun"); }
idle_end() { assert_equal "what it printed" "" "$out"; }
wrong_begin() { :; }
wrong_command() { command=(true); }
wrong_end() { fail "it did not do its work"; }
CONTENDERS
}

# The bench with the rows on standard input.
bench() {
    [[ -d $scratch/contenders ]] || make_contenders
    cat >"$scratch/rows"
    BENCH_RESULT=$scratch/bench.json BENCH_RUNS=${runs:-2} run \
        "$top/test/bench/bench" "$scratch/rows" "$scratch/contenders"
}

verdicts() { jq -r '.rows[] | "\(.row): \(.ok)"' "$scratch/bench.json"; }

test_targets_that_are_met() {
    bench <<'ROWS'
# a comment
faster | nap 02 | nap 30 | 3x
within | nap 02 | - | 1000 ms
holds | idle | - | 500 MB
none | idle | - | -
ROWS
    assert_equal "status" "0 " "$status $err"
    assert_equal "verdicts" $'faster: true\nwithin: true\nholds: true\nnone: null' "$(verdicts)"
    assert_equal "results in the table" "result ok ok ok -" "$(awk '{ print $NF }' <<<"$out" | xargs)"
    assert_equal "runs" "[3,3,2]" \
        "$(jq -c '[.rows[0].ours.runs, .rows[0].peer.runs, .rows[2].ours.runs]' "$scratch/bench.json")"
    jq -e '.rows[0] | .ratio > 3 and .ratio < 15.1 and .ours.wall_ms.min >= 20 and
        .peer.wall_ms.median >= 300' "$scratch/bench.json" >/dev/null ||
        fail "figures: $(<"$scratch/bench.json")"
}

test_targets_that_are_missed() {
    bench <<'ROWS'
faster | nap 02 | nap 30 | 16x
slower | nap 30 | nap 02 | 1x
within | nap 02 | - | 1 ms
holds | idle | - | 0.1 MB
met | idle | - | 1000 ms
ROWS
    assert_equal "status" 1 "$status"
    assert_equal "verdicts" $'faster: false\nslower: false\nwithin: false\nholds: false\nmet: true' \
        "$(verdicts)"
    assert_equal "results in the table" "result MISS MISS MISS MISS ok" \
        "$(awk '{ print $NF }' <<<"$out" | xargs)"
}

test_work_that_is_not_done() {
    bench <<<'wrong | wrong | - | 1000 ms'
    assert_equal "status" 1 "$status"
    assert_contains "what is wrong" "it did not do its work" "$err"
    assert_absent "$scratch/bench.json"
}

# Figures that somebody can work out on paper.
test_medians() {
    printf 'a\t%d\t2000\t1024\n' 3000000 1000000 9000000 5000000 >"$scratch/samples"
    printf 'b\t%d\t10000\t4096\n' 80000000 10000000 40000000 >>"$scratch/samples"
    jq -n -f "$top/test/bench/summary.jq" --rawfile samples "$scratch/samples" \
        --rawfile rows <(printf '10 times|a|b|10x\nmore|a|b|10.1x\n') --arg cpu x --argjson cores 1 \
        --arg kernel x --arg load x --arg version x >"$scratch/bench.json"
    assert_equal "figures" '[4,1,9,40,10,5,true,false,1,4]' \
        "$(jq -c '.rows | [.[0].ours.wall_ms[], .[0].peer.wall_ms.median, .[0].ratio,
            .[0].cpu_ratio, .[0].ok, .[1].ok, .[0].ours.peak_mb, .[0].peer.peak_mb]' \
            "$scratch/bench.json")"
}

# What it runs sees neither this process' environment nor, with --root, its root.
test_clock() {
    expect 3 env LEAK=yes "$build/test/bench/clock" "$scratch/cost" sh -c 'env; exit 3'
    assert_not_contains "environment" LEAK "$out"
    [[ $(<"$scratch/cost") =~ ^[0-9]+\ [0-9]+\ [0-9]+$ ]] || fail "cost: $(<"$scratch/cost")"
    expect 137 "$build/test/bench/clock" "$scratch/cost" sh -c 'kill -9 $$'
    expect 125 "$build/test/bench/clock" "$scratch/cost" /nonexistent
    mkdir -p "$scratch/new/bin"
    cp /bin/busybox "$scratch/new/bin/"
    expect 0 "$build/test/bench/clock" "$scratch/cost" --root "$scratch/new" /bin/busybox ls /
    assert_equal "its root" bin "$out"
}

run_tests "$@"

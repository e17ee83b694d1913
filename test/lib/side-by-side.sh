# shellcheck shell=bash
# Test programs side by side, as many at once as there are processors: what each says comes whole and
# in the programs' order.

# side_by_side COMMAND… -- FILE…: runs COMMAND… FILE for each file, and counts those that failed in
# $side_failed.
side_by_side() {
    local command=() files=() said first=0 next=0 running=0 limit
    while [[ $1 != -- ]]; do
        command+=("$1")
        shift
    done
    shift
    files=("$@")
    said=$(mktemp -d)
    limit=$(nproc)
    side_failed=0
    # Each is a process group of its own, so that all of it ends with us.
    set -m
    trap side_stop INT TERM
    while ((first < ${#files[@]})); do
        while ((next < ${#files[@]} && running < limit)); do
            side_begin "$next" &
            next=$((next + 1))
            running=$((running + 1))
        done
        wait -n || true
        running=$((running - 1))
        while [[ -e $said/$first.status ]]; do
            cat "$said/$first"
            [[ $(<"$said/$first.status") == 0 ]] || side_failed=$((side_failed + 1))
            first=$((first + 1))
        done
    done
    rm -r "$said"
    ((side_failed == 0))
}

side_stop() {
    local leader
    for leader in $(jobs -p); do kill -- "-$leader" || true; done
    wait
    exit 130
}

# The status' file comes last, and whole.
side_begin() {
    local status=0
    "${command[@]}" "${files[$1]}" >"$said/$1" 2>&1 </dev/null || status=$?
    echo "$status" >"$said/$1.new"
    mv "$said/$1.new" "$said/$1.status"
}

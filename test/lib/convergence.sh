# shellcheck shell=bash
# Law 3 for a bake and its teardown: the cases, the commands, and what must hold after a fault and
# after the command was run again. Read after sweep.sh and small-root.sh.

# The root without what differs from one run to the next: times of what it made, and what prebake's
# own records say of times and inodes.
state_of_root() {
    "$build/test/lib/snapshot" "$root" --exclude /var/lib/prebake/journal "$@" | awk '
        NR == FNR { line[$1] = $0; next }
        line[$1] != $0 { sub(/ mtime=[^ ]*/, "") }
        $1 ~ "^/var/lib/prebake/" { sub(/ size=.*/, "") }
        { print }' "$case/before" -
}

# Where two lists of states differ.
differences() { diff "$1" "$2" | sed -n '/^[<>]/p' | cut -c1-160 | head -n 3; }

# The root is in the state that is kept in the file $1, by the command in the other arguments; $2
# says what it is otherwise.
must_be() {
    local kept=$1 otherwise=$2
    "${@:3}" >"$work/now.$shard"
    cmp -s "$kept" "$work/now.$shard" ||
        problem "$otherwise: $(differences "$kept" "$work/now.$shard")"
}

# Modules are packed one after the other: the calls of processes side by side come in any order.
bake_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake" bake --root "$root" --source "$(<"$case/source")" --kernel "$KERNEL"
        --jobs 1 --cache "$work/cache" "${bake_options[@]}")
}

bake_after_fault() {
    if [[ -e $root/var/lib/prebake/marker ]]; then
        must_be "$case/after" "a marker, but the bake is not whole" state_of_root
    fi
    [[ $fault == crash || $fault == twice ]] || bake_failed
}

# All or nothing.
bake_failed() {
    if ((status == 0)); then
        [[ -e $root/var/lib/prebake/marker ]] || problem "status 0, but nothing baked"
        return 0
    fi
    must_be "$case/before" "status $status, and the root is not as before" \
        snapshot_with_program "$root"
    case $fault-$(cut -f3 <<<"$call")-$status in
    ENOSPC-prebake-9 | EIO-prebake-1 | *-depmod-[79]) ;; # depmod calls any error a full disk
    ENOSPC-ldconfig-9 | EIO-ldconfig-7 | kill-ldconfig-7) ;;
    *-prebake-* | *-depmod-* | *-ldconfig-*) problem "status $status" ;;
    *-13 | *-1) ;; # a compiler that can't compile
    *) problem "status $status" ;;
    esac
}

# Whole, and a teardown brings back what was there.
bake_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    must_be "$case/after" "run again the root is another" state_of_root
    [[ ! -e $root/var/lib/prebake/journal ]] || problem "the journal is left"
    teardown "$root" >"$work/out.$shard" 2>&1 || problem "the teardown ends with status $?"
    must_be "$case/before-without-program" "the teardown leaves" snapshot "$root"
}

teardown_command() {
    # shellcheck disable=SC2034  # the sweep runs it
    command=("$prebake_node" teardown --root "$root")
}

# shellcheck disable=SC2120  # must_be passes arguments on
torn_down() { state_of_root --exclude /usr/sbin/prebake-node "$@"; }

teardown_after_fault() {
    if [[ ! -e $root/var/lib/prebake/marker ]]; then
        must_be "$case/after" "no marker, and something is left" \
            torn_down --exclude /var/lib/prebake
    fi
    case $fault-$status in
    crash-* | twice-* | kill-* | ENOSPC-[39] | EIO-[13]) ;;
    *-0) must_be "$case/after" "status 0, and something is left" torn_down ;;
    *) [[ $(cut -f3 <<<"$call")-$status =~ ^(depmod|ldconfig)-[379]$ ]] || problem "status $status" ;;
    esac
}

teardown_after_rerun() {
    ((status == 0)) || problem "run again it ends with status $status"
    must_be "$case/after" "run again it leaves" torn_down
}

# What else the bakes are told.
bake_options=()

# With a userspace of a few small files, for a root whose loader has a cache.
make_userspace_case() {
    userspace_small "$scratch/userspace"
    bake_options=(--userspace "$scratch/userspace")
    make_small_bake_case
}

# The case $work/bake of a root with small source $1 or another one $2, and what it leads to.
make_bake_case() {
    sweep_begin
    case=$work/bake
    mkdir "$case"
    printf '%s\n' "$1" >"$case/source"
    resolved=("${@:2}")
    small_root "$work/tree"
    small_bundle "$work/tree" "$work/cache" "$1"
    ((${#bake_options[@]} == 0)) || userspace_loader_cache "$work/tree"
    sweep_image "$work/tree" "$case/start.img"
    rm -r "$work/tree"
    sweep_mount "$case/start.img"
    snapshot_with_program "$root" >"$case/before"
    snapshot "$root" >"$case/before-without-program"
    bake_command
    "${command[@]}"
    state_of_root >"$case/after"
}

make_small_bake_case() {
    small_source 1.0 "$scratch/small-1.0"
    make_bake_case "$scratch/small-1.0" "$small_name"-{core,user}
}

# The case $work/$1 of a teardown of what stands at $root now.
make_teardown_case() {
    local from=$case
    case=$work/$1
    mkdir "$case"
    cp "$from/before" "$case/before"
    sync -f "$root" # it may stay mounted in another process's namespace
    umount "$root"
    mv "$image" "$case/start.img"
    sweep_mount "$case/start.img"
    teardown_command
    "${command[@]}"
    torn_down >"$case/after"
}

# shellcheck shell=bash
# A sweep lets every call of a command that changes something go wrong, one a run, each run on the
# same root. Read after world.sh.
#
# A case is a folder with start.img, the root before the command as a file system of its own (so
# that inodes and times are those of the real thing), and calls, what inject listed. The functions
# KIND_command, KIND_after_fault and KIND_after_rerun say which command it is and check $root, where
# KIND is the folder's name up to its first dash. What is wrong they say with `problem`. What is run
# after the fault is the same command, or the one that KIND_command puts into `again`.
#
# The faults are inject's, and "twice": a crash, and one at another call of the second run.
inject=$build/test/lib/inject

# What strace is to look at: the calls that inject knows, and who starts whom in which namespace.
strace_calls=open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,sendfile
strace_calls+=,copy_file_range,splice,ftruncate,truncate,fallocate,rename,renameat,renameat2,unlink
strace_calls+=,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,link,linkat,chmod,fchmod
strace_calls+=,fchmodat,chown,lchown,fchown,fchownat,setxattr,lsetxattr,fsetxattr,removexattr
strace_calls+=,lremovexattr,fremovexattr,utime,utimes,futimesat,utimensat,fsync,fdatasync,sync
strace_calls+=,syncfs,close,init_module,finit_module,delete_module
strace_calls+=,unshare,clone,clone3,fork,vfork

# The directory $1 as a file system image $2, without a journal unless sweep_features says so.
sweep_image() {
    truncate -s 400M "$2"
    mke2fs -q -t ext4 -O "${sweep_features:-^has_journal}" -N 8000 -d "$1" "$2"
}

# Puts a fresh copy of image $1 at $root. Never the same file twice: any process of this machine
# that was put into a mount namespace of its own meanwhile keeps the old one mounted there.
sweep_mount() {
    sweep_unmount
    mkdir -p "$root"
    image=$(mktemp "$root.XXXXXX")
    cp --sparse=always "$1" "$image"
    mount -o loop,noatime "$image" "$root"
}

sweep_unmount() {
    if mountpoint -q "$root"; then umount "$root" && rm "$image"; fi
}

# The roots are kept in memory: it is about calls, not about disks.
sweep_begin() {
    work=$scratch/work
    mkdir "$work"
    mount -t tmpfs tmpfs "$work"
    root=$work/root
    again=()
}

# Runs a command; what it says goes to the file $1 through a pipe, so that saying it changes nothing.
quietly() { "${@:2}" 2>&1 </dev/null | cat >"$1"; }

# The processors that this shell may run on.
mapfile -t processors < <(taskset -cp "$$" | sed 's/.*: //' | tr , '\n' |
    while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done)

# From here on this shell runs on one of them, by the number $1. Commands start no threads there, whose
# calls would come in another order each time.
one_processor() { taskset -cp "${processors[$1 % ${#processors[@]}]}" "$BASHPID" >/dev/null; }

sweep_kind() {
    local name=${case##*/}
    printf '%s\n' "${name%%-*}"
}

# Counts the calls of case $1's command, twice: inject's and strace's count must be one.
sweep_count() {
    local case=$1 traced alone
    alone=(taskset -c "${processors[0]}")
    sweep_mount "$case/start.img"
    "$(sweep_kind)_command"
    quietly "$work/out" "${alone[@]}" "$inject" "$case/calls" list -- "${command[@]}" || fail "$(<"$work/out")"
    sweep_mount "$case/start.img"
    quietly "$work/out" "${alone[@]}" strace -f -y -s 0 --pidns-translation -e signal=none \
        -e trace="$strace_calls" -o "$work/strace" "${command[@]}" || fail "$(<"$work/out")"
    traced=$(awk -f "$test_lib/mutating-calls.awk" "$work/strace"{,} | sort | uniq -c)
    assert_equal "the calls that strace counts" "$(cut -f2 "$case/calls" | sort | uniq -c)" "$traced"
    printf '%s: %d calls:' "$(basename "$case")" "$(wc -l <"$case/calls")"
    cut -f2 "$case/calls" | sort | uniq -c | sort -rn | awk '{ printf " %s %d", $2, $1 }'
    echo
}

problem() {
    printf '%s (%s at call %s)\n' "$*" "$fault" "$(tr '\t' ' ' <<<"$call")" >>"$case/problems.$shard"
    tail -n 3 "$work/out.$shard" | sed 's/^/    it said: /' >>"$case/problems.$shard"
}

# One run with a fault, one without of the same command or of another one.
sweep_point() {
    local kind
    kind=$(sweep_kind)
    sweep_mount "$case/start.img"
    "${kind}_command"
    sweep_fault "$point" "${fault/twice/crash}"
    if [[ $(cut -f1-3 "$work/hit.$shard") != "$(cut -f1-3 <<<"$call")" ]]; then
        problem "another call was hit: $(tr '\t' ' ' <"$work/hit.$shard")"
    fi
    [[ $fault != twice ]] || sweep_fault $((point * 7919 % $(wc -l <"$case/calls") + 1)) crash
    half_active "after the fault"
    "${kind}_after_fault"
    status=0
    ((${#again[@]})) || again=("${command[@]}")
    quietly "$work/out.$shard" "${again[@]}" || status=$?
    half_active "after running again"
    "${kind}_after_rerun"
    [[ -z $(ls -A "$TMPDIR") ]] || problem "temporary files are left: $(ls -A "$TMPDIR")"
    rm -rf "${TMPDIR:?}"/*
    echo "$fault $point" >>"$case/tried.$shard"
}

sweep_fault() {
    status=0
    quietly "$work/out.$shard" "$inject" "$work/hit.$shard" "$1" "$2" -- "${command[@]}" ||
        status=$?
}

# modprobe resolves one of the case's modules, ${resolved[@]}, while the state is not active.
half_active() {
    local word=none
    [[ ! -f $root/var/lib/prebake/state ]] || word=$(<"$root/var/lib/prebake/state")
    [[ $word != active ]] || return 0
    [[ -z $(modprobe -d "$root" -S "$KERNEL" -aq --show-depends "${resolved[@]}" 2>&1) ]] ||
        problem "half active $1: the state is $word and modprobe resolves the modules"
}

# Every SHARDS-th point of each fault: a process of its own, with its own root. Of a case with a file
# `every`, only each point that its number divides.
sweep_shard() {
    local shard=$1 shards=$2 turn=0 fault call point
    shift 2
    one_processor "$shard"
    root=$work/root.$shard
    export TMPDIR=$work/tmp.$shard
    mkdir -p "$TMPDIR"
    for fault; do
        while read -r call; do
            point=${call%%$'\t'*}
            sweep_applies || continue
            turn=$((turn + 1))
            ((turn % shards != shard)) || sweep_point
        done <"$case/calls"
    done
    sweep_unmount
}

# "kill" ends only the calling process: for the command's own it is "crash" once more.
sweep_applies() {
    local every=1
    [[ ! -f $case/every ]] || every=$(<"$case/every")
    ((${call%%$'\t'*} % every == 0)) && [[ $fault != kill || $(cut -f3 <<<"$call") != prebake* ]]
}

# How many points there are for the faults.
sweep_expected() {
    local fault total=0
    for fault; do
        while read -r call; do
            if sweep_applies; then total=$((total + 1)); fi
        done <"$case/calls"
    done
    echo "$total"
}

sweep_sampled() { [[ ! -f $case/every ]] || printf ', every %dth' "$(<"$case/every")"; }

# Sweeps case $1 with the other arguments' faults; fails when something was wrong or left out.
sweep() {
    local case=$1 shards shard expected tried call
    shift
    shards=$(nproc)
    rm -f "$case"/{problems,tried}.*
    for ((shard = 0; shard < shards; shard++)); do
        sweep_shard "$shard" "$shards" "$@" &
    done
    wait
    expected=$(sweep_expected "$@")
    tried=$(cat "$case"/tried.* | sort -u | wc -l)
    printf '%s: points tried %d of %d (%s at each of %d counted calls%s)\n' "$(basename "$case")" \
        "$tried" "$expected" "$*" "$(wc -l <"$case/calls")" "$(sweep_sampled)" >&3
    ! compgen -G "$case/problems.*" >/dev/null || {
        head -n 60 "$case"/problems.* >&2
        fail "$(cat "$case"/problems.* | grep -vc '^    ') problems"
    }
    ((tried == expected && tried > 0)) || fail "points tried: $tried of $expected"
}

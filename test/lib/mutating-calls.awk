# Prints the name of every call in a trace of strace -f -y that changes something, by inject's rules.
# The trace is read twice (named twice): first who started whom and who left for a mount namespace
# of its own, then the calls, without those that were made there.

# "18381 mkdirat(5</x>, ..." → pid, name, arguments
# A call during which another process went on is written in two parts.
{
    pid = $1
    rest = substr($0, index($0, $2))
    if (sub(/ *<unfinished \.\.\.>$/, "", rest)) {
        begun[pid] = rest
        next
    }
    if (sub(/^<\.\.\. [a-z0-9_]+ resumed>/, "", rest))
        rest = begun[pid] rest
    name = substr(rest, 1, index(rest, "(") - 1)
    arguments = substr(rest, index(rest, "(") + 1)
}

# A process that left a namespace is numbered otherwise in its parent's: "= 2 /* 18382 in strace's
# PID NS */".
FNR == NR && rest ~ /^(clone|clone3|fork|vfork)\(.* = [0-9]+/ {
    child = rest
    sub(/.* = /, "", child)
    if (child ~ /\/\*/)
        sub(/^[0-9]+ \/\* /, "", child)
    parent[child + 0] = pid
}

FNR == NR && name == "unshare" && arguments ~ /CLONE_NEWNS/ { leaves[pid] = 1 }

FNR == NR { next }

name == "unshare" && arguments ~ /CLONE_NEWNS/ { left[pid] = 1 }

name !~ /^[a-z0-9_]+$/ || name ~ /^(unshare|clone|clone3|fork|vfork)$/ || confined(pid) { next }

name ~ /^(open|openat|openat2)$/ {
    descriptor = rest
    sub(/.* = /, "", descriptor)
    written[pid, descriptor + 0] = 0
    if (arguments !~ /O_(WRONLY|RDWR|CREAT|TRUNC)/ || arguments ~ /O_PATH|"\/dev\//)
        next
    written[pid, descriptor + 0] = 1
}

# Only a regular file has a path that is not below /dev here; what was open from the start is output.
name ~ /^(write|pwrite64|writev|pwritev|pwritev2|sendfile|close)$/ {
    if (arguments !~ /^[0-9]+<\// || arguments ~ /^[0-9]+<\/dev\//)
        next
    if (name == "close" && !written[pid, arguments + 0] && arguments !~ /^[12]</)
        next
    if (name == "close")
        written[pid, arguments + 0] = 0
}

{ print name }

# In a namespace of its own, or started by one that is.
function confined(process) {
    if (process in left)
        return 1
    for (process = parent[process]; process != ""; process = parent[process])
        if (process in leaves)
            return 1
    return 0
}

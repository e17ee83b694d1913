# shellcheck shell=bash
# The small source with a fault in it. Read after world.sh.

# The small source with what the command in the other arguments makes of it: in the /usr/src of root
# $1, for dkms, and as $scratch/small-1.0, for bake_small.
changed_source() {
    local root=$1
    shift
    [[ -d $scratch/small-1.0 ]] || {
        small_source 1.0 "$scratch/small-1.0"
        (cd "$scratch/small-1.0" && "$@")
    }
    cp -r "$scratch/small-1.0" "$root/usr/src/$small_name-1.0"
}

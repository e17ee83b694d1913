# shellcheck shell=bash
# What every test file starts from: the programs, the roots, a place to work in.
# Test files read this one file; it reads the others.
# shellcheck disable=SC2034  # variables are for the test files

shopt -s inherit_errexit
test_lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$test_lib/../.." && pwd)
scripts=$top/scripts
build=${BUILD_DIR:-$top/build}
prebake=$build/prebake
prebake_node=$build/prebake-node
cache=$build/cache

# shellcheck source=scripts/lib/say.sh
. "$scripts/lib/say.sh"
# shellcheck source=scripts/lib/apt.sh
. "$scripts/lib/apt.sh"
# shellcheck source=scripts/lib/versions.sh
. "$scripts/lib/versions.sh"
# shellcheck source=test/lib/assert.sh
. "$test_lib/assert.sh"
# shellcheck source=test/lib/runner.sh
. "$test_lib/runner.sh"
# shellcheck source=test/lib/roots.sh
. "$test_lib/roots.sh"

((EUID == 0)) || die "run as root: the tests work on Debian roots"

mkdir -p "$build/scratch"
scratch_base=$(mktemp -d "$build/scratch/$(basename "$0" .sh).XXXXXX")
scratch=$scratch_base
# The programs' temporary files go there too: what a killed one leaves is gone with the rest.
export TMPDIR=$scratch_base

# Unmounts whatever a test mounted below its scratch directory, the innermost first.
world_leave() {
    local mounted
    cd /
    awk -v below="$scratch/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | tac |
        while read -r mounted; do umount -l "$mounted"; done
}

world_end() {
    scratch=$scratch_base world_leave
    rm -rf --one-file-system "$scratch_base"
}
trap world_end EXIT

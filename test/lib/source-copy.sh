# shellcheck shell=bash
# Copies of the source tree to build in, with what is compiled already. Read after world.sh.

# make in the tree $1, as a person would call it.
make_in() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD_DIR make -s -C "$1" "${@:2}"; }

# Copies the tree to $1. The programs are not in it, all else that they are linked from is.
source_copy() {
    local built
    mkdir -p "$1/build"
    tar -C "$top" -c --exclude=./build --exclude=./.git . | tar -x -C "$1"
    for built in base kmod toolchain builder; do
        cp -a "$build/$built" "$build"/lib"$built"*.a "$1/build/"
    done
}

# Every file of the tree $1 that is not below build.
source_files() { (cd "$1" && find . -path ./build -prune -o -print | sort); }

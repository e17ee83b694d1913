# shellcheck shell=bash
# A driver's userspace as NVIDIA's installer would lay it out, from Debian's packages, which have it
# behind alternatives. Read after world.sh and small-root.sh.

userspace_libraries=usr/lib/x86_64-linux-gnu
userspace_own=usr/lib/nvidia-$NVIDIA_VERSION # a folder of its own on the loader's path

# The content of a downloaded package, as directory $2.
userspace_unpack() {
    mkdir -p "$2"
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$1" "${3:-$NVIDIA_VERSION*}")" | tar -x -C "$2"
}

# What no package at hand has: a library that the loader finds by ld.so.conf.d alone, linked against
# the driver's own, with a second name for one file.
userspace_own_library() {
    local dir=$1 name=libnvidia-extra.so
    mkdir -p "$dir/$userspace_own" "$dir/etc/ld.so.conf.d"
    echo 'int extra(void) { return 42; }' |
        gcc -x c -shared -fPIC -Wl,-soname,"$name.1" -Wl,--no-as-needed \
            -o "$dir/$userspace_own/$name.$NVIDIA_VERSION" - -x none \
            "$dir/$userspace_libraries/libnvidia-ml.so.$NVIDIA_VERSION"
    ln -s "$name.$NVIDIA_VERSION" "$dir/$userspace_own/$name.1"
    ln "$dir/$userspace_own/$name.$NVIDIA_VERSION" "$dir/$userspace_own/second-name"
    echo "/$userspace_own" >"$dir/etc/ld.so.conf.d/nvidia.conf"
}

# Firmware is no program of this machine: an ELF file of another processor stands for it.
userspace_firmware() {
    local folder=$1/lib/firmware/nvidia/$NVIDIA_VERSION
    mkdir -p "$folder"
    cp /bin/true "$folder/gsp_ga10x.bin"
    printf '\363' | dd of="$folder/gsp_ga10x.bin" bs=1 seek=18 conv=notrunc status=none
}

# A userspace of few and small files that has one of everything, as directory $1.
userspace_small() {
    local dir=$1 folder=usr/lib/small
    mkdir -p "$dir"/{usr/bin,"$folder",etc/ld.so.conf.d}
    echo 'int small(void) { return 42; }' | gcc -x c -shared -fPIC -nostdlib -s \
        -Wl,-soname,libsmall.so.1 -o "$dir/$folder/libsmall.so.1.0" -
    ln -s libsmall.so.1.0 "$dir/$folder/libsmall.so.1"
    ln "$dir/$folder/libsmall.so.1.0" "$dir/$folder/second-name"
    echo "/$folder" >"$dir/etc/ld.so.conf.d/small.conf"
    echo text >"$dir/usr/bin/small-tool"
    chmod 4755 "$dir/usr/bin/small-tool"
    echo text >"$dir/usr/bin/small-capable"
    setcap cap_sys_admin=ep "$dir/usr/bin/small-capable"
}

# What an installed system has: the loader's cache, and what ldconfig noted when it made it.
userspace_loader_cache() {
    mkdir -p "$1/var/cache" && mkdir -m 0700 "$1/var/cache/ldconfig"
    ldconfig -X -r "$1"
}

# The whole of it as directory $1.
userspace_make() {
    local dir=$1 parts=$1.parts
    userspace_unpack nvidia-smi "$parts"
    userspace_unpack libnvidia-ml1 "$parts"
    userspace_unpack nvidia-modprobe "$parts" "${NVIDIA_VERSION%%.*}.*"
    mkdir -p "$dir"/{usr/bin,"$userspace_libraries",etc/modprobe.d}
    cp -p "$parts/usr/lib/nvidia/current/nvidia-smi" "$parts/usr/bin/nvidia-modprobe" "$dir/usr/bin/"
    cp -a "$parts/$userspace_libraries/nvidia/current"/libnvidia-ml.so* "$dir/$userspace_libraries/"
    chmod 4755 "$dir/usr/bin/nvidia-modprobe"
    cp -p /bin/true "$dir/usr/bin/nvidia-capable"
    setcap cap_sys_admin=ep "$dir/usr/bin/nvidia-capable"
    setfattr -n user.note -v kept "$dir/usr/bin/nvidia-smi"
    printf 'blacklist nouveau\nblacklist nova_core\n' >"$dir/etc/modprobe.d/nvidia-blacklist.conf"
    userspace_own_library "$dir"
    userspace_firmware "$dir"
    mkdir -p "$dir/usr/share/nvidia"
    chmod 0750 "$dir/usr/share/nvidia"
    echo text >"$dir/usr/share/nvidia/files.d"
    chown 0:7 "$dir/usr/share/nvidia"{,/files.d}
    touch -d 2025-06-14T12:34:56.789 "$dir/usr/share/nvidia/files.d"
    rm -r "$parts"
}

# A root of the few things that a bake and the userspace need, a small source of the driver's
# version with its bundle, and the userspace: made once, as $kept, for all tests of a file.
userspace_kept() {
    kept=$scratch_base/kept
    local scratch=$kept
    mkdir "$kept"
    small_root "$kept/root"
    cp -a "$build/roots/node/$userspace_libraries"/lib{pthread,m,dl,rt}.so.* \
        "$kept/root/$userspace_libraries/"
    small_source "$NVIDIA_VERSION" "$kept/source"
    small_bundle "$kept/root" "$kept/bundles" "$kept/source" 2>/dev/null
    userspace_make "$kept/userspace"
}

# Copies of root and userspace, as $root and $dir.
userspace_root() {
    root=$scratch/root
    dir=$scratch/userspace
    cp -a "$kept/root" "$root"
    cp -a "$kept/userspace" "$dir"
}

userspace_bake() {
    "$prebake" bake --root "$root" --source "$kept/source" --kernel "$KERNEL" \
        --cache "$kept/bundles" --userspace "$dir" "$@"
}

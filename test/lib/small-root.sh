# shellcheck shell=bash
# A root so small that it can be put back hundreds of times: what prebake-node needs to start, a
# kernel with two modules, the few header files that a bake reads, a later kernel without headers.
# Read after world.sh.

later_kernel=6.99.0-later

# Foreign things in every folder that a bake and its teardown touch.
small_root_foreign() {
    local root=$1 modules=$1/usr/lib/modules/$KERNEL
    mkdir -p "$modules/updates/dkms" "$root/var/lib/dkms/other/2.0" "$root/usr/src/other-2.0"
    cp "$modules/kernel/drivers/net/dummy.ko" "$modules/updates/dkms/other.ko"
    cp "$modules/kernel/drivers/net/dummy.ko" "$modules/updates/dkms/$small_name-core.ko.kept"
    ln "$modules/updates/dkms/other.ko" "$modules/updates/second-name.ko"
    ln -s /usr/src/other-2.0 "$root/var/lib/dkms/other/2.0/source"
    echo 'PACKAGE_NAME=other' >"$root/usr/src/other-2.0/dkms.conf"
    setfattr -n user.note -v kept "$modules/updates/dkms/other.ko"
}

# Makes it as directory $1, from the kept node root.
small_root() {
    local root=$1 node=$build/roots/node headers=usr/src/linux-headers-$KERNEL
    local libraries=usr/lib/x86_64-linux-gnu modules=usr/lib/modules/$KERNEL link
    BUILD_DIR=$build "$scripts/make-root" node >&2
    mkdir -p "$root"/{etc,var/lib,usr/{bin,sbin,lib64,src/linux-headers-$KERNEL_COMMON}}
    for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
    (cd "$node" && cp -a --parents "$libraries"/lib{kmod,crypto,c,zstd,lzma}.so.* \
        usr/lib64/ld-linux-x86-64.so.2 "$libraries/ld-linux-x86-64.so.2" etc/ld.so.conf{,.d} \
        usr/lib/os-release etc/os-release "$modules"/{build,source,modules.{order,builtin{,.modinfo}}} \
        "$modules"/kernel/drivers/net/{dummy,veth}.ko \
        "$headers"/{.config,Module.symvers,include/generated/{utsrelease,autoconf}.h} "$root")
    mkdir "$root/usr/lib/modules/$later_kernel"
    cp -a "$root/$modules"/{kernel,modules.order,modules.builtin{,.modinfo}} \
        "$root/usr/lib/modules/$later_kernel"
    small_root_foreign "$root"
    (umask 022 && depmod -b "$root" "$KERNEL" && depmod -b "$root" "$later_kernel")
}

# What dkms makes of the bake's registration when the later kernel's headers arrive.
small_root_derive() {
    local root=$1 tree=$1/var/lib/dkms/$small_name modules=$1/usr/lib/modules/$later_kernel
    mkdir -p "$tree/1.0/$later_kernel" "$modules/updates/dkms"
    cp -r "$tree/1.0/$KERNEL/x86_64" "$tree/1.0/$later_kernel/x86_64"
    ln -s "1.0/$later_kernel/x86_64" "$tree/kernel-$later_kernel-x86_64"
    cp "$tree/1.0/$later_kernel/x86_64/module"/* "$modules/updates/dkms"
    (umask 022 && depmod -b "$root" "$later_kernel")
}

# Puts the bundle of source $3 into the cache $2 for the small root $1. It is compiled for the whole
# node root; naming a bundle means reading all headers, so that it has another name here.
small_bundle() {
    local root=$1 into=$2 source=$3 compiled name
    local bake=("$prebake" bake --source "$source" --kernel "$KERNEL")
    compiled=$("${bake[@]}" --dry-run --json --root "$build/roots/node" | jq -r .bundle)
    name=$("${bake[@]}" --dry-run --json --root "$root" | jq -r .bundle)
    if [[ ! -d $cache/$compiled ]]; then
        "${bake[@]}" --root "$(overlay_root node compiling)" --cache "$cache" >&2
    fi
    mkdir -p "$into"
    cp -r "$cache/$compiled" "$into/$name"
    jq --arg id "$name" '.id = $id' "$cache/$compiled/bundle.json" >"$into/$name/bundle.json"
}

# shellcheck shell=bash
# DKMS sources and kernels for which the real dkms has nothing to compile: it copies. Read after
# world.sh.

# A DKMS source $2/$3 in root $1 whose modules, named by the other arguments, are copies of the
# kernel's dummy.ko. DEST_MODULE_LOCATION is as $location says.
prebuilt_source() {
    local root=$1 name=$2 version=$3 dir module i=0
    shift 3
    dir=$root/usr/src/$name-$version
    mkdir "$dir"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/dummy.ko" "$dir/prebuilt"
    {
        printf 'PACKAGE_NAME="%s"\nPACKAGE_VERSION="%s"\nCLEAN="true"\n' "$name" "$version"
        printf 'MAKE[0]="tee %s <prebuilt >/dev/null"\n' "${*/%/.ko}"
        for module; do
            printf 'BUILT_MODULE_NAME[%d]="%s"\n' "$i" "$module"
            printf 'DEST_MODULE_LOCATION[%d]="%s"\n' "$i" "${location:-/updates/dkms}"
            i=$((i + 1))
        done
        echo 'AUTOINSTALL="yes"'
    } >"$dir/dkms.conf"
}

# A kernel $2 of one module in root $1, with that module compressed by the tool $3 (none: not at
# all) and an index. Its headers are the real kernel's.
fake_kernel() {
    local root=$1 kernel=$2 tool=${3:-} modules=$1/lib/modules/$2
    mkdir -p "$modules/kernel/drivers/net"
    cp "$root/lib/modules/$KERNEL/kernel/drivers/net/veth.ko" "$modules/kernel/drivers/net/"
    echo kernel/drivers/net/veth.ko >"$modules/modules.order"
    touch "$modules/modules.builtin"{,.modinfo}
    [[ -z $tool ]] || "$tool" -q --rm "$modules/kernel/drivers/net/veth.ko" 2>/dev/null ||
        "$tool" -q "$modules/kernel/drivers/net/veth.ko"
    ln -s "/usr/src/linux-headers-$KERNEL" "$modules/build"
    run_in "$root" depmod "$kernel"
}

dkms_in() { run_in "$1" dkms "${@:2}"; }

# dkms add, build and install of $2 in root $1 for each of the other arguments, kernels; what
# `dkms status` says must be plain "installed" for each.
dkms_installed() {
    local root=$1 package=$2 kernel
    shift 2
    dkms_in "$root" add "$package" >&2
    for kernel; do
        expect 0 dkms_in "$root" install "$package" -k "$kernel" --force
        assert_contains "dkms status" "$package, $kernel, x86_64: installed" \
            "$(dkms_in "$root" status 2>&1)"
    done
}

# What dkms add, build and install of $2, made by prebuilt_source(), in root $1 leave for the kernels
# in the other arguments, without the minutes that dkms needs for hundreds of modules.
prebuilt_registered() {
    local root=$1 tree=$1/var/lib/dkms/${2%/*} version=${2#*/} source=$1/usr/src/${2/\//-} kernel module
    shift 2
    mkdir -p "$tree/$version"
    ln -s "${source#"$root"}" "$tree/$version/source"
    for kernel; do
        mkdir -p "$tree/$version/$kernel/x86_64"/{log,module} "$root/lib/modules/$kernel/updates/dkms"
        echo log >"$tree/$version/$kernel/x86_64/log/make.log"
        sed -n 's/^BUILT_MODULE_NAME.*="\(.*\)"/\1/p' "$source/dkms.conf" |
            while read -r module; do
                # Each with bytes of its own.
                (cat "$source/prebuilt" && echo "$module") \
                    >"$tree/$version/$kernel/x86_64/module/$module.ko"
            done
        cp "$tree/$version/$kernel/x86_64/module"/*.ko "$root/lib/modules/$kernel/updates/dkms/"
        ln -s "$version/$kernel/x86_64" "$tree/kernel-$kernel-x86_64"
        run_in "$root" depmod "$kernel"
    done
}

# What dkms and deregister work on, without what differs from one depmod to the next: times of an
# index, whose lines are in the order of the directories, and dkms' signing key.
dkms_places() {
    local root=$1
    snapshot "$root" | grep -E '^/(usr/lib/modules|var/lib|usr/src)[/ ]' |
        grep -v '^/var/lib/dkms/mok\.' |
        awk '$1 ~ "^/usr/lib/modules/[^/]*/modules\\.(dep|alias|symbols|softdep|devname|builtin)(\\.|$)" \
            { print $1; next } { print }'
    find "$root"/usr/lib/modules/*/ -maxdepth 1 -name 'modules.*' ! -name '*.bin' |
        sort | while read -r index; do sort "$index" | sed "s,^,${index#"$root"}: ,"; done
}

deregister() { "$prebake_node" deregister --root "$1" "${@:2}"; }

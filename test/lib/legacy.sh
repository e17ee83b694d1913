# shellcheck shell=bash
# Images that another tool baked: a marker, no manifest. Read after world.sh. What stands in them is
# made here by gcc, dkms, depmod and ldconfig, the way the AKS GPU image makes it.
# shellcheck disable=SC2034  # variables are for the test files

legacy_marker=/opt/azure/aks-gpu/dkms-marker
legacy_modules=(nvidia nvidia-modeset nvidia-drm nvidia-uvm nvidia-peermem)
legacy_updates=lib/modules/$KERNEL/updates/dkms
legacy_programs=(nvidia-smi nvidia-modprobe nvidia-persistenced nvidia-debugdump
    nvidia-cuda-mps-control nvidia-cuda-mps-server nvidia-settings nvidia-xconfig nvidia-installer)

# A module file $1 of version $2: a real object with a .modinfo and a build id of its own.
legacy_module() {
    local file=$1 version=$2 name
    name=$(basename "${file%%.ko*}")
    mkdir -p "$(dirname "$file")"
    gcc -x c -c -o "$scratch/module.o" - <<END
#define INFO(n, text) const char info_##n[] __attribute__((section(".modinfo"), used)) = text
INFO(0, "version=$version");
INFO(1, "license=NVIDIA");
INFO(2, "name=${name//-/_}");
INFO(3, "vermagic=$KERNEL SMP mod_unload modversions ");
INFO(4, "alias=pci:v000010DEd*sv*sd*bc03sc02i00*");
INFO(5, "made=${3:-}");
int init_module(void) { return 0; }
END
    ld -r --build-id=sha1 -o "$file" "$scratch/module.o"
}

# A program or, with a further argument, a library that carries version $2 as text.
legacy_elf() {
    local file=$1 version=$2
    shift 2
    mkdir -p "$(dirname "$file")"
    gcc -x c -o "$file" "$@" - <<END
#include <stdio.h>
const char driver_version[] = "NVIDIA version $version for x86_64";
int main(void) { return puts(driver_version) < 0; }
END
}

legacy_library() { legacy_elf "$1" "$2" -shared -fPIC "-Wl,-soname,${3:-$(basename "$1")}"; }

# The DKMS source $2/$3 in root $1, of modules that are "built" by copying them.
legacy_source() {
    local root=$1 name=$2 version=$3 source module number=0
    source=$root/usr/src/$name-$version
    mkdir -p "$source"
    {
        printf 'PACKAGE_NAME="%s"\nPACKAGE_VERSION="%s"\nAUTOINSTALL="yes"\n' "$name" "$version"
        printf 'MAKE[0]="true"\nCLEAN="true"\nSTRIP="no"\n'
        for module in "${legacy_modules[@]}"; do
            legacy_module "$source/$module.ko" "$version" "$name"
            printf 'BUILT_MODULE_NAME[%d]="%s"\nDEST_MODULE_LOCATION[%d]="/updates/dkms"\n' \
                "$number" "$module" "$number"
            number=$((number + 1))
        done
    } >"$source/dkms.conf"
}

legacy_dkms() { run_in "$1" dkms "${@:2}" >>"$scratch/dkms.log"; }

# The real dkms registers, "builds" and installs nvidia/$2 for the kernel in root $1.
legacy_dkms_install() {
    legacy_dkms "$1" add "nvidia/$2"
    legacy_dkms "$1" install "nvidia/$2" -k "$KERNEL"
}

# CRC-32/MPEG-2, as the installer's log has it.
legacy_crc() {
    perl -e '
        local $/; open(F, "<", $ARGV[0]) or die; binmode F; my $crc = 0xffffffff;
        foreach my $byte (unpack("C*", <F>)) {
            $crc ^= $byte << 24;
            $crc = ($crc & 0x80000000 ? $crc << 1 ^ 0x04c11db7 : $crc << 1) & 0xffffffff for 1 .. 8;
        }
        print $crc' "$1"
}

# Entries of root $1's log for what the installer put at these paths. A library was moved away since.
legacy_log_files() {
    local root=$1 path now
    shift
    for path in "$@"; do
        now=${path/#\/usr\/lib\/x86_64-linux-gnu/\/usr\/bin\/lib64\/lib64}
        printf '1: %s\n%s\n' "$path" "$(legacy_crc "$root$now")" >>"$root/var/lib/nvidia/log"
    done
}

legacy_log() {
    local root=$1 version=$2
    [[ -d $root/var/lib/nvidia ]] || mkdir -m 0700 "$root/var/lib/nvidia"
    (umask 077 && printf '1.0-%s (%s)\nNVIDIA Accelerated Graphics Driver\n' \
        "${version//./}" "$version" >"$root/var/lib/nvidia/log")
}

# Libraries as the installer leaves them: of the driver's version, and of one of their own.
legacy_libraries() {
    local folder=$1 version=$2 name
    for name in libcuda libnvidia-ml libnvidia-allocator vdpau/libvdpau_nvidia; do
        legacy_library "$folder/$name.so.$version" "$version" "$(basename "$name").so.1"
        ln -s "$(basename "$name").so.$version" "$folder/$name.so.1"
        ln -s "$(basename "$name").so.1" "$folder/$name.so"
    done
    mkdir -p "$folder/gbm"
    ln -s ../libnvidia-allocator.so.1 "$folder/gbm/nvidia-drm_gbm.so"
    legacy_library "$folder/libnvidia-wine.so" "$version"
    legacy_library "$folder/libEGL.so.1.1.0" 1.1.0 libEGL.so.1
    ln -s libEGL.so.1.1.0 "$folder/libEGL.so.1"
}

legacy_programs_of() {
    local root=$1 version=$2 name
    for name in "${legacy_programs[@]}"; do legacy_elf "$root/usr/bin/$name" "$version"; done
    chmod 4755 "$root/usr/bin/nvidia-modprobe"
    ln -s nvidia-installer "$root/usr/bin/nvidia-uninstall"
}

# All of it in root $1, of version $2: what `install.sh` of the AKS GPU image does in build-only mode
# (the sources of the modules were there before).
legacy_bake() {
    local root=$1 version=$2
    legacy_dkms_install "$root" "$version"
    legacy_libraries "$root/usr/bin/lib64/lib64" "$version"
    legacy_programs_of "$root" "$version"
    printf '#!/bin/sh\necho "collecting"\n' >"$root/usr/bin/nvidia-bug-report.sh"
    printf '#!/bin/sh\necho "new in this release"\n' >"$root/usr/bin/nvidia-newtool"
    chmod 755 "$root/usr/bin"/nvidia-{bug-report.sh,newtool}
    legacy_log "$root" "$version"
    legacy_log_files "$root" /usr/bin/nvidia-{bug-report.sh,newtool}
    legacy_log_files "$root" /usr/lib/x86_64-linux-gnu/libEGL.so.1.1.0
    echo /usr/bin/lib64 >"$root/etc/ld.so.conf.d/nvidia.conf"
    run_in "$root" ldconfig
    legacy_write_marker "$root" "$version"
}

legacy_write_marker() {
    mkdir -p "$(dirname "$1$legacy_marker")"
    printf 'kernel=%s\ndriver_version=%s\ndriver_kind=cuda\narch=x86_64\n' "$KERNEL" "$2" \
        >"$1$legacy_marker"
}

legacy_teardown() { "$prebake_node" teardown --root "$1" --legacy-marker "$legacy_marker" "${@:2}"; }

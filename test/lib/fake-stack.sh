# shellcheck shell=bash
# Small modules named like NVIDIA's, with real dependencies and a device, in a root that a virtual
# machine boots. Read after world.sh and vm.sh.

stack_version=$NVIDIA_VERSION
# What the guest loads that is not the bake's.
stack_holder=/opt/gdrdrv.ko
stack_customers=/opt/nvidia.ko

# The DKMS source of the stack as directory $1.
stack_source() {
    cp -r "$test_lib/fake-stack" "$1"
    sed -i "s/@VERSION@/$stack_version/" "$1"/*
}

# Compiles the modules in directory $1 against this machine's headers, without DKMS.
stack_compile() {
    local dir=$1
    shift
    make -s -C "/usr/src/linux-headers-$KERNEL" M="$dir" "$@" modules 2>"$dir/log" ||
        fail "$(<"$dir/log")"
}

# Bakes the stack into root $1, for kernel $2; further arguments are the bake's.
bake_stack() {
    local root=$1 kernel=${2:-$KERNEL}
    [[ -d $scratch/stack ]] || stack_source "$scratch/stack"
    "$prebake" bake --root "$root" --source "$scratch/stack" --kernel "$kernel" --cache "$cache" \
        "${@:3}"
}

# Puts into root $1 a driver of the bake's version that somebody else compiled, and another vendor's
# module that uses the driver.
stack_foreign_modules() {
    local root=$1
    stack_source "$scratch/customer"
    stack_compile "$scratch/customer" KCFLAGS=-DCUSTOMERS_BUILD
    cp -r "$test_lib/fake-holder" "$scratch/holder"
    stack_compile "$scratch/holder" KBUILD_EXTRA_SYMBOLS="$scratch/customer/Module.symvers"
    install -D -m 644 "$scratch/customer/nvidia.ko" "$root$stack_customers"
    install -D -m 644 "$scratch/holder/gdrdrv.ko" "$root$stack_holder"
}

# A root with the stack baked and the foreign modules beside it, without what a node has no use for;
# prints its path.
stack_root() {
    local root
    root=$(overlay_root node)
    expect 0 bake_stack "$root"
    stack_foreign_modules "$root"
    rm -r "$root"/usr/src/linux-*
    printf '%s\n' "$root"
}

# What every guest's script begins with. step NAME COMMAND… prints what the command prints, each line
# after "NAME: ", and then "NAME = STATUS".
stack_guest() {
    cat <<'GUEST'
set +e
step() {
    local name=$1 status=0 text
    shift
    text=$("$@" 2>&1) || status=$?
    [[ -z $text ]] || sed "s/^/$name: /" <<<"$text"
    echo "$name = $status"
}

load_stack() { modprobe -a nvidia-uvm nvidia-drm; }

loaded() { awk '/^(nvidia|gdrdrv)/ { print $1 }' /proc/modules | sort | xargs; }

# What udev does with each device at boot.
coldplug() {
    local alias
    for alias in /sys/bus/pci/devices/*/modalias; do modprobe -abq "$(<"$alias")"; done
    return 0
}

# The GPU: its alias, and which driver has it.
gpu=$(dirname "$(grep -l '^pci:v00001234d000011E8' /sys/bus/pci/devices/*/modalias)")
gpu_driver() { basename "$(readlink "$gpu/driver")"; }

# Every file of the disk: any change of one changes its ctime.
files() { find / -xdev -path /vm -prune -o -printf '%p %i %C@\n' | sort; }
files_kept() { files | diff /dev/files -; }
GUEST
}

# Boots root $1 with the guest's script on standard input.
stack_boot() {
    vm_expect "$1" "$(stack_guest)
$(cat)"
}

# The same of a machine with a GPU.
stack_boot_gpu() {
    vm_expect "$1" "$(stack_guest)
$(cat)" -device edu
}

# What a step of the guest printed, and its exit status.
said() { sed -n "s/^$1: //p" <<<"$out"; }
exited() { sed -n "s/^$1 = //p" <<<"$out"; }

assert_step() {
    local name=$1 expected=$2
    [[ $(exited "$name") == "$expected" ]] && return 0
    show 'the guest printed' "$out"
    fail "$name: expected exit status $expected, found $(exited "$name")"
}

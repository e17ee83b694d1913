#!/bin/bash
# What the newest kernel that Debian offers has and the others do not: exports for modules of a certain
# name alone (`module:` namespaces), given to that kernel itself; and its modpost, which writes symbol
# versions for names of any length (__version_ext_*). Debian's own kernels have no symbol versions any
# more, so that no kernel of it reads those.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/signed-vm.sh
. "$test_lib/signed-vm.sh"
# shellcheck source=test/lib/variants.sh
. "$test_lib/variants.sh"
# shellcheck source=scripts/lib/verify-kernels.sh
. "$scripts/lib/verify-kernels.sh"
# shellcheck source=scripts/lib/dkms-releases.sh
. "$scripts/lib/dkms-releases.sh"

tree=$scratch_base/tree
headers=$(apt_downloaded "$NEWEST_RELEASE/linux-headers-[0-9]*-cloud-amd64")
packed_modules=$(apt_downloaded "$NEWEST_RELEASE/linux-modules-[0-9]*-cloud-amd64")

# The newest kernel's module $2 as row $1.
row() {
    rows+=("$1")
    cp "$scratch_base/binfmt_misc.ko" "$tree/vm/$1.ko"
    (($# == 1)) || "$2" "$tree/vm/$1.ko" "${@:3}"
}

# The first name is in struct module, the second in .modinfo.
rename_struct() { perl -pi -0777 -e 's/\0\Kbinfmt_misc(?=\0{9})/binfmt_rare/' "$1"; }
rename_modinfo() { perl -pi -0777 -e 's/\0name=\Kbinfmt_misc(?=\0)/binfmt_rare/' "$1"; }
rename_both() { rename_struct "$1" && rename_modinfo "$1"; }

make_rows() {
    rows=()
    row as-it-is
    row both-names rename_both
    row struct-name rename_struct
    row modinfo-name rename_modinfo
}

# The rows in the newest kernel, and its modules for AMD's and Intel's machines, which end at what
# the machine has not, after all that they import was found.
boot() {
    local name
    for name in "${rows[@]}"; do printf '%s /vm/%s.ko binfmt_misc\n' "$name" "$name"; done >"$tree/vm/list"
    for name in kvm-amd kvm-intel; do printf '%s /vm/%s.ko none\n' "$name" "$name"; done >>"$tree/vm/list"
    dpkg-deb --fsys-tarfile "$(apt_downloaded "$NEWEST_RELEASE/linux-binary-[0-9]*-cloud-amd64")" |
        tar -xO --wildcards '*/vmlinuz' >"$scratch_base/vmlinuz"
    (cd "$tree" && find . -print0 | cpio --quiet -0 -o -H newc >"$scratch_base/initrd")
    timeout 180 qemu-system-x86_64 -accel tcg -m 512 -display none -vga none -nic none -no-reboot \
        -kernel "$scratch_base/vmlinuz" -initrd "$scratch_base/initrd" \
        -append 'console=ttyS0 quiet panic=-1' -serial "file:$scratch_base/out" \
        -serial "file:$scratch_base/status" </dev/null ||
        fail "qemu did not end well: $(tail -n 20 "$scratch_base/out")"
    guest=$(tr -d '\r' <"$scratch_base/out")
}

extract_modules() {
    local name
    dpkg-deb --fsys-tarfile "$packed_modules" | tar -x -C "$scratch_base" --wildcards \
        '*/binfmt_misc.ko.xz' '*/kvm*.ko.xz' '*/irqbypass.ko.xz'
    find "$scratch_base/usr" -name '*.ko.xz' -exec mv -t "$scratch_base" {} +
    xz -d "$scratch_base"/*.ko.xz
    objcopy "$scratch_base/binfmt_misc.ko" # a signature would be broken by other names
    for name in kvm kvm-amd kvm-intel irqbypass; do cp "$scratch_base/$name.ko" "$tree/vm/"; done
}

prepare() {
    BUILD_DIR=$build "$scripts/make-root" node >&2
    # shellcheck disable=SC2016  # for the guest
    signed_vm_tree "$tree" "$build/roots/node" '
for module in irqbypass kvm; do insmod /vm/$module.ko; done
/bin/load-modules </vm/list' insmod
    extract_modules
    make_rows
    boot
}

kernel_says() { sed -n "s/^$1 finit_module //p" <<<"$guest"; }

# "loads", or which checks fail and what they say.
verify_says() {
    "$prebake" verify --headers "$headers" --json "$tree/vm/$1.ko" 2>/dev/null | jq -r '.modules[] |
        if .loads then "loads" else [.failures[].check] | unique | join(",") end' || true
}

test_all_of_its_modules_load() {
    local count
    count=$(dpkg-deb -c "$packed_modules" | grep -c '\.ko\.xz$')
    ((count > 900)) || fail "only $count modules"
    expect 0 "$prebake" verify --headers "$headers" --json "$packed_modules"
    assert_equal "that load" "$count" "$(jq '[.modules[] | select(.loads)] | length' <<<"$out")"
    expect 7 "$prebake" verify --json "$packed_modules" \
        --headers "$(apt_downloaded "linux-headers-$NEXT_KERNEL")"
    assert_equal "on another kernel" "$count" "$(jq .failed <<<"$out")"
}

# Names with a dash and an underscore are one. Of the two kinds of hardware one at most is there.
test_modules_for_which_exports_are_kept() {
    local name
    for name in kvm-amd kvm-intel; do
        assert_equal "$name, verify" loads "$(verify_says "$name")"
        [[ $(kernel_says "$name") =~ ^(ok|EOPNOTSUPP)$ ]] || fail "$name, the kernel: $guest"
    done
    assert_equal "binfmt_misc" "loads ok" "$(verify_says as-it-is) $(kernel_says as-it-is)"
}

# The kernel goes by the name in struct module; verify by both.
test_another_name() {
    assert_equal "both" "namespace EINVAL" "$(verify_says both-names) $(kernel_says both-names)"
    assert_equal "struct module's" "modinfo EINVAL" "$(verify_says struct-name) $(kernel_says struct-name)"
    assert_contains "modinfo's, where verify is stricter: the two say different things" "modinfo" \
        "$(verify_says modinfo-name)"
    assert_equal "modinfo's, the kernel" ok "$(kernel_says modinfo-name)"
}

# --- symbol versions of names of any length

# Compiles a module whose versions the newest modpost writes in both formats, as $extended.
extended_module() {
    local dir=$scratch/variants headers=/usr/src/linux-headers-$KERNEL libc=$scratch/libc
    variants_compile "$dir"
    mkdir "$scratch/kbuild" "$libc"
    dpkg-deb -x "$(apt_downloaded "$NEWEST_RELEASE/linux-kbuild-[0-9]*")" "$scratch/kbuild"
    dpkg-deb -x "$(apt_downloaded "$NEWER_RELEASE/libc6")" "$libc"
    libc+=/usr/lib/x86_64-linux-gnu
    extended=$dir/variant_good.ko
    cp "$extended" "$scratch/basic.ko"
    echo "$dir/variant_good.o" >"$scratch/order"
    (
        cd "$dir"
        "$libc/ld-linux-x86-64.so.2" --library-path "$libc" \
            "$(find "$scratch/kbuild" -name modpost.real-lsb-64)" -m -b -x \
            -i "$headers/Module.symvers" -o /dev/null -T "$scratch/order"
        # Which kbuild puts into a file of its own today.
        printf '%s\n' '#define INCLUDE_VERMAGIC' '#include <linux/vermagic.h>' \
            'MODULE_INFO(vermagic, VERMAGIC_STRING);' >>variant_good.mod.c
        # Compiled and linked as kbuild did it.
        cd "$headers"
        eval "$(sed -n 's/^cmd_.*variant_good.mod.o := //p' "$dir/.variant_good.mod.o.cmd")"
        eval "$(sed -n 's/^cmd_.*variant_good.ko := //p' "$dir/.variant_good.ko.cmd")"
    ) >"$scratch/log" 2>&1 || fail "$(<"$scratch/log")"
    readelf -SW "$extended" >"$scratch/sections"
    grep -q __version_ext_crcs "$scratch/sections" || fail "modpost wrote no __version_ext_crcs"
}

verify_here() { "$prebake" verify --headers "/usr/src/linux-headers-$KERNEL" --json "$1"; }

# What is in both formats is what modprobe reads in the one that it knows.
test_versions_of_the_newest_modpost() {
    extended_module
    expect 0 verify_here "$extended"
    expect 0 "$prebake" inspect --json "$extended"
    out=$(jq '.modules[0]' <<<"$out")
    (($(jq '.extended_versions | length' <<<"$out") > 2)) || fail "too few versions: $out"
    assert_equal "both tables" "$(jq -c '.versions | sort' <<<"$out")" \
        "$(jq -c '.extended_versions | sort' <<<"$out")"
    assert_equal "as modprobe says" "$(modprobe --dump-modversions "$scratch/basic.ko" | sort -k2)" \
        "$(jq -r '.extended_versions[] | .crc + "\t" + .symbol' <<<"$out" | sort -k2)"
    # shellcheck disable=SC2016  # for perl
    with_section "$extended" __version_ext_crcs perl -0777 -pe 'substr($_, 4, 1) ^= chr(0x55)'
    expect 7 verify_here "$extended"
    assert_equal "the check" '["crc"]' "$(jq -c '[.modules[].failures[].check] | unique' <<<"$out")"
}

prepare
run_tests "$@"

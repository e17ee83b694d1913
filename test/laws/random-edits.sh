#!/bin/bash
# Law 3 under change: whatever was done to an image's modules between bake and teardown, and whether
# it was sealed in between or not, the teardown leaves nothing of the bake, nothing else is touched,
# and the index of each kernel is what a fresh depmod gives; or the one from before the bake, file
# for file, where nothing changed.
#
# RANDOM_EDITS=N tries N seeds, RANDOM_EDITS_SEED=S begins with S.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"
# shellcheck source=test/lib/sealing.sh
. "$test_lib/sealing.sh"

seeds=${RANDOM_EDITS:-12}
first_seed=${RANDOM_EDITS_SEED:-1}
later_kernels=(6.99.0-second 6.99.0-third)
history=() # of the seed that is tried: said when it fails

# One of the arguments.
pick() {
    local at=$((RANDOM % $# + 1))
    picked=${!at}
}

note() { history+=("$*"); }

# --- what others do to the modules; $kernel is the one that the edit is about

pick_kernel() {
    pick "$KERNEL" "$KERNEL" "${there[@]}"
    kernel=$picked
}

# The modules of others, a line each.
foreign_modules() {
    (cd "$root/lib/modules/$kernel" && find . -name '*.ko' ! -name "$small_name-*.ko" | sort)
}

pick_module() {
    local modules
    mapfile -t modules < <(foreign_modules)
    picked=
    ((${#modules[@]} == 0)) || pick "${modules[@]}"
}

edit_add_module() {
    pick updates/added extra/added kernel/drivers/net/added updates/dkms/added
    add_module "$kernel" "$picked-$RANDOM.ko"
    changed[$kernel]=1
}

edit_remove_module() {
    pick_module
    [[ $picked ]] || return 0
    rm "$root/lib/modules/$kernel/$picked"
    changed[$kernel]=1
}

# As a package's update does: another file takes the name.
edit_replace_module() {
    pick_module
    [[ $picked ]] || return 0
    cp "$build/roots/node/lib/modules/$KERNEL/kernel/drivers/net/tun.ko" \
        "$root/lib/modules/$kernel/$picked.new"
    mv "$root/lib/modules/$kernel/$picked.new" "$root/lib/modules/$kernel/$picked"
    changed[$kernel]=1
}

edit_depmod() {
    (umask 022 && depmod -b "$root" "$kernel")
    changed[$kernel]=1
}

edit_private_depmod() {
    (umask 077 && depmod -b "$root" "$kernel")
    changed[$kernel]=1
}

edit_add_kernel() {
    local new
    for new in "${later_kernels[@]}"; do
        [[ ! -d $root/lib/modules/$new ]] || continue
        add_kernel "$new"
        there+=("$new")
        return 0
    done
}

edit_derive() {
    pick "${there[@]}"
    kernel=$picked
    [[ $kernel != "$KERNEL" && ! ${derived[$kernel]:-} ]] || return 0
    derive_build "$kernel"
    derived[$kernel]=1
}

edit_remove_kernel() {
    local left=() other
    pick "${there[@]}"
    kernel=$picked
    [[ $kernel != "$KERNEL" ]] || return 0
    rm -rf "$root/lib/modules/$kernel" \
        "$root/var/lib/dkms/$small_name"/{kernel-"$kernel"-x86_64,1.0/"$kernel"}
    for other in "${there[@]}"; do [[ $other == "$kernel" ]] || left+=("$other"); done
    there=("${left[@]}")
    unset "derived[$kernel]" "changed[$kernel]"
}

edit_seal() {
    expect 0 seal
    note "    $out"
}

one_edit() {
    local edit
    pick add_module add_module remove_module replace_module depmod depmod private_depmod add_kernel \
        derive derive remove_kernel seal seal
    edit=$picked
    pick_kernel
    "edit_$edit"
    note "$edit $kernel $picked"
}

# --- the index before the bake

# Fresh, or not what depmod gives, or none.
make_index() {
    pick fresh fresh stale absent
    note "index: $picked"
    cd "$root/lib/modules/$KERNEL"
    case $picked in
    stale) echo 'alias stale dummy' >modules.alias && rm modules.symbols.bin ;;
    absent) index_names . | xargs rm ;;
    esac
    cd "$OLDPWD"
}

# --- what must hold

# All of the modules' folders but indexes and what the bake or DKMS put there.
others_files() {
    (cd "$root" && find lib/modules/ var/lib/dkms usr/src ! -type d ! -name 'modules.*' \
        ! -path "*/$small_name*" -printf '%p %y %m %i %T@ %l\n' | sort)
}

index_with_times() {
    (cd "$root/lib/modules/$1" && index_names . | xargs -r stat -c '%n %a %u:%g %i %y')
}

remember() {
    local other
    for other in "${there[@]}"; do index_of "$other" >"$scratch/index-$other"; done
    others_files >"$scratch/others"
}

check_index() {
    local other=$1
    if [[ $other != "$KERNEL" && ! ${derived[$other]:-} ]]; then
        assert_equal "the index of $other, which has nothing of ours" \
            "$(<"$scratch/index-$other")" "$(index_of "$other")"
    elif [[ $other == "$KERNEL" && ! ${changed[$other]:-} ]]; then
        assert_equal "the index of $other from before the bake" "$(<"$scratch/index-before")" \
            "$(index_of "$other" && index_with_times "$other")"
    else
        assert_index_is_fresh "$other"
    fi
}

check_teardown() {
    local other
    assert_contains "telemetry" "status=cleaned" "$out"
    assert_contains "telemetry" "foreign=0" "$out"
    others_files >"$scratch/others-after"
    assert_same_tree "files of others" "$scratch/others" "$scratch/others-after"
    assert_equal "files of ours" "" "$(find "$root/lib/modules/" "$root/var/lib/dkms" \
        "$root/usr/src" "$root/var/lib/prebake" -path "*$small_name*" ! -name '*.kept' 2>/dev/null)"
    for other in "${there[@]}"; do check_index "$other"; done
    assert_absent "$root/var/lib/prebake"
}

try_seed() {
    local edits
    RANDOM=$1
    declare -A changed=() derived=()
    there=("$KERNEL")
    history=("seed $1")
    start_root
    make_index
    { index_of "$KERNEL" && index_with_times "$KERNEL"; } >"$scratch/index-before"
    bake_root >/dev/null 2>&1
    edits=$((RANDOM % 7))
    for ((; edits > 0; edits--)); do one_edit; done
    remember
    expect 0 teardown "$root"
    check_teardown
    rm -r "$root"
}

test_random_edits() {
    local seed
    trap 'printf "%s\n" "${history[@]}"; world_leave' EXIT
    for ((seed = first_seed; seed < first_seed + seeds; seed++)); do try_seed "$seed"; done
    history=("$seeds seeds from $first_seed on")
}

sealing_begin
run_tests "$@"

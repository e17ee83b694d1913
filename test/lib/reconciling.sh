# shellcheck shell=bash
# Images of nodes that reconcile decides over. Read after world.sh, small-root.sh, baked-image.sh and
# legacy.sh.
# shellcheck disable=SC2034  # variables are for the test files

legacy_version=580.126.09
state=var/lib/prebake
own_compat=/opt/vendor/compat-marker

# The command on $root, for the kernel of the small root unless it says otherwise; another tool's
# marker is looked for.
reconcile() {
    local word target=(--kernel "$KERNEL" --arch x86_64)
    for word; do [[ $word != --kernel* ]] || target=(); done
    "$prebake_node" reconcile --root "$root" --legacy-marker "$legacy_marker" "${target[@]}" "$@"
}

# A managed GPU node that wants a driver of type $1 and version $2.
managed() {
    reconcile --gpu-node=true --skip-driver=false --driver-type="$1" --driver-version="$2" "${@:3}"
}

# Whatever changes in the root shows: contents by the change times.
fingerprint() { (cd "$root" && find . -printf '%p %i %y %m %U %G %s %T@ %C@ %l\n' | sort | sha256sum); }

keep_image() {
    sync -f "$root" # it may stay mounted in another process's namespace
    umount "$root"
    mv "$image" "$images/$1"
}

# A driver that another tool baked: a marker without a kind, a module, nothing of prebake's.
legacy_image_make() {
    unbaked_root
    legacy_module "$root/usr/lib/modules/$KERNEL/updates/dkms/nvidia.ko" "$legacy_version"
    (umask 022 && depmod -b "$root" "$KERNEL")
    legacy_write_marker "$root" "$legacy_version"
    sed -i '/driver_kind/d' "$root$legacy_marker"
    keep_image legacy
}

# Images unbaked, legacy, and KIND-LAYOUT of prebake's own bakes of the kinds given, or of both.
reconciling_images() {
    local kind
    baked_image_make
    legacy_image_make
    (($# > 0)) || set -- cuda grid
    for kind; do
        unbaked_root
        cache=$images/cache bake_small "$root" 1.0 --driver-kind "$kind" \
            --compat-marker "$own_compat" >/dev/null 2>&1 || die "the $kind bake failed"
        snapshot "$root" >"$images/$kind-active.snapshot"
        keep_image "$kind-active"
        image_root "$kind-active"
        "$prebake_node" park --root "$root" >/dev/null || die "the $kind bake can't be parked"
        keep_image "$kind-parked"
    done
}

# What a depmod or a changed kernel header makes of a snapshot does not count, nor do prebake's folder
# and the one that another tool made for its marker; nor lines of the expression $2.
comparable() {
    sed 's,^\(/usr/lib/modules/[^/]*/modules\..*\) mtime=[^ ]*,\1,' "$1" |
        grep -v -e '^/var/lib/prebake[/ ]' -e '/Module\.symvers ' -e '^/opt[/ ]' ${2:+-e "$2"}
}

# The root is the one before the bake, but for lines of the expression $2.
marker_is_gone() {
    snapshot "$root" >"$scratch/gone"
    comparable "$scratch/gone" "${2:-}" >"$scratch/gone.after"
    comparable "$images/unbaked.snapshot" "${2:-}" >"$scratch/gone.before"
    assert_same_tree "$1: the root is as before the bake" "$scratch/gone.before" "$scratch/gone.after"
    assert_absent "$root/$state"
    assert_absent "$root$legacy_marker"
    assert_absent "$root$own_compat"
}

# The root is the one in which the bake of kind $2 was made.
is_active() {
    snapshot "$root" >"$scratch/active"
    comparable "$scratch/active" >"$scratch/active.after"
    comparable "$images/$2-active.snapshot" >"$scratch/active.before"
    assert_same_tree "$1: the root is the active one" "$scratch/active.before" "$scratch/active.after"
    assert_equal "$1: the state" active "$(<"$root/$state/state")"
    assert_exists "$root$own_compat"
}

# The event=reconcile line has the words given.
assert_decision() {
    local word
    for word; do assert_contains "the decision" " $word " "$(grep 'event=reconcile' <<<"$out") "; done
}

module_there() { [[ -e $root/usr/lib/modules/$KERNEL/updates/dkms/$small_name-core.ko ]]; }

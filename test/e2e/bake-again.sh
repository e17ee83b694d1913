#!/bin/bash
# A bake into a root that has one: "unchanged" is said of the bake that was asked for and no other,
# whole, and with the program that erases it. And what is said before the compile: that a key is wrong,
# and each step.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
# shellcheck source=test/lib/small-root.sh
. "$test_lib/small-root.sh"

kept=$scratch_base/kept

# A key and its certificate, all of one name and serial number.
make_key() {
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=modules -set_serial 1 -days 2 \
        -keyout "$kept/$1.pem" -out "$kept/$1.crt" 2>/dev/null
}

new_root() { cp -a "$kept/root" "$scratch/root" && root=$scratch/root; }

bake() {
    "$prebake" bake --root "$root" --source "$kept/source" --kernel "$KERNEL" \
        --cache "$kept/bundles" "$@"
}

bake_by() { bake --sign-key "$kept/$1.pem" --sign-cert "$kept/$1.crt" "${@:2}"; }

expect_status() {
    expect 0 "${@:2}"
    assert_contains "telemetry" "status=$1" "$out"
}

test_another_key() {
    local layout
    for layout in active parked; do
        new_root
        expect_status baked bake_by one --layout "$layout" --compress zstd
        expect_status unchanged bake_by one --layout "$layout" --compress zstd
        expect_refusal_unchanged "$root" 4 "already carries a bake" bake_by two --compress zstd
        expect_refusal_unchanged "$root" 4 "already carries a bake" bake --compress zstd
        [[ $layout == parked ]] || rm -r "$root"
    done
    expect_status baked bake_by two --compress zstd --replace
    expect 0 "$prebake" verify --root "$root" --kernel "$KERNEL" --cert "$kept/two.crt" \
        "$root/lib/modules/$KERNEL/updates/dkms/$small_name"-{core,user}.ko.zst
}

test_prebake_node_is_gone_or_another() {
    local program
    new_root
    program=$root/usr/sbin/prebake-node
    expect_status baked bake
    rm "$program"
    expect_status unchanged bake
    cmp "$prebake_node" "$program"
    printf '#!/bin/sh\n' >"$program"
    expect_status unchanged bake --layout parked
    cmp "$prebake_node" "$program"
    chmod 0644 "$program"
    expect_status unchanged bake --layout parked
    assert_equal "its mode" 755 "$(stat -c %a "$program")"
}

test_a_key_that_is_wrong_costs_no_compile() {
    new_root
    small_source 1.0 "$scratch/broken"
    echo '#error broken' >>"$scratch/broken/small_core.c"
    refused() {
        expect_refusal_unchanged "$root" 10 "$1" "$prebake" bake --root "$root" --kernel "$KERNEL" \
            --source "$scratch/broken" --sign-key "$kept/$2.pem" --sign-cert "$kept/$3.crt" "${@:4}"
    }
    refused missing.pem missing one
    refused 'certificate of "modules"' one two
    refused missing.pem missing one --dry-run
    echo CONFIG_MODULE_SIG_FORCE=y >>"$root/usr/src/linux-headers-$KERNEL/.config"
    expect_refusal_unchanged "$root" 10 CONFIG_MODULE_SIG_FORCE "$prebake" bake --root "$root" \
        --kernel "$KERNEL" --source "$scratch/broken"
}

# A path that is no UTF-8 text drops none.
test_every_step_is_in_the_json_plan() {
    local steps
    new_root
    mv "$root" "$scratch/"$'r\xe9'
    root=$scratch/$'r\xe9'
    expect 0 bake --dry-run
    steps=$(wc -l <<<"$out")
    expect 0 bake --dry-run --json
    assert_equal "steps" "$steps" "$(jq '.steps | length' <<<"$out")"
}

mkdir "$kept"
small_root "$kept/root"
small_source 1.0 "$kept/source"
small_bundle "$kept/root" "$kept/bundles" "$kept/source" 2>/dev/null
make_key one
make_key two
run_tests "$@"

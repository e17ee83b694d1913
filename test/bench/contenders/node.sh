# shellcheck shell=bash
# What a node does with a parked bake of NVIDIA's modules and half a gigabyte of userspace.

driver_wanted=(--gpu-node=true --skip-driver=false --driver-type=cuda
    "--driver-version=$NVIDIA_VERSION")

activate_begin() { disk_fresh parked; }
# From outside: another kernel runs here than on a node.
activate_command() { command=("$prebake_node" activate --root "$root"); }
activate_end() {
    assert_contains "telemetry" "status=active changed=true" "$out"
    assert_contains "dkms status" "$nvidia, $KERNEL, x86_64: installed" "$(dkms_status_in_root)"
    chroot "$root" modprobe -S "$KERNEL" --show-depends "$open_name" >/dev/null ||
        fail "modprobe does not find $open_name"
}

dkms_status_in_root() { in_root "$root" dkms status; }

# The same modules without a bake: what a node does that compiles them itself.
dkms_install_runs=1
dkms_install_begin() {
    disk_fresh unbaked
    bench_unpack "$root" "$open_source"
    in_root "$root" dkms add "$nvidia" >/dev/null
}
dkms_install_command() { inside dkms install "$nvidia" -k "$KERNEL"; }
dkms_install_end() {
    assert_contains "dkms status" "$nvidia, $KERNEL, x86_64: installed" "$(dkms_status_in_root)"
}

# Everything matches: nothing to do. Which kernel runs is said, as it is not this one.
reconcile_begin() { disk_same active; }
reconcile_command() {
    command=("$prebake_node" reconcile --root "$root" --kernel "$KERNEL" "${driver_wanted[@]}")
}
reconcile_end() { assert_contains "telemetry" "action=keep reason=matches skip_build=true" "$out"; }

audit_begin() { disk_same active; }
audit_command() { command=("$prebake" audit --root "$root" --expect active --json); }
audit_end() {
    assert_equal "the verdict" true "$(jq .fits <<<"$out")"
    [[ $(ls "$root"/boot/initrd.img-* | wc -l) == 2 ]] || fail "two initramfs images are to be read"
}

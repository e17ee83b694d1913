# shellcheck shell=bash
# What `dkms remove` does, for $1 small modules of one kernel.

many_gone() {
    assert_absent "$root/var/lib/dkms/many"
    assert_absent "$root/lib/modules/$KERNEL/updates"
    ((round > 1)) || index_is_fresh "$KERNEL"
}

deregister_begin() {
    disk_fresh "many-$1"
    install -t "$root/usr/sbin" "$prebake_node"
    sync -f "$root"
}
deregister_command() { inside prebake-node deregister many/1.0 --all; }
deregister_end() {
    assert_contains "telemetry" "status=removed kernels=1 files=$1 foreign=0" "$out"
    many_gone
}

dkms_many_runs=1
dkms_many_begin() { disk_fresh "many-$1"; }
dkms_many_command() { inside dkms remove many/1.0 --all; }
dkms_many_end() { many_gone; }

# shellcheck shell=bash
# What `dkms remove` does, for source $1 with $2 small modules (images.sh).

many_kernel() { if [[ $1 == full ]]; then echo "$KERNEL"; else echo "$small_kernel"; fi; }

many_gone() {
    local kernel
    kernel=$(many_kernel "$1")
    assert_absent "$root/var/lib/dkms/$1"
    assert_absent "$root/lib/modules/$kernel/updates"
    ((round > 1)) || index_is_fresh "$kernel"
}

deregister_begin() {
    disk_fresh "many-$2"
    install -t "$root/usr/sbin" "$prebake_node"
    sync -f "$root"
}
deregister_command() { inside prebake-node deregister "$1/1.0" --all; }
deregister_end() {
    assert_contains "telemetry" "status=removed kernels=1 files=$2 foreign=0" "$out"
    many_gone "$1"
}

dkms_many_runs=1
dkms_many_begin() { disk_fresh "many-$2"; }
dkms_many_command() { inside dkms remove "$1/1.0" --all; }
dkms_many_end() { many_gone "$1"; }

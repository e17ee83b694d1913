# shellcheck shell=bash
# One kernel's module index, $1, becomes the one without the bake.

index_switch_begin() { disk_fresh sealed; }
index_switch_command() { command=("$build/test/bench/index-switch" "$root" "$1"); }
index_switch_end() {
    rm -r "$root/lib/modules/$1/updates"
    ((round > 1)) || index_is_fresh "$1"
}

# It gives the same again and again.
depmod_begin() { disk_same sealed; }
depmod_command() { inside depmod "$1"; }
depmod_end() { :; }

#!/bin/bash
# scripts/packer without a virtual machine: the template is read by packer, and the provisioner runs in a
# chroot, with the real programs on a real source. apt-get stands in for the network: "installing" puts
# files there that are on this machine. The whole of it in a machine is test/packer.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"
export CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$scratch_base/packer

template=$scripts/packer/prebake.pkr.hcl

# The machine that every test begins with: a compiler and headers, the inputs that packer uploads, and
# an apt-get that writes down its calls.
make_machine() {
    local inputs
    machine=$(overlay_root dkms machine)
    inputs=$machine/tmp/prebake
    mkdir -m 0700 "$inputs"
    mkdir "$inputs/source"
    cp "$prebake" "$prebake_node" "$inputs"
    small_source 1.0 "$inputs/source/small"
    install -m 0755 "$scripts/packer/provision-prebake" "$machine/tmp/provision"
    dpkg -L libc6-dev linux-libc-dev | sed 's,^/,,' | grep -v '^\.$' |
        tar -C / -c --no-recursion -T - | tar -C "$machine" -x --keep-directory-symlink
    put_apt "$machine"
    put_bundle "$machine"
    in_root "$machine" true
    umount "$machine/proc"
}

# What is compiled already need not be compiled in the machine.
put_bundle() {
    local bundle
    bundle=$("$prebake" bake --root "$1" --kernel "$KERNEL" --source "$1/tmp/prebake/source/small" \
        --dry-run --json | jq -r .bundle)
    [[ -d $cache/$bundle ]] || return 0
    mkdir -m 0700 "$1/tmp/prebake/cache"
    cp -r "$cache/$bundle" "$1/tmp/prebake/cache"
}

put_apt() {
    mkdir "$1/opt/toolchain"
    { ldd "$prebake" && ldd "$(type -P jq)"; } | awk '$3 ~ "^/" { print $3 }' | sort -u |
        xargs cp -Lt "$1/opt/toolchain"
    cp "$(type -P jq)" "$1/opt/toolchain"
    cat >"$1/usr/local/sbin/apt-get" <<'APT'
#!/bin/bash
echo "apt-get $*" >>/calls
case " $* " in
*' install '*)
    cp -r /opt/toolchain /usr/local/brought
    touch /var/lib/apt/lists/x_Packages
    ;;
*' purge '*)
    rm -r /usr/local/brought
    [[ ! -x /opt/at-purge ]] || /opt/at-purge
    ;;
esac
APT
    # Two packages more while the toolchain is there.
    cat >"$1/usr/local/sbin/dpkg-query" <<'DPKG'
#!/bin/bash
printf 'installed bash\ninstalled kmod\nconfig-files old\n'
[[ ! -d /usr/local/brought ]] || printf 'installed gcc\ninstalled jq:amd64\n'
DPKG
    chmod +x "$1/usr/local/sbin"/{apt-get,dpkg-query}
}

build_machine() { root=$(overlay_over "$machine"); }

# Runs it as packer's execute_command does.
provision() {
    run in_root "$root" env PATH=/usr/local/brought:/usr/local/sbin:/usr/sbin:/usr/bin \
        LD_LIBRARY_PATH=/usr/local/brought "$@" /tmp/provision
}

# What prebake itself would not let happen.
put_program() { gcc -x c -o "$root/tmp/prebake/prebake" - <<<"#include <stdio.h>
int main(void) { return puts(\"$1\") < 0; }"; }

expect_failed_build() {
    provision FEATURE_FLAGS=NVIDIA_CUDA_PREBAKE "${@:2}"
    ((status != 0)) || fail "the image's build should have failed: $out"
    assert_contains "what went wrong" "$1" "$err"
    assert_absent "$root/tmp/prebake"
}

test_template_is_valid() {
    mkdir -p "$scratch/inputs"
    touch "$scratch/base.img"
    ssh-keygen -q -t ed25519 -N '' -f "$scratch/key"
    expect 0 packer validate -var "inputs=$scratch/inputs" -var "base_image=$scratch/base.img" \
        -var "ssh_private_key_file=$scratch/key" -var "output=$scratch/out" "$template"
    expect 0 packer inspect "$template"
    assert_contains "off unless asked for" 'var.feature_flags: ""' "$out"
}

# The overlay's upper folder holds whatever was changed: here nothing but that the inputs are gone.
test_nothing_without_the_flag() {
    local flags
    build_machine
    for flags in '' OTHER XNVIDIA_CUDA_PREBAKE,NVIDIA_CUDA_PREBAKE2 nvidia_cuda_prebake; do
        mkdir -p "$root/tmp/prebake"
        provision FEATURE_FLAGS="$flags"
        ((status == 0)) || fail "with '$flags': $err"
        assert_contains "says so" "nothing is baked" "$out"
    done
    mkdir "$root/tmp/prebake"
    provision
    assert_contains "says so" "nothing is baked" "$out"
    assert_equal "what is changed" "/tmp /tmp/prebake" \
        "$(find "$scratch/overlay/upper" -mindepth 1 -printf '/%P\n' | sort | paste -sd ' ')"
    assert_absent "$root/tmp/prebake"
}

test_bakes_parked_and_cleans_up() {
    local state
    build_machine
    provision FEATURE_FLAGS=OTHER,NVIDIA_CUDA_PREBAKE,MORE RELEASE_NOTES=/opt/notes \
        PREBAKE_RECORD=/opt/bake.json PREBAKE_COMPAT_MARKER=/opt/marker
    ((status == 0)) || fail "$out $err"
    assert_equal "apt's calls" "update
install
purge
clean" "$(sed -E 's/.* (update|install|purge|clean).*/\1/' "$root/calls")"
    assert_contains "the kernel's headers" "linux-headers-$KERNEL" "$(<"$root/calls")"
    assert_equal "what is purged is what came" "apt-get -qq -y purge gcc jq:amd64" \
        "$(grep purge "$root/calls")"
    assert_absent "$root/tmp/prebake"
    assert_absent "$root/var/lib/apt/lists/x_Packages"
    state=$("$prebake_node" status --root "$root" --json)
    assert_equal "state and layout" "parked parked" "$(jq -r '"\(.state) \(.layout)"' <<<"$state")"
    assert_equal "the record's bundle" "$(jq -r .bundle <<<"$state")" "$(jq -r .bundle "$root/opt/bake.json")"
    assert_contains "the notes" "nvidia-cuda-driver-prebaked=1.0 (cuda, parked) for $KERNEL" \
        "$(<"$root/opt/notes")"
    assert_contains "the notes" "prebake-small-core.ko" "$(<"$root/opt/notes")"
    assert_contains "the notes" "unsigned" "$(<"$root/opt/notes")"
    assert_absent "$root/opt/marker"
    expect 0 "$prebake_node" activate --root "$root"
    assert_exists "$root/opt/marker"
}

test_lists_that_were_there_stay() {
    build_machine
    touch "$root/var/lib/apt/lists/before_Packages"
    provision FEATURE_FLAGS=NVIDIA_CUDA_PREBAKE
    ((status == 0)) || fail "$out $err"
    assert_exists "$root/var/lib/apt/lists/before_Packages"
}

# As packer uploads them with a login that is not root, whose umask lets its group write.
test_inputs_of_another_user() {
    local inputs dir=$scratch/userspace
    build_machine
    inputs=$root/tmp/prebake
    mkdir -p "$inputs/cache" "$dir/usr/bin" "$dir/usr/lib/small"
    echo text >"$dir/usr/bin/small-tool"
    ln -s ../../bin/small-tool "$dir/usr/lib/small/link"
    chown 0:7 "$dir/usr/lib/small"
    chmod 4755 "$dir/usr/bin/small-tool"
    setfattr -n user.note -v kept "$dir/usr/bin/small-tool"
    tar --xattrs --xattrs-include='*' -C "$dir" -cf "$inputs/userspace.tar" .
    chown -R 1000:1000 "$inputs"
    chmod -R g+w "$inputs"
    provision FEATURE_FLAGS=NVIDIA_CUDA_PREBAKE
    ((status == 0)) || fail "$out $err"
    expect 0 "$prebake_node" activate --root "$root"
    assert_equal "the program" "4755 0:0" "$(stat -c '%a %u:%g' "$root/usr/bin/small-tool")"
    assert_equal "its attribute" kept \
        "$(getfattr --only-values -n user.note "$root/usr/bin/small-tool")"
    assert_equal "the folder" "755 0:7" "$(stat -c '%a %u:%g' "$root/usr/lib/small")"
    assert_equal "the link" ../../bin/small-tool "$(readlink "$root/usr/lib/small/link")"
}

test_no_marker_fails_the_build() {
    build_machine
    put_program '{}'
    expect_failed_build "no marker"
}

test_a_failing_bake_fails_the_build() {
    build_machine
    echo '#error broken' >>"$root/tmp/prebake/source/small/small_core.c"
    expect_failed_build "broken"
    assert_absent "$root/var/lib/prebake"
}

# What the rest of an image's build does between the bake and the seal.
at_purge() {
    printf '#!/bin/bash\n%s\n' "$1" >"$root/opt/at-purge"
    chmod +x "$root/opt/at-purge"
}

test_a_failing_seal_fails_the_build() {
    build_machine
    at_purge 'find /var/lib/prebake/store -name "*-core.ko" -delete'
    expect_failed_build "$small_name-core.ko"
}

test_a_failing_audit_fails_the_build() {
    build_machine
    at_purge "mkdir -p /lib/modules/$KERNEL/updates/dkms
        cp \$(find /var/lib/prebake/store -name '*-core.ko') /lib/modules/$KERNEL/updates/dkms/
        depmod $KERNEL"
    expect_failed_build "$small_name-core.ko"
}

test_one_source() {
    build_machine
    touch "$root/tmp/prebake/source/second"
    expect_failed_build "must hold one thing"
}

test_one_kernel_or_a_named_one() {
    build_machine
    put_newer_kernel "$root"
    expect_failed_build "set PREBAKE_KERNEL to one of"
    cp -a "$machine/tmp/prebake" "$root/tmp/prebake"
    provision FEATURE_FLAGS=NVIDIA_CUDA_PREBAKE PREBAKE_KERNEL="$KERNEL"
    ((status == 0)) || fail "$out $err"
}

make_machine
run_tests "$@"

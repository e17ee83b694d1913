#!/bin/bash
# Every command that README.md, the manual pages and --help show works as it is written there: it is
# run, with the files it names, on an image at /mnt/image or inside of it. What another test runs is
# on a list.
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

# Which test or job runs it.
declare -A elsewhere=(
    [make]=test/install/files.sh
    [make install]=test/install/files.sh
    [make uninstall]=test/install/files.sh
    [make deb]=test/install/deb.sh
    [man prebake-files]=test/install/manual.sh
    [make quickstart]=scripts/quickstart
    [make check]=.ci/run
    [make check-long]=test/check.mk
    [make fuzz]=test/fuzz/run-fuzzers
    ["make fuzz FUZZ_SECONDS=600"]=test/fuzz/run-fuzzers
    [make bench]=test/bench/bench
    ["buildah bud -t prebake ."]=test/image
    ["docker run --rm -it prebake"]=test/image
    ["prebake sign --sign-key 'pkcs11:token=T;object=O;type=private' --sign-cert mok.der --passphrase-file pin --sign-file /lib/modules/6.1.0-47-cloud-amd64/build/scripts/sign-file nvidia.ko.zst"]=test/e2e/keys.sh
    ["prebake verify --headers linux-headers-K.deb linux-image-K.deb"]=test/kernels/whole-kernel.sh
)

# What a capital word in a command stands for.
declare -A stands_for=([FILE]=/opt/marker [PATH]=/opt/marker [NAME/VERSION]=other/1.0 [K]=mok.key
    [C]=mok.der)

documented() {
    local document program
    for document in "$top/README.md" "$scripts/aks/README.md" "$top"/doc/*.scd; do
        awk -f "$test_lib/documented.awk" "$document"
    done
    for program in "$prebake" "$prebake_node"; do
        "$program" --help | sed '1,/^Examples:$/d' | awk -f "$test_lib/documented.awk"
    done
}

# The files that the commands name, in a folder in which they are run.
make_files() {
    folder=$scratch_base/folder
    mkdir "$folder"
    cp "$baked/lib/modules/$KERNEL/updates/dkms/$open_name.ko" "$folder/nvidia.ko"
    zstd -q "$folder/nvidia.ko" -o "$folder/nvidia.ko.zst"
    ln -s "$(apt_downloaded "$open_source" "$NVIDIA_VERSION*")" "$folder"
    openssl req -new -x509 -newkey rsa:2048 -nodes -subj /CN=documented -days 2 -outform DER \
        -keyout "$folder/mok.key" -out "$folder/mok.der" 2>/dev/null
}

# An image with a bake, a module that dkms registered, and another tool's marker.
make_baked() {
    baked=$(overlay_root node baked)
    bake_nvidia "$baked" >/dev/null 2>&1
    mkdir -p "$baked/var/lib/dkms/other/1.0"
    ln -s /usr/src/other-1.0 "$baked/var/lib/dkms/other/1.0/source"
    printf 'kernel=%s\ndriver_version=1.2.3\ndriver_kind=cuda\narch=x86_64\n' "$KERNEL" \
        >"$baked/opt/marker"
}

# The command with what its capital words stand for. A compile comes from the cache, and one of which
# only an option is shown is of the small source.
complete_command() {
    local word words
    read -ra words <<<"$1"
    for word in "${!words[@]}"; do
        words[word]=${stands_for[${words[word]}]:-${words[word]}}
    done
    set -- "${words[*]}"
    case $1 in
    *--help) printf '%s\n' "$1" ;;
    "prebake bake "*--source* | "prebake build "*) printf '%s --cache %q\n' "$1" "$cache" ;;
    "prebake bake "*) printf '%s --root /mnt/image --kernel %s --source %q --cache %q\n' "$1" \
        "$KERNEL" "$scratch_base/small-1.0" "$cache" ;;
    # Inside of the image the kernel is this machine's, and not the bake's.
    "prebake-node activate") printf '%s --root /mnt/image\n' "$1" ;;
    "mtree "*) printf '%s\n' "${1// \// /mnt/image/}" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

# A managed GPU node whose driver or kernel is not the bake's: "do a full install".
status_of() { [[ $1 == *" reconcile "*--gpu-node=true* ]] && echo 5 || echo 0; }

# In a mount namespace the image $1 is at /mnt/image; what names no --root and is the node's is run
# inside of it.
run_documented() {
    local image=$1 command=$2 from=$folder
    [[ $command != scripts/* ]] || from=$top
    if [[ $command == prebake-node* && $command != *--root* ]]; then
        expect "$(status_of "$command")" chroot "$image" /bin/sh -c "$command"
        return
    fi
    # shellcheck disable=SC2016  # it is for the other shell
    expect 0 unshare --mount bash -euc '
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/image
        mount --bind "$0" /mnt/image
        cd "$1"
        PATH=$2:$PATH
        eval "$3"' "$image" "$from" "$build" "$command"
}

test_documented_commands() {
    local command image number=0
    while read -r command; do
        number=$((number + 1))
        [[ -z ${elsewhere[$command]:-} && $command != "make check-"* ]] || continue
        if [[ $command =~ ^prebake\ (bake|build|install)\  ]]; then
            image=$(overlay_root node "image.$number")
        else
            image=$(overlay_over "$baked" "image.$number")
        fi
        [[ $command != *"--expect parked"* ]] || "$prebake_node" park --root "$image" >/dev/null
        run_documented "$image" "$(complete_command "$command")"
        printf '%s\n' "$command"
    done < <(documented | sort -u)
    ((number > 25)) || fail "only $number commands are found in the documents"
}

# `make check` and `make check-long` run their parts.
test_parts_of_the_check() {
    local part parts
    parts=$(sed -n 's/^[A-Z_]*PARTS [:+]= / /p' "$top/test/check.mk" "$top/test/fuzz.mk")
    for part in $(documented | sed -n 's/^make check-\([a-z]*\)$/\1/p' | grep -v '^long$'); do
        assert_contains "the parts" " $part " "${parts//$'\n'/ } "
    done
}

# What is on the list is still documented, and what is said to run it is there.
test_the_list_of_the_others() {
    local command commands target
    commands=$(documented)
    for command in "${!elsewhere[@]}"; do
        target=${command#make }
        grep -qxF "$command" <<<"$commands" || fail "'$command' is in no document"
        assert_exists "$top/${elsewhere[$command]}"
        [[ $command != "make "* ]] || grep -rqE --include=Makefile --include='*.mk' \
            "^([a-z -]* )?${target%% *}( [a-z-]*)*:" "$top/Makefile" "$scripts" "$top/test" ||
            fail "there is no target for '$command'"
    done
}

small_source 1.0 "$scratch_base/small-1.0"
make_baked
make_files
run_tests "$@"

# shellcheck shell=bash
# What the real dkms leaves for a module set, beside what a bake does: law 2. Reads world.sh's names.
# The real dkms runs in a chroot of the root. It often exits 0 after an error, so what it prints
# counts.

modules=lib/modules/$KERNEL
nvidia=$open_name/$NVIDIA_VERSION

dkms() { in_root "$1" dkms "${@:2}"; }

assert_dkms_status() {
    local root=$1 expected=$2
    run dkms "$root" status
    assert_equal "dkms status: stderr" "" "$err"
    assert_equal "dkms status" "$expected" "$out"
}

installed() { printf '%s, %s, x86_64: installed' "$1" "$KERNEL"; }

# Every path that a bake or dkms places, but the signing key that dkms makes (mok.*).
placed_paths() {
    (cd "$1" && find var/lib/dkms usr/src lib/modules/ ! -path '*/kernel/*' ! -name 'mok.*' \
        -printf '%p type=%y mode=%m owner=%U:%G target=%l\n' | sort)
}

# A module's code: the ELF without its build id; objcopy leaves an appended signature behind.
module_code() {
    local file=$1 plain=$scratch/code.ko
    objcopy --remove-section .note.gnu.build-id "$file" "$plain"
    sha256sum <"$plain"
}

assert_same_module_code() {
    local ours=$1 theirs=$2 file
    for file in "$theirs/$modules/updates/dkms"/*.ko; do
        assert_equal "code of ${file##*/}" "$(module_code "$file")" \
            "$(module_code "$ours/$modules/updates/dkms/${file##*/}")"
    done
}

# The text files of the index; their lines are in the order of the directory.
index_text() {
    local name
    for name in dep alias softdep symbols devname; do
        sort "$1/$modules/modules.$name" | sed "s/^/$name: /"
    done
}

# Contents beside modules: the source, .config; make.log's text tells of two builds.
placed_contents() {
    (cd "$1" && find var/lib/dkms "usr/src/$2" -type f ! -name '*.ko' ! -name make.log \
        ! -name 'mok.*' -exec sha256sum {} + | sort -k 2)
}

assert_same_registration() {
    local ours=$1 theirs=$2 package=$3 look
    for look in placed_paths placed_contents index_text; do
        "$look" "$ours" "${package/\//-}" >"$scratch/ours.$look"
        "$look" "$theirs" "${package/\//-}" >"$scratch/theirs.$look"
        assert_same_tree "$look: prebake's (<) and dkms' (>)" "$scratch"/{ours,theirs}."$look"
    done
    assert_same_module_code "$ours" "$theirs"
}

# dkms add, build, install of the source in $2 (as /usr/src/NAME-VERSION in the root).
dkms_installs() {
    local root=$1 package=$2
    expect 0 dkms "$root" add "$package"
    expect 0 dkms "$root" build "$package" -k "$KERNEL"
    expect 0 dkms "$root" install "$package" -k "$KERNEL"
    assert_dkms_status "$root" "$(installed "$package")"
}

activate_again() {
    expect 0 "$prebake_node" park --root "$1"
    assert_dkms_status "$1" ""
    expect 0 "$prebake_node" activate --root "$1"
}

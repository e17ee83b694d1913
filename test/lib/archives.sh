# shellcheck shell=bash
# Hostile packages, made with plain tar and ar.

# A .deb $1 around the data archive $2.
make_deb() {
    local deb=$1 data=$2 dir
    dir=$(mktemp -d "$scratch/deb.XXXXXX")
    echo 2.0 >"$dir/debian-binary"
    printf 'Package: evil\nVersion: 1\nArchitecture: all\n' >"$dir/control"
    tar -C "$dir" -cJf "$dir/control.tar.xz" ./control
    xz -c "$data" >"$dir/data.tar.xz"
    rm -f "$deb"
    ar rc "$deb" "$dir/debian-binary" "$dir/control.tar.xz" "$dir/data.tar.xz"
}

# The members of a good package, to which each hostile one adds a member: makes $1/usr/src/….
good_members() { mkdir -p "$1/usr/src" && small_source 1.0 "$1/usr/src/$small_name-1.0"; }

# A good package's data archive $1 with a member that tar names as the expression $2 says.
data_with_renamed_member() {
    local data=$1 rename=$2 dir
    dir=$(mktemp -d "$scratch/data.XXXXXX")
    good_members "$dir"
    echo evil >"$dir/evil"
    tar -C "$dir" -cPf "$data" ./usr
    tar -C "$dir" -rPf "$data" --transform "$rename" evil
}

# A good package's data archive $1 with what the command in the other arguments makes in the source.
data_with() {
    local data=$1 dir
    shift
    dir=$(mktemp -d "$scratch/data.XXXXXX")
    good_members "$dir"
    (cd "$dir/usr/src/$small_name-1.0" && "$@")
    tar -C "$dir" -cPf "$data" ./usr
}

# As data_with() a link "out" to $2, and after it a member that goes through the link.
data_through_link() {
    local data=$1 target=$2 dir
    data_with "$data" ln -s "$target" out
    dir=$(mktemp -d "$scratch/data.XXXXXX")
    mkdir -p "$dir/usr/src/$small_name-1.0/out"
    echo evil >"$dir/usr/src/$small_name-1.0/out/evil"
    tar -C "$dir" -rPf "$data" "./usr/src/$small_name-1.0/out/evil"
}

# A hard link whose target is an absolute path outside.
data_with_hard_link() {
    local data=$1 target=$2 dir
    dir=$(mktemp -d "$scratch/data.XXXXXX")
    good_members "$dir"
    ln "$dir/usr/src/$small_name-1.0/dkms.conf" "$dir/usr/src/$small_name-1.0/zzz"
    tar -C "$dir" -cPf "$data" --transform "flags=h;s,.*,$target," ./usr
}

# shellcheck shell=bash
# apt: installing what is missing, and downloading packages without installing them.
# Needs say.sh and the variable `build` (an absolute path).

# Prints those of the named packages that are not installed.
apt_missing() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' || true)
    printf '%s\n' "$@" | grep -vxF -f <(printf '%s\n' "$installed") || true
}

# Installs the missing ones of the named packages; asks the network only when there are any.
apt_install() {
    local missing
    mapfile -t missing < <(apt_missing "$@")
    ((${#missing[@]})) || return 0
    ((EUID == 0)) || die "these packages are missing, run as root to install them: ${missing[*]}"
    say "installing ${#missing[@]} packages: ${missing[*]}"
    apt-get -qq update
    apt_check_available "${missing[@]}"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=600 install "${missing[@]}" >/dev/null
}

# One sentence for every package that this machine's sources do not offer.
apt_check_available() {
    local package
    for package in "$@"; do
        [[ -n $(apt-cache madison "$package") ]] ||
            die "no source of this machine offers $package (Debian keeps a kernel's packages only" \
                "for a while: change the KERNEL in scripts/lib/versions.sh)"
    done
}

# Copies apt sources from $1 (an /etc/apt) to $2 with contrib and non-free added where main is.
# Stanzas without main are left out: the widened ones cover them.
apt_widen_sources() {
    local from=$1 to=$2 file
    mkdir -p "$to/sources.list.d"
    : >"$to/sources.list"
    for file in "$from/sources.list" "$from"/sources.list.d/*.list; do
        [[ -f $file ]] && awk -f "$scripts/lib/widen-list.awk" "$file" >>"$to/sources.list"
    done
    for file in "$from"/sources.list.d/*.sources; do
        [[ -f $file ]] &&
            awk -f "$scripts/lib/widen-sources.awk" "$file" >"$to/sources.list.d/${file##*/}"
    done
    return 0
}

# An apt configuration of our own below build/apt: this machine's sources, keys and proxies, wider
# by two components. The machine's own sources and lists stay as they are.
apt_private_setup() {
    local dir=$build/apt
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    apt_widen_sources /etc/apt "$dir"
    cat >"$dir/apt.conf" <<CONF
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/sources.list.d";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir/cache";
APT::Sandbox::User "root";
CONF
    apt-get -c "$dir/apt.conf" -qq update
}

# Downloads package $1 in a version that the pattern $2 matches into build/downloads, unless it is
# there, and prints nothing. The first use of the private configuration reads the package lists.
apt_download() {
    local package=$1 pattern=$2 version
    compgen -G "$build/downloads/${package}_${pattern}_*.deb" >/dev/null && return 0
    [[ -n ${apt_private_ready:-} ]] || apt_private_setup
    apt_private_ready=yes
    version=$(apt-cache -c "$build/apt/apt.conf" madison "$package" |
        awk -F' *[|] *' -v want="$pattern" '
            BEGIN { gsub(/[.+]/, "\\\\&", want); gsub(/\*/, ".*", want) }
            $2 ~ "^" want "$" { print $2; exit }')
    [[ -n $version ]] || die "no source of this machine offers $package in version $pattern, with" \
        "the components contrib and non-free added"
    say "downloading $package $version"
    mkdir -p "$build/downloads"
    (cd "$build/downloads" && apt-get -c "$build/apt/apt.conf" -qq download "$package=$version")
}

# The name of this machine's Debian release.
apt_own_release() {
    # shellcheck source=/dev/null
    (. /etc/os-release && printf '%s\n' "$VERSION_CODENAME")
}

# A configuration as the directory $1 of its own for packages that are not for this system: of
# architecture $2, from the Debian release $3 ("bookworm-backports" is one), out of this machine's
# sources, which serve them all.
apt_foreign_setup() {
    local dir=$1 architecture=$2 release=$3 own file
    [[ ! -f $dir/apt.conf ]] || return 0
    own=$(apt_own_release)
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    apt_widen_sources /etc/apt "$dir"
    for file in "$dir/sources.list" "$dir"/sources.list.d/*.sources; do
        [[ $release != "$own" && -f $file ]] || continue
        awk -v suite="$release" -f "$scripts/lib/other-suite.awk" "$file" >"$dir/new"
        mv "$dir/new" "$file"
    done
    cat >"$dir/new" <<CONF
APT::Architecture "$architecture";
APT::Architectures "$architecture";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/sources.list.d";
Dir::State::lists "$dir/lists";
Dir::State::status "/dev/null";
Dir::Cache "$dir/cache";
APT::Sandbox::User "root";
CONF
    apt-get -c "$dir/new" -qq update
    mv "$dir/new" "$dir/apt.conf"
}

# The same for another architecture $1.
apt_download_foreign() {
    local architecture=$1 package=$2 dir=$build/apt-$1
    compgen -G "$build/downloads/${package}_*.deb" >/dev/null && return 0
    apt_foreign_setup "$dir" "$architecture" "$(apt_own_release)"
    say "downloading $package"
    (cd "$build/downloads" && apt-get -c "$dir/apt.conf" -qq download "$package")
}

# The same of another Debian release $1, into a folder of its own.
apt_download_release() {
    local release=$1 package=$2 dir=$build/apt-$1
    compgen -G "$build/downloads/$release/${package}_*.deb" >/dev/null && return 0
    apt_foreign_setup "$dir" "$(dpkg --print-architecture)" "$release"
    say "downloading $package of $release"
    mkdir -p "$build/downloads/$release"
    (cd "$build/downloads/$release" && apt-get -c "$dir/apt.conf" -qq download "$package")
}

# Prints the path of a downloaded package.
apt_downloaded() {
    local found
    found=$(compgen -G "$build/downloads/$1_${2:-*}_*.deb" | sort -V | tail -n 1) || true
    [[ -n $found ]] || die "$1 is not in build/downloads: run scripts/install-deps"
    printf '%s\n' "$found"
}

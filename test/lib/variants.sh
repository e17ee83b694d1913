# shellcheck shell=bash
# Small modules, and what can be wrong with a module, one fault at a time. Read after world.sh.

# Compiles test/lib/variants against this machine's headers into directory $1.
variants_compile() {
    local dir=$1
    cp -r "$test_lib/variants" "$dir"
    make -s -C "/usr/src/linux-headers-$KERNEL" M="$dir" modules >"$dir/log" 2>&1 ||
        fail "$(<"$dir/log")"
}

# Makes a key $1.pem with the certificates $1.crt (PEM) and $1.der; the other arguments say of which
# kind (openssl req -newkey).
variants_key() {
    local path=$1
    shift
    openssl req -new -x509 -nodes -days 3650 -subj "/CN=${path##*/}" -newkey "$@" \
        -keyout "$path.pem" -out "$path.crt" 2>/dev/null
    openssl x509 -in "$path.crt" -outform DER -out "$path.der"
}

# Where section $2 of file $1 begins in it, and its size: "OFFSET SIZE".
section_at() {
    local name offset size
    while read -r name _ _ offset size _; do
        [[ $name != "$2" ]] || echo $((16#$offset)) $((16#$size))
    done < <(readelf -SW "$1" | sed 's/^ *\[ *[0-9]*\] *//')
}

# Changes byte number $2 of file $1 to another.
flip_byte() { perl -pi -0777 -e "substr(\$_, $2, 1) ^= chr(0x55)" "$1"; }

# In the middle of section $2.
flip_in_section() {
    local offset size
    read -r offset size < <(section_at "$1" "$2")
    flip_byte "$1" $((offset + size / 2))
}

# Writes the bytes $3 (hexadecimal) at offset $2 of file $1.
put_bytes() { perl -pi -0777 -e "substr(\$_, $2, length('$3') / 2) = pack('H*', '$3')" "$1"; }

# Gives section $2 of file $1 the content that the filter in the other arguments makes of it.
with_section() {
    local file=$1 section=$2 content
    shift 2
    content=$(mktemp "$scratch/section.XXXXXX")
    objcopy -O binary --only-section="$section" --set-section-flags "$section=alloc" "$file" \
        "$content"
    "$@" <"$content" >"$content.new"
    objcopy --update-section "$section=$content.new" "$file"
    rm "$content" "$content.new"
}

# The .modinfo of file $1 through the filter in the other arguments, an entry a line.
with_modinfo() {
    local file=$1
    shift
    with_section "$file" .modinfo modinfo_lines "$@"
}
modinfo_lines() { tr '\0' '\n' | "$@" | tr '\n' '\0'; }

# Symbol $2's CRC in __versions becomes a wrong one, or goes with its entry.
wrong_crc() { with_section "$1" __versions perl -0777 -pe "s/.{8}(?=\Q$2\E\0)/pack('Q', 0x1234567)/es"; }
without_crc() { with_section "$1" __versions perl -0777 -pe "s/.{8}\Q$2\E\0{$((56 - ${#2}))}//s"; }

# The CRCs of __versions once more, in the sections that kernels read from 6.14 on.
extended_versions() {
    local file=$1 table
    table=$(mktemp "$scratch/versions.XXXXXX")
    modprobe --dump-modversions "$file" >"$table"
    perl -ane 'print pack("V", hex $F[0])' "$table" >"$table.crcs"
    perl -ane 'print "$F[1]\0"' "$table" >"$table.names"
    objcopy --add-section "__version_ext_crcs=$table.crcs" \
        --set-section-flags __version_ext_crcs=alloc,readonly \
        --add-section "__version_ext_names=$table.names" \
        --set-section-flags __version_ext_names=alloc,readonly "$file"
    rm "$table" "$table.crcs" "$table.names"
}

# The type of the first relocation of code becomes $2 (hexadecimal, 4 bytes).
relocation_type() {
    local offset _
    read -r offset _ < <(section_at "$1" .rela.init.text)
    put_bytes "$1" $((offset + 8)) "$2"
}

#!/bin/bash
# Inspect says what modinfo and `modprobe --dump-modversions` say, of 500 modules of a real kernel,
# and more.
# shellcheck disable=SC2016  # jq expands it
set -euo pipefail
# shellcheck source=test/lib/world.sh
. "$(dirname "$0")/../lib/world.sh"

modules_wanted=500

# What the expression makes of the document, sorted.
by_inspect() { jq -r "$1" "$document" | sort; }

# What modinfo prints of all modules, "FILE key=value": it ends each field with a NUL, and what it
# says of the file itself and of the signature's bytes is left out.
by_modinfo() {
    modinfo -0 "${modules[@]}" | tr '\n\0' '\1\n' | awk '
        sub(/^filename: */, "") { file = $0; next }
        { sub(/^parm: */, "parm=") }
        !/^(sig_id|signature)=/ { print file " " $0 }'
}

test_modversions() {
    local module
    for module in "${modules[@]}"; do
        modprobe --dump-modversions "$module" | sed "s,^,$module ," | tr '\t' ' '
    done | sort >"$scratch/peer"
    by_inspect '.modules[] | .file as $file | .versions[] | "\($file) \(.crc) \(.symbol)"' \
        >"$scratch/ours"
    (($(wc -l <"$scratch/peer") > 10 * modules_wanted)) || fail "modprobe printed next to nothing"
    assert_same_tree "symbol versions" "$scratch/peer" "$scratch/ours"
}

test_fields() {
    grep -vE '^[^ ]* (parm|signer|sig_key|sig_hashalgo)=' "$scratch_base/modinfo" >"$scratch/peer"
    by_inspect '.modules[] | .file as $file | .modinfo[] |
        select(.[0] != "parm" and .[0] != "parmtype") | "\($file) \(.[0])=\(.[1])"' >"$scratch/ours"
    (($(wc -l <"$scratch/peer") > 5 * modules_wanted)) || fail "modinfo printed next to nothing"
    assert_same_tree "fields" "$scratch/peer" "$scratch/ours"
}

# modinfo joins a parameter's text and its type.
test_parameters() {
    sed -n 's/^\([^ ]*\) parm=\([^:]*\):.*/\1 \2/p' "$scratch_base/modinfo" | sort -u >"$scratch/peer"
    by_inspect '.modules[] | .file as $file | .modinfo[] | select(.[0] | test("^parm(type)?$")) |
        "\($file) \(.[1] | split(":")[0])"' | sort -u >"$scratch/ours"
    assert_same_tree "parameters" "$scratch/peer" "$scratch/ours"
}

test_signatures() {
    grep -E '^[^ ]* (signer|sig_key|sig_hashalgo)=' "$scratch_base/modinfo" >"$scratch/peer"
    by_inspect '.modules[] | .file as $file | .signature |
        "\($file) signer=\(.signer)", "\($file) sig_key=\(.key_id)",
        "\($file) sig_hashalgo=\(.hash)"' >"$scratch/ours"
    assert_same_tree "signatures" "$scratch/peer" "$scratch/ours"
}

BUILD_DIR=$build "$scripts/make-root" node >&2
# Every second one: of each kind some.
mapfile -t modules < <(find "$build/roots/node/lib/modules/$KERNEL/kernel" -name '*.ko' | sort |
    awk 'NR % 2' | head -n "$modules_wanted")
((${#modules[@]} == modules_wanted)) || die "the root has only ${#modules[@]} modules to look at"
document=$scratch_base/inspected
"$prebake" inspect --json "${modules[@]}" >"$document"
by_modinfo | sort >"$scratch_base/modinfo"
run_tests "$@"

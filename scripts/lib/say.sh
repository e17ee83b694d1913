# shellcheck shell=bash
# Messages of the scripts: progress on stdout, problems on stderr.

say() { printf '==> %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# shellcheck shell=bash
# What the programs say of themselves in their --help. Read after world.sh.

verbs_of() { "$1" --help | sed -n '/^Commands:$/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'; }

# The options of program $1's verb $2, with their dashes.
options_of() { "$1" "$2" --help | sed -n '/^Options:$/,/^$/s/^  \(--*[a-z0-9][a-z0-9-]*\).*/\1/p'; }

# "--option a|b|c" for each option of program $1's verb $2 that takes one of a few words. Values in
# capitals are kinds of values.
choices_of() {
    "$1" "$2" --help | sed -n '/^Options:$/,/^$/p' | tr '\n' '\f' | sed 's/|\f */|/g' | tr '\f' '\n' |
        sed -n 's/^  \(--*[a-z0-9-]* [a-z0-9-]*|[^ ]*\).*/\1/p'
}

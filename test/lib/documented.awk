# The commands that a document shows, one a line: those of README's indented blocks and of its code
# in the text, those of the literal blocks of a manual page's source, those of a program's --help.
#
# A line that ends with a backslash goes on; a comment ("# …", or words after three spaces) is cut
# off. A block with box-drawing in it is a picture.

function is_command(text) {
    return text ~ /^(prebake|prebake-node|make|man|mtree|docker|buildah|scripts\/[a-z-]+)( |$)/
}

function show(text) {
    sub(/ +#.*/, "", text)
    sub(/   .*/, "", text)
    sub(/ +$/, "", text)
    if (is_command(text))
        print text
}

function end_block(    i) {
    for (i = 1; i <= count && !picture; i++)
        show(lines[i])
    count = picture = 0
}

function add(text) {
    if (text ~ /─/)
        picture = 1
    sub(/^ +/, "", text)
    if (goes_on)
        lines[count] = lines[count] " " text
    else
        lines[++count] = text
    goes_on = sub(/ *\\+$/, "", lines[count])
}

# A name alone is the program, not a command, but for make; with a verb it is the verb.
function show_code(text,    parts, total, i) {
    total = split(text, parts, "`")
    for (i = 2; i <= total; i += 2)
        if (parts[i] ~ (parts[i] ~ /^prebake/ ? " .* " : " |^make$"))
            show(parts[i])
}

/^```/ { literal = !literal; if (!literal) end_block(); next }
literal || /^(    |  [a-z])/ { add($0); next }
goes_on { add($0); next }
{ end_block(); show_code($0) }
END { end_block() }

# deb822 apt sources: adds contrib and non-free to the Components of each stanza that has main,
# drops the others. A field goes on in the lines below it that begin with white space.
BEGIN { RS = "" }

{
    stanza = components = ""
    reading = 0
    for (i = 1; i <= split($0, line, "\n"); i++) {
        if (line[i] ~ /^#/)
            continue
        if (line[i] !~ /^[ \t]/)
            reading = line[i] ~ /^[Cc]omponents:/
        if (reading) {
            sub(/^[Cc]omponents:/, "", line[i])
            components = components " " line[i]
        } else {
            stanza = stanza line[i] "\n"
        }
    }
    if ((components " ") !~ /[ \t]main[ \t]/)
        next
    for (i = split("contrib non-free", extra, " "); i > 0; i--)
        if ((components " ") !~ ("[ \t]" extra[i] "[ \t]"))
            components = components " " extra[i]
    print stanza "Components:" components "\n"
}

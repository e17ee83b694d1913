# apt sources, deb822 or one-line, of the suite `suite` instead of what they name. Those of security
# updates, which are elsewhere, are dropped.
{ line[NR] = $0 }

function flush_stanza() {
    if (stanza != "" && !security)
        print stanza
    stanza = ""
    security = 0
}

END {
    for (i = 1; i <= NR; i++) {
        text = line[i]
        if (text ~ /^deb /) {
            sub(/^deb +(\[[^]]*\] +)?/, "&\n", text)
            split(text, half, "\n")
            count = split(half[2], word, " ")
            if (word[2] ~ /-security/)
                continue
            printf "%s%s %s", half[1], word[1], suite
            for (w = 3; w <= count; w++)
                printf " %s", word[w]
            print ""
        } else if (text ~ /^[ \t]*$/) {
            flush_stanza()
        } else {
            if (text ~ /^[Ss]uites:/) {
                security = text ~ /-security/
                text = "Suites: " suite
            }
            stanza = stanza text "\n"
        }
    }
    flush_stanza()
}

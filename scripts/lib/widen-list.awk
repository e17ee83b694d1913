# One-line apt sources ("deb [options] URI suite component…"): adds contrib and non-free to each
# line that has main, drops the others.
$1 == "deb" && / main( |$)/ {
    for (i = split("contrib non-free", extra, " "); i > 0; i--)
        if ((" " $0 " ") !~ (" " extra[i] " "))
            $0 = $0 " " extra[i]
    print
}

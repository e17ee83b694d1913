# The document of build/bench.json from the table and the samples (CONTENDER WALL_NS CPU_US PEAK_KB).

def median: sort | if length % 2 == 1 then .[length / 2 | floor]
                   else (.[length / 2 - 1] + .[length / 2]) / 2 end;

def lines($text): $text | split("\n") | map(select(length > 0));

def figures($name):
    if $name == "-" then null
    else [lines($samples)[] | split("\t") | select(.[0] == $name) | .[1:] | map(tonumber)]
        | {name: $name, runs: length, wall_ms: (map(.[0]) | {median: median, min: min, max: max}
               | map_values(. / 1e6)),
           cpu_ms: (map(.[1]) | median / 1e3), peak_mb: (map(.[2]) | max / 1024)}
    end;

# "100x", "20 ms", "8 MB" or "-"
def verdict($target; $ours; $ratio):
    if $target == "-" then null
    elif $target | endswith("x") then $ratio >= ($target | rtrimstr("x") | tonumber)
    elif $target | endswith(" ms") then $ours.wall_ms.median <= ($target | rtrimstr(" ms") | tonumber)
    elif $target | endswith(" MB") then $ours.peak_mb <= ($target | rtrimstr(" MB") | tonumber)
    else error("no such target: " + $target) end;

def row($fields):
    figures($fields[1]) as $ours | figures($fields[2]) as $peer
    | (if $peer then $peer.wall_ms.median / $ours.wall_ms.median else null end) as $ratio
    | {row: $fields[0], ours: $ours, peer: $peer, ratio: $ratio,
       cpu_ratio: (if $peer then $peer.cpu_ms / ([$ours.cpu_ms, 0.001] | max) else null end),
       target: $fields[3], ok: verdict($fields[3]; $ours; $ratio)};

{format: 1, version: $version, machine: {cpu: $cpu, cores: $cores, kernel: $kernel, load: $load},
 rows: [lines($rows)[] | row(split("|"))]}

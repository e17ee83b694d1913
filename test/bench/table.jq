# build/bench.json as lines for column(1).

def digits: if . >= 100 then round elif . >= 10 then (. * 10 | round) / 10
            else (. * 100 | round) / 100 end | tostring;

def figure($target):
    if . == null then "-"
    elif $target | endswith(" MB") then "\(.peak_mb | digits) MB (n=\(.runs))"
    else "\(.wall_ms.median | digits) ms (n=\(.runs))" end;

def times: if . == null then "-" else digits + "x" end;

def target: if test("^[0-9.]+x$") then ">= " + . elif . == "-" then . else "<= " + . end;

(["row", "ours", "peer", "ratio", "cpu ratio", "target", "result"],
 (.rows[] | .target as $target
  | [.row, (.ours | figure($target)), (.peer | figure($target)), (.ratio | times),
     (.cpu_ratio | times), ($target | target),
     (if .ok == null then "-" elif .ok then "ok" else "MISS" end)]))
| @tsv

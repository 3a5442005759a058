#!/bin/bash
# `quorate sim`: its lists and flags, and the picture of a run, which must be whole and change nothing.
set -u
command -v python3 >/dev/null || exit 77
quorate=${QUORATE_BUILD_DIR:-build}/quorate
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAIL: $*" >&2; exit 1; }

"$quorate" sim --list-faults | grep -q '^crash-in-sync' || fail "--list-faults does not name crash-in-sync"
"$quorate" sim --list-workloads | grep -qx append || fail "--list-workloads does not name append"
out=$("$quorate" sim --seed 1 --faults crush 2>&1) && fail "--faults crush is taken"
case "$out" in *"no fault is called crush"*) ;; *) fail "--faults crush says: $out" ;; esac
out=$("$quorate" sim --seed 1 --timeline "$dir/all.html" 2>&1) && fail "--timeline of all workloads is taken"

trace_of() { grep -o 'trace [0-9a-f]*' <<<"$1"; }
for workload in append sql-bank; do
  plain=$("$quorate" sim --seed 4 --scenario $workload) || fail "$workload: $plain"
  drawn=$("$quorate" sim --seed 4 --scenario $workload --timeline "$dir/$workload.html") || fail "$workload: $drawn"
  [ "$(trace_of "$plain")" = "$(trace_of "$drawn")" ] || fail "$workload: the picture changes the run"
  python3 - "$dir/$workload.html" <<'PY' || fail "$workload: the page is not whole"
import json, re, sys
page = open(sys.argv[1], encoding="utf-8").read()
assert len(page) < 10 << 20, len(page)
assert not re.search(r'(src|href)\s*=\s*"(https?:)?//', page)
run = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S).group(1))
texts, hosts = len(run["texts"]), len(run["hosts"])
assert run["violation"] == "" and run["nodes"] >= 3 and len(run["messages"]) > 1000
for sent, ended, source, to, kind, fate, flags, ranges, text in run["messages"]:
    assert 0 <= sent <= run["end"] and (ended == -1 or ended >= sent) and source != to
    assert source < hosts and to < hosts and kind < len(run["kinds"]) and -1 <= fate <= 4 and text < texts
done = [t for t in run["transactions"] if t[4] == 1]
assert len(done) + run["leftOut"]["transactions"] >= run["committed"] > 0
assert all(s[3] < texts and s[2] < texts for t in done for s in t[7])
assert {0, 5, 6} <= {s[0] for s in run["spans"]} and {0, 2, 9} <= {m[0] for m in run["marks"]}
PY
done
out=$("$quorate" sim --seed 4 --scenario register --faults pause --without skew --until 3 --sessions 1) || fail "$out"
grep -Eq ' (crash|cut|wipe|clock) [0-9]' <<<"$out" && fail "faults came that were left out: $out"
exit 0

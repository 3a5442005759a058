#!/bin/bash
# A seed's trace is the same whatever build of one commit ran it: each workload's seeds through each binary, and the
# hashes of their traces beside each other. Where they differ, a run depends on what no seed decides: the order in
# which a compiler evaluates arguments, addresses, unordered containers, bytes that nobody wrote, assertions with effects.
# Not among the tests that run by themselves: it needs several builds.
#   tests/long/same_traces.sh build/quorate build/debug/quorate build/clang/quorate --seeds 1..6
# Ends with 1 and the list of what differs; `--trace` of such a seed in two builds, and diff, tell where it begins.
set -u
usage() {
  cat <<'H'
usage: same_traces.sh BINARY BINARY... [--seeds A..B] [--scenario NAME]... [--jobs N] [--limit SECONDS]
  --seeds A..B       1..3, without it; N alone means 1..N
  --scenario NAME    this workload alone; may come again (all that `quorate sim --list-workloads` tells)
  --jobs N           runs beside each other (1)
  --limit SECONDS    a run that lasts longer has no trace (1800)
H
  exit "$1"
}
binaries=() seeds=1..3 workloads=() jobs=1 limit=1800
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage 0 ;;
    --seeds | --scenario | --jobs | --limit)
      [ $# -ge 2 ] || usage 2
      case $1 in
        --seeds) seeds=$2 ;;
        --scenario) workloads+=("$2") ;;
        --jobs) jobs=$2 ;;
        --limit) limit=$2 ;;
      esac
      shift 2
      ;;
    -*) usage 2 ;;
    *) binaries+=("$(realpath -- "$1")"); shift ;;
  esac
done
case $seeds in *..*) ;; *) seeds=1..$seeds ;; esac
from=${seeds%..*} to=${seeds#*..}
[[ $from =~ ^[0-9]+$ && $to =~ ^[0-9]+$ && $from -le $to && $jobs =~ ^[1-9][0-9]*$ && $limit =~ ^[1-9][0-9]*$ ]] || usage 2
[ ${#binaries[@]} -ge 2 ] || { echo "two binaries or more are needed"; usage 2; }
for binary in "${binaries[@]}"; do
  "$binary" sim --list-workloads >/dev/null || { echo "$binary does not run"; exit 2; }
done
if [ ${#workloads[@]} = 0 ]; then mapfile -t workloads < <("${binaries[0]}" sim --list-workloads); fi
dir=$(mktemp -d) && cd "$dir" || exit 2
trap 'cd /; rm -rf "$dir"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# try WORKLOAD SEED: what each binary says of this run, a line each; the run's last words where it has no trace.
try() {
  local out binary
  for binary in "${binaries[@]}"; do
    out=$(timeout "$limit" "$binary" sim --scenario "$1" --seed "$2" --no-timeline 2>&1)
    case $? in
      0 | 1) ;;
      124) out+=$'\nlonger than '"$limit seconds" ;;
    esac
    if grep -E "^$1 seed $2: .* trace [0-9a-f]{16};" <<<"$out" | head -1 | grep .; then continue; fi
    echo "no trace: $(grep -v '^ *$' <<<"$out" | tail -1)"
  done >"$1.$2.lines"
  mv "$1.$2.lines" "$1.$2"
}

for workload in "${workloads[@]}"; do
  for ((seed = from; seed <= to; ++seed)); do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    try "$workload" "$seed" &
  done
done
wait

runs=0 differing=() violations=0
for workload in "${workloads[@]}"; do
  for ((seed = from; seed <= to; ++seed)); do
    runs=$((runs + 1))
    mapfile -t lines < <(cat "$workload.$seed" 2>/dev/null)
    same=1
    [ ${#lines[@]} = ${#binaries[@]} ] || same=0
    for line in "${lines[@]}"; do
      [ "$line" = "${lines[0]}" ] && [[ $line != "no trace: "* ]] || same=0
    done
    [[ ${lines[0]-} == *": VIOLATION "* ]] && violations=$((violations + 1))
    [ $same = 1 ] && continue
    differing+=("$workload $seed")
    echo "$workload $seed"
    for i in "${!binaries[@]}"; do printf '  %s\n    %s\n' "${binaries[$i]}" "${lines[$i]-no trace: it did not run}"; done
  done
done
[ $violations = 0 ] || echo "$violations of the runs found a violation, which this does not judge."
if [ ${#differing[@]} = 0 ]; then
  echo "$runs runs, ${#binaries[@]} builds: all traces are equal."
  exit 0
fi
printf -v list ', %s' "${differing[@]}"
echo "$runs runs, ${#binaries[@]} builds; different: ${list:2}"
exit 1

#!/bin/bash
# Every planted bug of planted.txt against the workload that must show it: a line for the table of docs/testing.md
# each, as soon as it is known, and the whole table in the end. Not among the tests that run by themselves: it needs a
# build of the preset `planted`, and takes hours.
#   cmake --preset planted && ninja -C build/planted quorate
#   tests/long/planted.sh --jobs 2
# What is known stands in the results file: a run that was stopped goes on where it stopped. Ends with 1 where a plant
# was not shown.
set -u
usage() {
  echo "usage: planted.sh [--jobs N] [--results FILE] [--list FILE] [PLANT...]"
  exit "$1"
}
jobs=2 results=build/planted/planted.results list=tests/long/planted.txt
while [ $# -gt 0 ]; do
  case $1 in
    --jobs) jobs=$2; shift 2 ;;
    --results) results=$2; shift 2 ;;
    --list) list=$2; shift 2 ;;
    --help | -h) usage 0 ;;
    -*) usage 2 ;;
    *) break ;;
  esac
done
cd "$(dirname "$0")/../.." || exit 2
quorate=${QUORATE_BUILD_DIR:-build/planted}/quorate
[ -x "$quorate" ] || { echo "$quorate is not built"; exit 2; }
"$quorate" sim --list-plants | grep -q . || { echo "$quorate has no planted bugs: the preset is planted"; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# rule, plant, workload and seeds, a tab between them; those that were asked for.
plants() {
  grep -v '^#' "$list" | sed -E 's/ *\| */\t/g' | while IFS=$'\t' read -r rule plant workload seeds; do
    [ $# -gt 0 ] && [[ " $* " != *" $plant "* ]] && continue
    printf '%s\t%s\t%s\t%s\n' "$rule" "$plant" "$workload" "$seeds"
  done
}

# What the campaign says of its one violation, in a few words: keys are left out.
seen_as() {
  local kind
  kind=$(sed -nE 's/^  violation: (.*)/\1/p' "$1" | head -1 | sed -E 's/\\x[0-9a-f]{2}[^ ]*/…/g')
  [ -n "$kind" ] || kind=$(sed -nE 's/^([^ ]+\.(cc|h)):[0-9]+: check failed: .*/an assertion fails (\1)/p' "$1" | head -1)
  [ -n "$kind" ] || kind=$(sed -nE 's/^  1 × (.*): · .*/it \1/p' "$1" | head -1)
  [ ${#kind} -le 110 ] || kind="${kind:0:107}..."
  echo "${kind//|/ }"
}

# A line of the results: plant, workload, seed (- for none), runs, seen as.
try() {
  local plant=$1 workload=$2 seeds=$3 out=$dir/$1 seed runs kind
  # shellcheck disable=SC2086  # --often may come with the workload
  "$quorate" sim --seeds "1..$seeds" --scenario $workload --plant "$plant" --first --no-timeline --jobs 1 \
    >"$out" 2>&1
  case $? in
    0) seed=- kind="not shown" ;;
    1)
      seed=$(sed -nE 's/^  1 × .*: · [^ ]+ ([0-9]+).*/\1/p' "$out" | head -1)
      kind=$(seen_as "$out")
      ;;
    *) echo "$plant: the campaign does not run:"; tail -3 "$out"; return ;;
  esac
  runs=$(sed -nE 's/^([0-9]+) runs, .*/\1/p' "$out" | tail -1)
  [ -n "$seed" ] && [ -n "$runs" ] || { echo "$plant: the campaign's end is missing:"; tail -3 "$out"; return; }
  printf '%s\t%s\t%s\t%s\t%s\n' "$plant" "$workload" "$seed" "$runs" "$kind" >>"$results"
  rm -f "$out"
}

result_of() { awk -F'\t' -v plant="$1" '$1 == plant { line = $0 } END { print line }' "$results"; }
line_of() {  # rule, plant
  local workload seed runs kind
  IFS=$'\t' read -r _ workload seed runs kind <<<"$(result_of "$2")"
  [ -n "$workload" ] || { echo "| $1 | \`$2\` | not run | |"; return; }
  [ "$seed" = - ] && seed="none of $runs"
  echo "| $1 | \`$2\` | $workload $seed | $kind |"
}

mkdir -p "$(dirname "$results")" && touch "$results" || exit 2
mapfile -t all < <(plants "$@")
[ ${#all[@]} -gt 0 ] || { echo "no such plant in $list"; exit 2; }
started=0
for line in "${all[@]}"; do
  IFS=$'\t' read -r rule plant workload seeds <<<"$line"
  started=$((started + 1))
  [ -n "$(result_of "$plant")" ] && continue
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  echo "$(date +%H:%M:%S) $started of ${#all[@]}: $plant by $workload 1..$seeds" >&2
  { try "$plant" "$workload" "$seeds"; line_of "$rule" "$plant" >&2; } &
done
wait

shown=0
echo "| rule broken | \`--plant\` | seed | seen as |"
echo "|---|---|---|---|"
for line in "${all[@]}"; do
  IFS=$'\t' read -r rule plant _ <<<"$line"
  line_of "$rule" "$plant"
  [[ $(result_of "$plant" | cut -f3) =~ ^[0-9]+$ ]] && shown=$((shown + 1))
done
echo
echo "$shown of ${#all[@]} planted bugs are shown."
[ "$shown" -eq ${#all[@]} ]

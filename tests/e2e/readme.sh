#!/bin/bash
# What README.md tells a newcomer to type, typed: its code blocks are taken from the file and run word for
# word (`./dev test` excepted, which runs this), in a directory of its own.
set -u
cd "$(dirname "$0")/../.."
root=$PWD
build=${QUORATE_BUILD_DIR:-$root/build}
for p in psql script python3; do command -v $p >/dev/null || { echo "skipped: no $p on this machine"; exit 77; }; done
[ -x "$build/quorate" ] || { echo "skipped: $build/quorate is not built"; exit 77; }
slower=${QUORATE_SLOWER:-1}
python3 - <<'P' || { echo "skipped: a port that README uses is taken"; exit 77; }
import socket
for port in [*range(26257, 26260), *range(26357, 26360)]:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
P
dir=$(mktemp -d)
pids=()
clean_up() {
  for p in "${pids[@]}"; do kill -9 "$p" 2>/dev/null; done
  wait 2>/dev/null
  local reports
  reports=$(grep -hE -A40 '(ERROR|WARNING): [A-Za-z]*Sanitizer|: runtime error: ' "$dir"/*.log 2>/dev/null)
  rm -rf "$dir"
  [ -z "$reports" ] || { echo "FAILED: a sanitizer's report"; echo "$reports"; exit 1; }
}
trap clean_up EXIT
fail() { echo "FAILED: $*"; tail -n 25 "$dir"/*.log 2>/dev/null; exit 1; }
# block N: the N-th code block.
block() { awk -v want="$1" '/^```/ { inside = !inside; if (inside) n++; next } inside && n == want' README.md; }
expect_block() { case "$(block "$1")" in *"$2"*) ;; *) fail "README's block $1 is not the one with \"$2\": this script follows its order" ;; esac }
expect_block 1 "./dev demo"
expect_block 2 "CREATE TABLE accounts"
expect_block 3 "demo kill 2"
expect_block 4 "build/quorate init"
expect_block 5 "bench tpcc load"
expect_block 6 "quorate check"
expect_block 7 "./dev test"

# README's commands say build/quorate: here, too, when another preset's build is tested. That has no ./dev demo.
ln -s "$build" "$dir/build"
demo=$(block 1)
[ "$build" = "$root/build" ] || demo="cd $dir && build/quorate demo"

# --- the demo: psql on a terminal, typed into ---
{ block 2; block 3; echo '\q'; } >"$dir/typed"
PAGER=cat timeout $((120 * slower)) script -qec "$demo" "$dir/demo.log" <"$dir/typed" >/dev/null 2>&1 || fail "./dev demo"
tr -d '\r' <"$dir/demo.log" >"$dir/demo.text"
for line in 'CREATE TABLE' 'INSERT 0 2' 'COMMIT' ' *1 | Ada *| *70.00' ' *2 | Grace *| *80.00' 'node 2 is killed' 'UPDATE 1' 'node 2 serves again'; do
  grep -q "$line" "$dir/demo.text" || fail "./dev demo shows no line \"$line\""
done
grep -q '^ERROR' "$dir/demo.text" && fail "./dev demo shows an error"
echo "demo: passed"

# --- real processes ---
cd "$dir" || exit 1
n=0
while read -r line; do
  case "$line" in
    *"quorate start"*) n=$((n + 1)); (exec $line) >"n$n.log" 2>&1 & pids+=($!) ;;
    *"quorate init"*)
      for i in $(seq $((50 * slower))); do made=$($line 2>&1) && break; sleep 0.2; done
      case "$made" in *"the cluster is made"*) ;; *) fail "$line: $made" ;; esac ;;
    psql*)
      for i in $(seq $((100 * slower))); do out=$($line -XAtc 'SELECT count(*) FROM quorate.nodes' 2>&1); [ "$out" = 3 ] && break; sleep 0.2; done
      [ "$out" = 3 ] || fail "$line: $out" ;;
  esac
done < <(cd "$root" && block 4)
[ "$n" = 3 ] || fail "README starts $n nodes"
# kill -9 any of them and run the same command again.
kill -9 "${pids[1]}"
wait "${pids[1]}" 2>/dev/null
again=$(cd "$root" && block 4 | grep 'data n2')
(exec $again) >>n2.log 2>&1 & pids[1]=$!
for i in $(seq $((100 * slower))); do out=$(psql -h 127.0.0.1 -p 26258 -U postgres -XAtc 'SELECT 1' postgres 2>&1); [ "$out" = 1 ] && break; sleep 0.2; done
[ "$out" = 1 ] || fail "node 2 does not serve again: $out"
echo "three nodes: passed"

# --- TPC-C, all three commands ---
while read -r line; do
  case "$line" in *"tpcc run"*) line=${line/--duration 30/--duration 5} ;; esac
  timeout $((200 * slower)) $line >tpcc.log 2>&1 || { tail -20 tpcc.log; fail "$line"; }
done < <(cd "$root" && block 5)
echo "tpcc: passed"

# --- the check, while a node is killed ---
line=$(cd "$root" && block 6)
timeout $((200 * slower)) ${line/--duration 30/--duration 3} >check.log 2>&1 &
check=$!
sleep 2
kill -9 "${pids[2]}"
wait "$check" || { cat check.log; fail "$line"; }
workloads=$(build/quorate check --help | grep -oE 'sql-[a-z]+' | sort -u | wc -l)
[ "$(grep -c 'nothing is wrong' check.log)" = "$workloads" ] || { cat check.log; fail "$line"; }
echo "check: passed"
kill "${pids[@]}" 2>/dev/null
wait 2>/dev/null
pids=()

# --- a node alone, as the text says it ---
alone=$(grep -o '`build/quorate start --data n1 --single`' "$root/README.md" | tr -d '`')
[ -n "$alone" ] || fail "README does not tell how to start a node alone"
mkdir alone && cd alone && ln -s "$build" build
(exec $alone) >alone.log 2>&1 & pids=($!)
for i in $(seq $((100 * slower))); do out=$(psql -h 127.0.0.1 -p 26257 -U postgres -XAtc 'SELECT 1' postgres 2>&1); [ "$out" = 1 ] && break; sleep 0.2; done
[ "$out" = 1 ] || fail "$alone: $out"
echo "readme: passed"

#!/bin/bash
# `quorate check` against three nodes that are killed, paused and cut off from each other, for as long as is asked
# for. Not among the tests that run by themselves: it takes its minutes, and needs root, since each node lives in
# a network namespace of its own. A fault every few seconds, one at a time, so that two nodes of three always agree:
#   kill     kill -9, and the same command again some seconds later
#   pause    SIGSTOP, SIGCONT
#   isolate  neither nodes nor clients reach the node, nor it them
#   part     two nodes do not reach each other, the third and clients reach both
#   mute     one node's packets to another are lost, not the other way
# The workloads run beside each other, each in a database of its own.
set -u
usage() {
  echo "usage: check_under_faults.sh [--minutes M] [--sessions N] [--seed S] [--faults kill,pause,isolate,part,mute] [WORKLOAD...]"
  exit "$1"
}
minutes=10 sessions=3 seed=$$ faults=kill,pause,isolate,part,mute
while [ $# -gt 0 ]; do
  case $1 in
    --minutes) minutes=$2; shift 2 ;;
    --sessions) sessions=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --faults) faults=$2; shift 2 ;;
    --help | -h) usage 0 ;;
    -*) usage 2 ;;
    *) break ;;
  esac
done
[ "$(id -u)" = 0 ] || { echo "it must run as root: nodes get network namespaces"; exit 2; }
cd "$(dirname "$0")/../.." || exit 2
quorate=${QUORATE_BUILD_DIR:-$PWD/build}/quorate
[ -x "$quorate" ] || { echo "$quorate is not built"; exit 2; }
workloads=("$@")
[ $# -gt 0 ] || read -ra workloads <<<"$("$quorate" check --help | grep -oE 'sql-[a-z]+' | sort -u | tr '\n' ' ')"
IFS=, read -ra kinds <<<"$faults"
RANDOM=$seed
dir=$(mktemp -d)
tag=q$$
declare -a pid checks
address() { echo "10.77.0.1$1"; }

clean_up() {
  kill -9 "${pid[@]}" "${checks[@]}" 2>/dev/null
  wait 2>/dev/null
  for n in 1 2 3; do ip netns del "$tag-$n" 2>/dev/null; done
  ip link del "$tag" 2>/dev/null
  if [ "${keep:-}" = yes ]; then echo "logs are left in $dir"; else rm -rf "$dir"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM
fail() { keep=yes; echo "FAILED: $*"; exit 1; }

ip link add "$tag" type bridge && ip addr add 10.77.0.1/24 dev "$tag" && ip link set "$tag" up || exit 2
for n in 1 2 3; do
  ip netns add "$tag-$n" && ip link add "$tag.$n" type veth peer name eth0 netns "$tag-$n" || exit 2
  ip link set "$tag.$n" master "$tag" up
  ip netns exec "$tag-$n" ip addr add "$(address $n)/24" dev eth0
  ip netns exec "$tag-$n" ip link set eth0 up
  ip netns exec "$tag-$n" ip link set lo up
done
node_start() {
  ip netns exec "$tag-$1" "$quorate" start --data "$dir/n$1" --sql "$(address "$1"):26257" --rpc "$(address "$1"):26357" \
    --join 10.77.0.11:26357,10.77.0.12:26357,10.77.0.13:26357 --insecure >>"$dir/n$1.log" 2>&1 &
  pid[$1]=$!
}
mute() { ip netns exec "$tag-$1" ip route add blackhole "$(address "$2")/32"; }
heal() { ip netns exec "$tag-$1" ip route del blackhole "$(address "$2")/32" 2>/dev/null; }
sql() { timeout 20 psql -XAtq -h "$(address "$1")" -p 26257 -U postgres -d "${3:-postgres}" -c "$2" 2>&1; }
wait_for() {  # SECONDS TEXT: an answer of 1 or t
  local i
  for ((i = 0; i < $1; i++)); do
    case "$(sql 1 "$2")" in 1 | t) return 0 ;; esac
    sleep 1
  done
  fail "after $1 s still not so: $2"
}

for n in 1 2 3; do node_start $n; done
for _ in $(seq 50); do ip netns exec "$tag-1" "$quorate" init --rpc 10.77.0.11:26357 >/dev/null 2>&1 && break; sleep 0.2; done
wait_for 30 "SELECT bool_and(array_length(replicas, 1) = 3) FROM quorate.ranges"
urls=() begun=$SECONDS
for w in "${workloads[@]}"; do
  name=${w//-/_}
  sql 1 "CREATE DATABASE $name" >/dev/null
  url=$(address 1):26257/$name,$(address 2):26257/$name,$(address 3):26257/$name
  "$quorate" check --url "$url" --workload "$w" --sessions "$sessions" --duration $((minutes * 60)) --seed "$seed" >"$dir/$w.out" 2>&1 &
  checks+=($!)
done
echo "$minutes minutes of ${workloads[*]}; seed $seed"

declare -A done_faults
running() { local p; for p in "${checks[@]}"; do kill -0 "$p" 2>/dev/null && return 0; done; return 1; }
while running && [ $((SECONDS - begun)) -lt $((minutes * 60)) ]; do
  kind=${kinds[$((RANDOM % ${#kinds[@]}))]} a=$((RANDOM % 3 + 1)) long=$((RANDOM % 8 + 2))
  b=$(((a + RANDOM % 2) % 3 + 1)) c=$((6 - a - b))
  case $kind in
    kill) kill -9 "${pid[$a]}"; wait "${pid[$a]}" 2>/dev/null; sleep $((long / 2)); node_start "$a" ;;
    pause) kill -STOP "${pid[$a]}"; sleep "$long"; kill -CONT "${pid[$a]}" ;;
    isolate) ip link set "$tag.$a" down; sleep "$long"; ip link set "$tag.$a" up ;;
    part) mute "$a" "$b"; mute "$b" "$a"; sleep "$long"; heal "$a" "$b"; heal "$b" "$a" ;;
    mute) mute "$a" "$b"; sleep "$long"; heal "$a" "$b" ;;
    *) usage 2 ;;
  esac
  done_faults[$kind]=$((${done_faults[$kind]:-0} + 1))
  [ -t 1 ] && printf '\r\033[K%s s: %s n%s' "$((SECONDS - begun))" "$kind" "$a"
  sleep $((RANDOM % 6 + 1))
  for n in 1 2 3; do kill -0 "${pid[$n]}" 2>/dev/null || fail "node $n has ended by itself: $(tail -3 "$dir/n$n.log")"; done
done
[ -t 1 ] && printf '\r\033[K'
wrong=0
for p in "${checks[@]}"; do wait "$p" || wrong=1; done
for w in "${workloads[@]}"; do cat "$dir/$w.out"; done
echo "faults:$(for k in "${!done_faults[@]}"; do printf ' %s %s' "$k" "${done_faults[$k]}"; done)"
[ $wrong = 0 ] || fail "a check found something wrong"
wait_for 60 "SELECT count(DISTINCT checksum) = count(DISTINCT range_id) FROM quorate.replica_checksums"
echo "replicas are equal"

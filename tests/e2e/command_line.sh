#!/bin/bash
# The command line: help everywhere; what is wrong with flags, ports and directories is said clearly, and
# the exit code is not zero.
set -u
cd "$(dirname "$0")" && NODES=1 source ./cluster.bash
# wrong WORDS... : TEXT   the command fails (in time) and says TEXT
wrong() {
  local words=() text out code
  while [ "$1" != : ]; do words+=("$1"); shift; done
  text=$2
  out=$(timeout "$(within 20)" "$quorate" "${words[@]}" 2>&1 </dev/null)
  code=$?
  [ $code -ne 0 ] && [ $code -ne 124 ] || fail "quorate ${words[*]}: exit code $code"
  case "$out" in *"$text"*) ;; *) fail "quorate ${words[*]}: says \"$out\", not \"$text\"" ;; esac
}
right() { # TEXT WORDS...
  local text=$1 out
  shift
  out=$("$quorate" "$@" 2>&1 </dev/null) || fail "quorate $*: exit code $?"
  case "$out" in *"$text"*) ;; *) fail "quorate $*: says \"$out\", not \"$text\"" ;; esac
}
right "Usage: quorate" --help
for c in start init demo node version; do right "Usage: quorate $c" $c --help; done
right "Usage: quorate node drain" node drain --help
right "tpcc" bench --help
right "--warehouses" bench tpcc load --help
right "--duration" bench tpcc run --help
right "--url" bench tpcc check --help
right "quorate 0." version
wrong : "A subcommand is required"
wrong nonsense : "subcommand"
wrong start : "--data is required"
wrong start --data "$cluster_dir/x" --nonsense : "--nonsense"
wrong start --data "$cluster_dir/x" : "give either --single or --join"
wrong start --data "$cluster_dir/x" --single --join 127.0.0.1:1 : "give either --single or --join"
wrong start --data "$cluster_dir/x" --single --sql localhost : "expected HOST:PORT"
wrong start --data "$cluster_dir/x" --single --sql 127.0.0.1:99999 : "is not a port"
wrong start --data "$cluster_dir/x" --single --log-level loud : "--log-level"
wrong start --data /proc/nothing/here --single --sql "127.0.0.1:$(sql_port 7)" --rpc "127.0.0.1:$(rpc_port 7)" : "/proc/nothing"
wrong start --data "$cluster_dir/x" --single --sql "0.0.0.0:$(sql_port 7)" --rpc "127.0.0.1:$(rpc_port 7)" : "--insecure"
wrong start --data "$cluster_dir/x" --single --sql "[::]:$(sql_port 7)" --rpc "127.0.0.1:$(rpc_port 7)" : "--insecure"
wrong init --rpc "127.0.0.1:$(rpc_port 9)" : "no node"
wrong node drain --rpc "127.0.0.1:$(rpc_port 9)" : "127.0.0.1:$(rpc_port 9)"
wrong demo --nodes 0 : "--nodes"
wrong demo kill 1 --port 1 : "no demo runs"
wrong bench tpcc run --url nonsense --warehouses 1 : ""

cluster_start
wrong start --data "$cluster_dir/n1" --single --sql "127.0.0.1:$(sql_port 7)" --rpc "127.0.0.1:$(rpc_port 7)" : "$cluster_dir/n1"
wrong start --data "$cluster_dir/y" --single --sql "127.0.0.1:$(sql_port 1)" --rpc "127.0.0.1:$(rpc_port 7)" : "$(sql_port 1)"
wrong start --data "$cluster_dir/z" --single --sql "127.0.0.1:$(sql_port 7)" --rpc "127.0.0.1:$(rpc_port 1)" : "$(rpc_port 1)"
wrong init --rpc "127.0.0.1:$(rpc_port 1)" : "cluster"
expect "$(sql 1 'SELECT 41 + 1')" 42 "the node took no harm"

# Told to, it listens everywhere.
"$quorate" start --data "$cluster_dir/open" --single --insecure --sql "0.0.0.0:$(sql_port 8)" --rpc "127.0.0.1:$(rpc_port 8)" >"$cluster_dir/open.log" 2>&1 &
node_pid[8]=$!
wait_sql 8

# A directory of another cluster, and one of a newer format.
node_start 2
wait_sql 2
kill -TERM "${node_pid[2]}"; wait "${node_pid[2]}"
wrong start --data "$cluster_dir/n2" --join "127.0.0.1:$(rpc_port 1)" --sql "127.0.0.1:$(sql_port 2)" --rpc "127.0.0.1:$(rpc_port 2)" : "another cluster"
echo "command line: passed"

#!/bin/bash
# What operators do: leases move away from a node and back without an outage, a node whose disk is lost comes
# back as a new one, another joins later by the address of any.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
cluster_start
wait_replicated
sql 1 "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)" || fail "create"
# At once, through another node.
expect "$(sql 2 'SELECT count(*) FROM t')" 0 "a new table is seen through another node"
sql 2 "INSERT INTO t SELECT g, 0 FROM generate_series(1, 100) g" || fail "insert"

# --- clients of nodes 2 and 3 while node 1 is drained and stopped ---
client() { # node file: statements one after the other, each with its end in ms; ends with the file `stop`
  local n=0 out
  while [ ! -e "$cluster_dir/stop" ]; do
    n=$((n + 1))
    out=$(sql "$1" "UPDATE t SET v = v + 1 WHERE id = $((n % 50 + 1 + 50 * ($1 - 2)))")
    echo "$(($(date +%s%N) / 1000000)) $out" >>"$2"
  done
}
judge_clients() { # what: no errors, no gap above a second (a sanitizer's build: several)
  touch "$cluster_dir/stop"
  wait "$client2" "$client3"
  for f in "$cluster_dir"/client*; do
    awk -v f="$f" -v limit="$(within 1000)" 'NF > 1 { print "an error:", $0; bad = 1 }
      NR > 1 && $1 - last > most { most = $1 - last }
      { last = $1 } END {
        print NR, "statements, the longest gap", most + 0, "ms"
        exit bad || NR < 5 || most > limit
      }' "$f" || fail "$1 ($f)"
  done
  rm -f "$cluster_dir"/client* "$cluster_dir/stop"
}
start_clients() {
  client 2 "$cluster_dir/client2" & client2=$!
  client 3 "$cluster_dir/client3" & client3=$!
  sleep 1
}
leases() { sql "${2:-2}" "SELECT count(*) FROM quorate.ranges WHERE leaseholder = $1"; }

for range in $(sql 2 "SELECT range_id FROM quorate.ranges"); do
  expect "$(sql 2 "SELECT quorate.transfer_lease($range, 1)")" t "transfer_lease($range, 1)"
done
expect "$(leases 2)$(leases 3)" 00 "all leases are at node 1"
case "$(sql 2 'SELECT quorate.transfer_lease(9999, 1)')" in *"does not exist"*) ;; *) fail "no such range" ;; esac
case "$(sql 2 'SELECT quorate.transfer_lease(1, 99)')" in *"holds no replica"*) ;; *) fail "no such replica" ;; esac

start_clients
"$quorate" node drain --rpc "127.0.0.1:$(rpc_port 1)" >/dev/null || fail "node drain"
expect "$(leases 1)" 0 "no lease is left"
sleep 1
judge_clients "while node 1 was drained"

node_kill 1
node_start 1
wait_sql 1
for range in $(sql 2 "SELECT range_id FROM quorate.ranges"); do sql 2 "SELECT quorate.transfer_lease($range, 1)" >/dev/null; done
start_clients
kill -TERM "${node_pid[1]}"
wait "${node_pid[1]}" || fail "SIGTERM: exit code $?"
sleep 2
judge_clients "while node 1 stopped"
node_start 1
wait_sql 1

# --- a node that comes later ---
"$quorate" start --data "$cluster_dir/n4" --sql "127.0.0.1:$(sql_port 4)" --rpc "127.0.0.1:$(rpc_port 4)" \
  --join "127.0.0.1:$(rpc_port 2)" >>"$cluster_dir/n4.log" 2>&1 &
node_pid[4]=$!
wait_sql 4
expect "$(sql 4 'SELECT count(*) FROM t')" 100 "the newcomer sees the rows"
expect "$(sql 1 'SELECT count(*) FROM quorate.nodes WHERE is_live')" 4 "four nodes live"

# --- a disk is lost: the same command makes a new node, which takes the old one's place ---
old=$(sql 1 "SELECT node_id FROM quorate.nodes WHERE sql_address = '127.0.0.1:$(sql_port 3)'")
node_kill 3
rm -rf "$cluster_dir/n3"
node_start 3
wait_sql 3
for i in $(seq "$(within 300)"); do
  left=$(sql 1 "SELECT count(*) FROM quorate.ranges WHERE $old = ANY (replicas) OR array_length(replicas, 1) <> 3")
  [ "$left" = 0 ] && break
  sleep 0.1
done
expect "$left" 0 "ranges that are not on three nodes without the lost one"
expect "$(sql 3 'SELECT count(*) FROM t')" 100 "the new node sees the rows"

# --- the replicas are equal ---
for i in $(seq "$(within 100)"); do
  differ=$(sql 1 "SELECT count(*) FROM (SELECT range_id FROM quorate.replica_checksums GROUP BY range_id
    HAVING count(DISTINCT checksum) <> 1 OR count(checksum) <> 3) d")
  [ "$differ" = 0 ] && break
  sleep 0.2
done
expect "$differ" 0 "ranges whose replicas differ"
echo "membership: passed"

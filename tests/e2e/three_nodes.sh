#!/bin/bash
# Three processes make a cluster; every node takes statements; any one may die and come back, and nothing
# acknowledged is lost; without a quorum an error says so in time.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
cluster_start
wait_replicated
sleep 2
sql 1 "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL)" || fail "create"
expect "$(sql 2 'SELECT count(*) FROM t')" 0 "a new table is seen at once through another node"
sql 2 "INSERT INTO t SELECT g, 0 FROM generate_series(1, 100) g" || fail "insert"
expect "$(sql 3 'SELECT count(*), sum(v) FROM t')" "100|0" "all nodes see the rows"

acknowledged=0
for victim in 1 2 3; do
  node_kill $victim
  other=$((victim % 3 + 1))
  begin=$(date +%s)
  for i in $(seq 20); do
    out=$(sql $other "UPDATE t SET v = v + 1 WHERE id = $i")
    if [ -z "$out" ]; then acknowledged=$((acknowledged + 1)); else echo "$out"; fi
  done
  took=$(($(date +%s) - begin))
  echo "20 updates through node $other took $took s after node $victim was killed"
  [ "$took" -le "$(within 20)" ] || fail "20 updates took $took s after node $victim was killed"
  node_start $victim
  wait_sql $victim
done
[ "$acknowledged" -ge 50 ] || fail "only $acknowledged of 60 updates succeeded"
total=$(sql 1 'SELECT sum(v) FROM t')
[ "$total" -ge "$acknowledged" ] && [ "$total" -le 60 ] || fail "$acknowledged updates were acknowledged, the sum is $total"

# Two of three are gone: an answer within ten seconds and a bit, that names what is wrong.
node_kill 2
node_kill 3
sleep 4
begin=$(date +%s)
out=$(PGCONNECT_TIMEOUT=20 sql 1 "UPDATE t SET v = v WHERE id = 1")
took=$(($(date +%s) - begin))
echo "without a quorum, after $took s: $out"
[ "$took" -le "$(within 12)" ] || fail "without a quorum the answer took $took s"
case "$out" in *ange*) ;; *) fail "without a quorum: $out" ;; esac
node_start 2
wait_sql 2
for i in $(seq "$(within 100)"); do out=$(sql 1 "SELECT sum(v) FROM t"); [ "$out" = "$total" ] && break; sleep 0.2; done
expect "$out" "$total" "after the quorum is back"
node_start 3
wait_sql 3

# Nodes that are silent without being dead: what the third had sent them is not known to have happened, or not.
sql 1 "SELECT quorate.transfer_lease(range_id, 1) FROM quorate.ranges" >/dev/null
sleep 1
kill -STOP "${node_pid[2]}" "${node_pid[3]}"
begin=$(date +%s)
out=$(psql -X -A -t -v VERBOSITY=sqlstate -h 127.0.0.1 -p "$(sql_port 1)" -U postgres -d postgres -c "UPDATE t SET v = v + 1 WHERE id = 1" 2>&1)
took=$(($(date +%s) - begin))
kill -CONT "${node_pid[2]}" "${node_pid[3]}"
echo "with two nodes stopped, after $took s: $out"
[ "$took" -le "$(within 12)" ] || fail "with two nodes stopped the answer took $took s"
case "$out" in "ERROR:  40003") ;; *) fail "with two nodes stopped: $out" ;; esac
for i in $(seq "$(within 100)"); do out=$(sql 1 "SELECT sum(v) FROM t"); case "$out" in "$total" | $((total + 1))) break ;; esac; sleep 0.2; done
case "$out" in "$total" | $((total + 1))) total=$out ;; *) fail "after two nodes were stopped: $out" ;; esac

# A planned stop hands the leases over.
kill -TERM "${node_pid[1]}"
wait "${node_pid[1]}" || fail "SIGTERM: exit code $?"
expect "$(sql 2 'SELECT sum(v) FROM t')" "$total" "after a drain"
echo "three nodes: passed"

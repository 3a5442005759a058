#!/bin/bash
# One node: what was acknowledged survives kill -9; wrong command lines and taken directories are told.
set -u
cd "$(dirname "$0")" && NODES=1 source ./cluster.bash
cluster_start
sql 1 "CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE, at timestamptz DEFAULT now())" || fail "create"
for i in $(seq 30); do sql 1 "INSERT INTO t (name) VALUES ('n$i')" || fail "insert $i"; done
node_kill 1
node_start 1
wait_sql 1
expect "$(sql 1 'SELECT count(*) FROM t')" 30 "after kill -9"
case "$(sql 1 "INSERT INTO t (name) VALUES ('n7')")" in
  *'duplicate key value violates unique constraint "t_name_key"'*) ;; *) fail "unique" ;;
esac
# Ranges split where they are told to, an index's too.
starts="SELECT string_agg(start_key, ' ' ORDER BY start_key) FROM quorate.ranges WHERE start_key LIKE '/t/t\_%'"
sql 1 "ALTER TABLE t SPLIT AT VALUES (10), (20)" || fail "split a table"
sql 1 "ALTER INDEX t_name_key SPLIT AT VALUES ('n2')" || fail "split an index"
expect "$(sql 1 "$starts")" "/t/t_name_key/n2 /t/t_pkey/10 /t/t_pkey/20" "where ranges begin"
expect "$(sql 1 "SELECT count(*), min(id) FROM t WHERE name >= 'n2'")" "19|2" "read by the split index"
case "$(sql 1 "ALTER INDEX nowhere SPLIT AT VALUES (1)")" in
  *'relation "nowhere" does not exist'*) ;; *) fail "no such index" ;;
esac
case "$(sql 1 "ALTER INDEX t_name_key SPLIT AT VALUES ('a', 1)")" in
  *'SPLIT AT has more values than the index has columns'*) ;; *) fail "too many values" ;;
esac
out=$("$quorate" start --data "$cluster_dir/n1" --sql "127.0.0.1:$(sql_port 9)" --rpc "127.0.0.1:$(rpc_port 9)" --single 2>&1)
[ $? -ne 0 ] || fail "a directory in use was taken twice"
out=$("$quorate" start --data "$cluster_dir/n2" --sql "127.0.0.1:$(sql_port 1)" --rpc "127.0.0.1:$(rpc_port 9)" --single 2>&1)
[ $? -ne 0 ] || fail "a used port was no error"
"$quorate" start --data "$cluster_dir/n3" --sql "0.0.0.0:$(sql_port 8)" --single >/dev/null 2>&1 && fail "listened everywhere"
# SIGTERM at any moment of a start ends it: by the signal's default action (143) or in order.
for delay in 0 0.01 0.02 0.03 0.05 0.1 0.2 0.4; do
  "$quorate" start --data "$cluster_dir/n4" --sql "127.0.0.1:$(sql_port 4)" --rpc "127.0.0.1:$(rpc_port 4)" --single >>"$cluster_dir/n4.log" 2>&1 &
  # Until then it is this script, and would run its trap.
  for i in $(seq 500); do [ "$(cat /proc/$!/comm 2>/dev/null)" = quorate ] && break; done
  sleep $delay
  kill -TERM $!
  wait $!
  code=$?
  [ $code = 0 ] || [ $code = 143 ] || fail "SIGTERM after $delay s of a start: exit code $code"
done
"$quorate" start --nonsense >/dev/null 2>&1 && fail "a bad flag was no error"
"$quorate" --help >/dev/null || fail "--help"
echo "single node: passed"

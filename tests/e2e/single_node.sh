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
out=$("$quorate" start --data "$cluster_dir/n1" --sql "127.0.0.1:$(sql_port 9)" --rpc "127.0.0.1:$(rpc_port 9)" --single 2>&1)
[ $? -ne 0 ] || fail "a directory in use was taken twice"
out=$("$quorate" start --data "$cluster_dir/n2" --sql "127.0.0.1:$(sql_port 1)" --rpc "127.0.0.1:$(rpc_port 9)" --single 2>&1)
[ $? -ne 0 ] || fail "a used port was no error"
"$quorate" start --data "$cluster_dir/n3" --sql "0.0.0.0:$(sql_port 8)" --single >/dev/null 2>&1 && fail "listened everywhere"
"$quorate" start --nonsense >/dev/null 2>&1 && fail "a bad flag was no error"
"$quorate" --help >/dev/null || fail "--help"
echo "single node: passed"

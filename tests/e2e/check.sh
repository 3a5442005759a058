#!/bin/bash
# `quorate check` against three nodes that are killed, paused and started again meanwhile; and proof that it can fail:
# at READ COMMITTED it finds what that level lets happen, here and, where PostgreSQL is installed, there.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
trap cluster_remove EXIT
cluster_start
wait_replicated
urls=127.0.0.1:$(sql_port 1),127.0.0.1:$(sql_port 2),127.0.0.1:$(sql_port 3)
out=$cluster_dir/check.out

# The whole of it in one process each; nodes fall and rise until it ends.
"$quorate" check --url "$urls" --duration 5 --seed $$ >"$out" 2>&1 &
check=$!
victim=1
while kill -0 "$check" 2>/dev/null; do
  if [ $((RANDOM % 2)) = 0 ]; then
    node_kill "$victim"
    sleep 1
    node_start "$victim"
  else
    kill -STOP "${node_pid[$victim]}"
    sleep 2
    kill -CONT "${node_pid[$victim]}"
  fi
  sleep 3
  victim=$((victim % 3 + 1))
done
wait "$check" || { cat "$out"; fail "check found something wrong while nodes were killed"; }
for workload in sql-append sql-bank sql-copy sql-counter sql-keys sql-queue sql-random sql-skew sql-tpcc; do
  committed=$(sed -n "s/^$workload: nothing is wrong; \([0-9]*\) transactions.*/\1/p" "$out")
  [ "${committed:-0}" -ge 10 ] || { cat "$out"; fail "$workload: ${committed:-no} transactions committed"; }
done

wait_sql 1
"$quorate" check --url "$urls" --workload sql-append --duration 4 --isolation "read committed" >"$out" 2>&1
expect $? 1 "its exit code at READ COMMITTED"
grep -q "before T[0-9]* (rw): T[0-9]* read" "$out" || { cat "$out"; fail "no cycle is told"; }
grep -q "SELECT k, v FROM lists" "$out" || { cat "$out"; fail "no statements are told"; }
# It ends with what it finds.
"$quorate" check --url "$urls" --workload sql-skew --duration 10 --isolation "repeatable read" >"$out" 2>&1
expect $? 1 "its exit code at REPEATABLE READ"
grep -q "(write skew)" "$out" || { cat "$out"; fail "no write skew is told"; }

# Judged by their own rules weaker levels are right.
for level in "read committed" "repeatable read"; do
  "$quorate" check --url "$urls" --workload sql-append --duration 3 --isolation "$level" --judge "$level" >"$out" 2>&1 ||
    { cat "$out"; fail "$level breaks its own rules"; }
done

"$quorate" check --url 127.0.0.1:1 >"$out" 2>&1
expect $? 2 "its exit code without a server"
grep -q "connecting to 127.0.0.1:1" "$out" || { cat "$out"; fail "what is missing is not told"; }

postgres=/usr/lib/postgresql/15/bin
if [ -x $postgres/initdb ] && id postgres >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  mkdir "$cluster_dir/pg"
  chown postgres "$cluster_dir/pg"
  chmod 755 "$cluster_dir"
  port=$((base_port + 50))
  su postgres -c "$postgres/initdb -A trust -D $cluster_dir/pg >/dev/null && $postgres/pg_ctl -w -D $cluster_dir/pg -o '-p $port -k $cluster_dir/pg' -l $cluster_dir/pg/log start >/dev/null" ||
    fail "PostgreSQL does not start"
  "$quorate" check --url "postgresql://postgres@127.0.0.1:$port/postgres" --workload sql-append --duration 4 --isolation "read committed" >"$out" 2>&1
  at_read_committed=$?
  "$quorate" check --url "postgresql://postgres@127.0.0.1:$port/postgres" --workload sql-append --duration 4 >"$out.2" 2>&1
  at_serializable=$?
  su postgres -c "$postgres/pg_ctl -D $cluster_dir/pg -m immediate stop >/dev/null"
  expect "$at_read_committed" 1 "PostgreSQL at READ COMMITTED"
  [ "$at_serializable" = 0 ] || { cat "$out.2"; fail "PostgreSQL at SERIALIZABLE"; }
fi
echo "check: passed"

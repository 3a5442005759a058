#!/bin/bash
# pgbench and sysbench run unchanged: short runs of all their built-in workloads against one node.
set -u
cd "$(dirname "$0")"
for p in pgbench sysbench; do
  $p --version >/dev/null 2>&1 || { echo "skipped: no $p on this machine (cmake/debian-packages-bench.txt)"; exit 77; }
done
NODES=1 source ./cluster.bash
cluster_start
port=$(sql_port 1)
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres
log=$cluster_dir/client.log

pgbench -i -q -s 1 >"$log" 2>&1 || fail "pgbench -i"
expect "$(sql 1 'SELECT count(*), sum(abalance) FROM pgbench_accounts')" "100000|0" "pgbench -i"
# Made by the server instead, without vacuum.
pgbench -i -q -s 1 -I dtGp >"$log" 2>&1 || fail "pgbench -i -I dtGp"
expect "$(sql 1 'SELECT count(*) FROM pgbench_accounts')" 100000 "pgbench -i -I dtGp"
for mode in simple extended prepared; do
  for script in tpcb-like simple-update select-only; do
    pgbench -b $script -M $mode -c 2 -t 20 --max-tries 100 >"$log" 2>&1 || fail "pgbench -b $script -M $mode"
    grep -q "number of transactions actually processed: 40/40" "$log" || fail "pgbench -b $script -M $mode: not all ran"
    grep -q "number of failed transactions: 0 " "$log" || fail "pgbench -b $script -M $mode: failures"
  done
done
cat >"$cluster_dir/pipeline.sql" <<'S'
\set aid random(1, 100000)
\startpipeline
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
COMMIT;
\endpipeline
S
pgbench -n -f "$cluster_dir/pipeline.sql" -M prepared -c 2 -t 50 --max-tries 100 >"$log" 2>&1 || fail "pgbench pipeline"
grep -q "actually processed: 100/100" "$log" || fail "pgbench pipeline: not all ran"
# Each tpcb-like transaction adds the same to all three; so does the history.
expect "$(sql 1 "SELECT (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)")" t "pgbench's sums"
echo "pgbench: passed"

for workload in oltp_point_select oltp_read_only oltp_update_index oltp_update_non_index oltp_insert oltp_delete oltp_write_only oltp_read_write bulk_insert; do
  run=(sysbench "$workload" --db-driver=pgsql --pgsql-host=127.0.0.1 --pgsql-port="$port" --pgsql-user=postgres --pgsql-db=postgres
    --threads=2 --report-interval=0)
  [ "$workload" = bulk_insert ] || run+=(--tables=2 --table-size=1000)
  "${run[@]}" prepare >"$log" 2>&1 || fail "sysbench $workload prepare"
  for mode in auto disable; do
    # It inserts the same rows each time.
    [ "$workload $mode" != "bulk_insert disable" ] || continue
    "${run[@]}" --events=60 --time=20 --db-ps-mode=$mode run >"$log" 2>&1 || fail "sysbench $workload ($mode)"
    grep -q "FATAL" "$log" && fail "sysbench $workload ($mode): FATAL"
    case "$(sed -n 's/.*total number of events: *//p' "$log")" in 0 | '') fail "sysbench $workload ($mode): no events" ;; esac
  done
  "${run[@]}" cleanup >"$log" 2>&1 || fail "sysbench $workload cleanup"
done
expect "$(sql 1 "SELECT count(*) FROM pg_class WHERE relname LIKE 'sbtest%'")" 0 "sysbench cleanup"
echo "sysbench: passed"

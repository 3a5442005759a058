#!/bin/bash
# Loads larger than a transaction's buffer: as a whole or not at all, whoever is killed in the middle.
set -u
cd "$(dirname "$0")" && NODES=3 source ./cluster.bash
rows=${ROWS:-100000}
copy() { # NODE TABLE FROM TO [SECONDS]: rows of about a kilobyte, with a pause in the middle
  (seq "$3" $((($3 + $4) / 2)); sleep "${5:-0}"; seq $((($3 + $4) / 2 + 1)) "$4") |
    awk -v OFS='\t' -v pad="$(head -c 900 /dev/zero | tr '\0' x)" '{print $1, $1 % 7, pad $1}' |
    psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(sql_port "$1")" -U postgres -d postgres -c "COPY $2 FROM STDIN" 2>&1
}
cluster_start
wait_replicated
sql 1 "CREATE TABLE t (id bigint PRIMARY KEY, k int, pad text)" || fail "create"
out=$(copy 1 t 1 "$rows") || fail "a load of $rows rows: $out"
expect "$(sql 1 'SELECT count(*), sum(id), sum(k) FROM t')" "$(seq "$rows" | awk '{n++; s+=$1; k+=$1%7} END {printf "%.0f|%.0f|%.0f", n, s, k}')" "loaded"
case "$(copy 2 t 1000000 $((1000000 + rows / 3)) && copy 2 t 900000 1000100)" in
  *'duplicate key value violates unique constraint "t_pkey"'*'Key (id)=(1000000) already exists.'*) ;;
  *) fail "a duplicate in a load" ;;
esac
expect "$(sql 1 'SELECT count(*) FROM t WHERE id >= 900000 AND id < 1000000')" 0 "the refused load left rows"

# A node that holds replicas dies in the middle of a load.
(copy 1 t 2000001 $((2000000 + rows)) 6 >"$cluster_dir/copy.out"; echo "rc $?" >>"$cluster_dir/copy.out") &
loader=$!
sleep 4
node_kill 3
wait $loader
node_start 3
wait_sql 3
there=$(insist 1 'SELECT count(*) FROM t WHERE id > 2000000')
if grep -q "rc 0" "$cluster_dir/copy.out"; then
  expect "$there" "$rows" "an acknowledged load"
else
  expect "$there" 0 "a failed load: $(cat "$cluster_dir/copy.out")"
fi
# The coordinator dies in the middle of a load: nothing of it is seen, and its rows can be written.
(copy 2 t 3000001 $((3000000 + rows)) 6 >/dev/null) &
loader=$!
sleep 4
node_kill 2
wait $loader
expect "$(insist 1 'SELECT count(*) FROM t WHERE id > 3000000')" 0 "a load whose coordinator died"
node_start 2
wait_sql 2
expect "$(insist 1 "INSERT INTO t VALUES (3000001, 1, 'mine')")" "" "insert over an abandoned load"
expect "$(insist 2 'SELECT count(*) FROM t WHERE id > 3000000')" 1 "after the abandoned load"

# Within one block: its own rows are seen, a savepoint undoes some, all nodes die, and all is there.
sql 1 "CREATE TABLE s (id int PRIMARY KEY, v text)" || fail "create s"
out=$(psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(sql_port 1)" -U postgres -d postgres 2>&1 <<'BLOCK'
BEGIN;
INSERT INTO s SELECT i, repeat('x', 100) FROM generate_series(1, 100000) i;
SELECT count(*) FROM s;
SAVEPOINT a;
UPDATE s SET v = repeat('y', 100) WHERE id > 50000;
SELECT count(*) FROM s WHERE v LIKE 'y%';
ROLLBACK TO a;
DELETE FROM s WHERE id <= 1000;
SELECT count(*), count(*) FILTER (WHERE v LIKE 'x%') FROM s;
COMMIT;
BLOCK
)
expect "$out" $'100000\n50000\n99000|99000' "within a block"
for n in 1 2 3; do node_kill $n; done
for n in 1 2 3; do node_start $n; done
for n in 1 2 3; do wait_sql $n; done
expect "$(insist 3 "SELECT count(*), min(id) FROM s")" "99000|1001" "after a restart of all"
expect "$(insist 2 "SELECT count(*) FROM t WHERE id <= $rows")" "$rows" "after a restart of all"
echo "bulk load: passed"

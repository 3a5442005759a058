#!/bin/bash
# A node dies in the middle of a schema change: others have the table back soon, and so has the node that comes again; what
# the change left can be removed and made anew.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
trap cluster_remove EXIT
cluster_start
wait_replicated
sql 1 "BEGIN; CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT g, repeat('x', 20) FROM generate_series(1, 100000) g; COMMIT" ||
  fail "a table is made and filled in one block"
offline() { sql "$1" "SET statement_timeout = $(within 100); SELECT 1 FROM t WHERE a = 1" | grep -q "statement timeout"; }
# change NODE: kills it once it holds the table for itself.
change() {
  sql "$1" "ALTER TABLE t ADD COLUMN c float8 DEFAULT random()" >"$cluster_dir/change.out" 2>&1 &
  for i in $(seq "$(within 50)"); do offline "$2" && break; done
  node_kill "$1"
}
free_within() { # NODE SECONDS WHAT
  local until=$((SECONDS + $(within "$2")))
  while [ "$(sql "$1" "SET statement_timeout = $(within 1000); SELECT count(*) FROM t")" != 100000 ]; do
    [ "$SECONDS" -lt "$until" ] || fail "$3"
    sleep 0.2
  done
}
change 2 1
free_within 1 40 "a table that a dead node's change holds is not given back"
node_start 2
wait_sql 2
change 2 1
node_start 2
wait_sql 2
free_within 2 40 "a node that comes back does not give back what its change held"
expect "$(sql 1 "ALTER TABLE t ADD COLUMN d int DEFAULT 3" && sql 3 "SELECT sum(d) FROM t")" 300000 "the next change"

# An index that was being made stays behind as INVALID, as one made CONCURRENTLY does in PostgreSQL.
sql 2 "CREATE INDEX by_b ON t (b)" >/dev/null 2>&1 &
for i in $(seq "$(within 100)"); do sql 1 '\d t' | grep -q by_b && break; done
node_kill 2
case "$(psql -X -h 127.0.0.1 -p "$(sql_port 1)" -U postgres -d postgres -c '\d t')" in
  *INVALID*) sql 1 "DROP INDEX by_b" || fail "an invalid index can't be dropped" ;;
  *by_b*) sql 1 "DROP INDEX by_b" || fail "DROP INDEX" ;;
esac
sql 1 "CREATE INDEX by_b ON t (b)" || fail "the index can't be made again"
expect "$(sql 3 "SELECT count(*) FROM t WHERE b = repeat('x', 20)")" 100000 "rows by the index"
echo "schema crash: passed"

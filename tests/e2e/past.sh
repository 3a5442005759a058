#!/bin/bash
# AS OF SYSTEM TIME, which PostgreSQL has not: rows and columns as they were, through any node, for a while.
set -u
cd "$(dirname "$0")" && NODES=1 source ./cluster.bash
cluster_start
sql 1 "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 10), (2, 20)" || fail "create"
moment=$(sql 1 "SELECT clock_timestamp()")
sleep 0.2
sql 1 "UPDATE t SET v = v + 1; ALTER TABLE t ADD COLUMN w int DEFAULT 7" || fail "update"
before=$'1|10\n2|20'
expect "$(sql 1 "SELECT * FROM t ORDER BY id")" $'1|11|7\n2|21|7' "now"
expect "$(sql 1 "SELECT * FROM t AS OF SYSTEM TIME '$moment' ORDER BY id")" "$before" "then"
expect "$(sql 1 "SELECT v FROM t AS OF SYSTEM TIME '$moment' WHERE id = 2; SELECT 1")" $'20\n1' "the string is one transaction"
expect "$(sql 1 "BEGIN AS OF SYSTEM TIME '$moment'; SELECT * FROM t ORDER BY id; SHOW transaction_read_only; COMMIT; SELECT count(w) FROM t")" \
  "$before"$'\non\n2' "a block"
expect "$(sql 1 "START TRANSACTION ISOLATION LEVEL READ COMMITTED AS OF SYSTEM TIME '$moment'; SELECT v FROM t WHERE id = 1; COMMIT")" 10 "with modes"
expect "$(sql 1 "BEGIN; SET TRANSACTION AS OF SYSTEM TIME '$moment'; SELECT v FROM t WHERE id = 1; COMMIT")" 10 "SET TRANSACTION"
refused() { # SQLSTATE STATEMENTS
  out=$(psql -X -q -A -t -v VERBOSITY=sqlstate -h 127.0.0.1 -p "$(sql_port 1)" -U postgres -d postgres -c "$2" 2>&1)
  expect "${out##*$'\n'}" "ERROR:  $1" "$2"
}
refused 25006 "BEGIN AS OF SYSTEM TIME '$moment'; DELETE FROM t"
refused 25006 "BEGIN AS OF SYSTEM TIME '$moment'; DROP TABLE t"
refused 25001 "BEGIN AS OF SYSTEM TIME '$moment'; SET TRANSACTION READ WRITE"
refused 25001 "BEGIN; SELECT 1; SET TRANSACTION AS OF SYSTEM TIME '$moment'"
refused 42703 "SELECT w FROM t AS OF SYSTEM TIME '$moment'"
refused 22023 "SELECT * FROM t AS OF SYSTEM TIME '1999-01-01'"
refused 22023 "SELECT * FROM t AS OF SYSTEM TIME '2999-01-01'"
refused 22007 "SELECT * FROM t AS OF SYSTEM TIME 'yesterday-ish'"
refused 22007 "SELECT * FROM t AS OF SYSTEM TIME '-1 moment'"
refused 42601 "SELECT * FROM (SELECT * FROM t AS OF SYSTEM TIME '$moment') x"
refused 0A000 "INSERT INTO t SELECT id + 5, v FROM t AS OF SYSTEM TIME '$moment'"
refused 0A000 "BEGIN; SELECT * FROM t AS OF SYSTEM TIME '$moment'"
refused 0A000 "PREPARE p AS SELECT * FROM t AS OF SYSTEM TIME '$moment'"
sql 1 "DROP TABLE t" || fail "drop"
expect "$(sql 1 "SELECT * FROM t AS OF SYSTEM TIME '$moment' ORDER BY id")" "$before" "a table that is gone"
echo "past: passed"

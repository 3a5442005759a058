#!/bin/bash
# Runs the scripts of tests/e2e/psql through psql and compares all that it prints (rows, command tags,
# errors with SQLSTATE, position and hint) with what a real PostgreSQL 15 gave: SCRIPT.out.
#
#   psql_scripts.sh [SCRIPT...]           against a node of its own
#   psql_scripts.sh --freeze [SCRIPT...]  writes SCRIPT.out from a PostgreSQL of its own
#   KEEP=DIR                              leaves what differs there
#
# Where we mean to differ, SCRIPT.differs has the answer: a patch from PostgreSQL's to ours.
set -u
cd "$(dirname "$0")"
run_script() { # port, script
  psql -X -a -h 127.0.0.1 -p "$1" -U postgres -d postgres -v VERBOSITY=verbose -v HISTFILE=/dev/null \
    <"psql/$2.sql" 2>&1 | grep -v '^LOCATION: ' |
    sed -E 's/on address "[^"]*" at port "[0-9]+"/on address "ADDRESS" at port "PORT"/; s/(connection to server at ").*(failed: FATAL:)/\1\2/; s/on host "[^"]*" \(address "[^"]*"\) at port "[0-9]+"/on host "HOST" at port "PORT"/; s/on host "127.0.0.1" at port "[0-9]+"/on host "HOST" at port "PORT"/'
}
freeze=
[ "${1:-}" = --freeze ] && { freeze=1; shift; }
scripts=("$@")
[ $# -gt 0 ] || for f in psql/*.sql; do scripts+=("$(basename "$f" .sql)"); done
export PGTZ=UTC LC_ALL=C
if [ -n "$freeze" ]; then
  source ./postgres.bash
  psql -X -q "$PG_URL" -c "ALTER SYSTEM SET default_transaction_isolation = serializable" -c "SELECT pg_reload_conf()" >/dev/null
  for s in "${scripts[@]}"; do
    psql -X -q -h 127.0.0.1 -p "$pg_port" -U postgres -d template1 -c "DROP DATABASE IF EXISTS postgres" -c "CREATE DATABASE postgres"
    run_script "$pg_port" "$s" >"psql/$s.out"
  done
  exit 0
fi
NODES=1 source ./cluster.bash
source ./compare.bash
for s in "${scripts[@]}"; do
  fresh_node
  run_script "$(sql_port 1)" "$s" >"$cluster_dir/$s.got"
  compare "psql/$s"
done
exit $failed

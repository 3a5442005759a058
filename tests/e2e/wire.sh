#!/bin/bash
# Runs the scripts of tests/e2e/wire (wire_client.cc tells their language) and compares every message the
# server sends with what a real PostgreSQL 15 sent: SCRIPT.out.
#
#   wire.sh [SCRIPT...]           against a node of its own
#   wire.sh --freeze [SCRIPT...]  writes SCRIPT.out from a PostgreSQL of its own
#   KEEP=DIR                      leaves what differs there
#
# Where we mean to differ, SCRIPT.differs has the answer: a patch from PostgreSQL's to ours.
set -u
cd "$(dirname "$0")"
client=${QUORATE_BUILD_DIR:-$(cd ../.. && pwd)/build}/wire_client
[ -x "$client" ] || { echo "skipped: $client is not built"; exit 77; }
freeze=
[ "${1:-}" = --freeze ] && { freeze=1; shift; }
scripts=("$@")
[ $# -gt 0 ] || for f in wire/*.txt; do scripts+=("$(basename "$f" .txt)"); done
if [ -n "$freeze" ]; then
  export LC_ALL=C
  source ./postgres.bash
  psql -X -q "$PG_URL" -c "ALTER SYSTEM SET default_transaction_isolation = serializable" \
    -c "ALTER SYSTEM SET timezone = 'UTC'" -c "SELECT pg_reload_conf()" >/dev/null
  for s in "${scripts[@]}"; do
    psql -X -q -h 127.0.0.1 -p "$pg_port" -U postgres -d template1 -c "DROP DATABASE IF EXISTS postgres" -c "CREATE DATABASE postgres"
    "$client" 127.0.0.1 "$pg_port" <"wire/$s.txt" >"wire/$s.out"
  done
  exit 0
fi
NODES=1 source ./cluster.bash
source ./compare.bash
for s in "${scripts[@]}"; do
  fresh_node
  "$client" 127.0.0.1 "$(sql_port 1)" <"wire/$s.txt" >"$cluster_dir/$s.got"
  compare "wire/$s"
done
exit $failed

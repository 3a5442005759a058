#!/bin/bash
# A libpqxx program (pqxx_client.cc) sees from Quorate what it sees from PostgreSQL (pqxx.out).
#   pqxx.sh --freeze   writes pqxx.out from a PostgreSQL of its own
set -u
cd "$(dirname "$0")"
client=${QUORATE_BUILD_DIR:-$(cd ../.. && pwd)/build}/pqxx_client
[ -x "$client" ] || { echo "skipped: $client is not built"; exit 77; }
if [ "${1:-}" = --freeze ]; then
  source ./postgres.bash
  # As Quorate's default is.
  psql -X -q "$PG_URL" -c "ALTER SYSTEM SET default_transaction_isolation = serializable" -c "SELECT pg_reload_conf()" >/dev/null
  "$client" "$PG_URL" >pqxx.out 2>&1
  exit
fi
NODES=1 source ./cluster.bash
source ./compare.bash
cluster_start
"$client" "host=127.0.0.1 port=$(sql_port 1) user=postgres dbname=postgres" >"$cluster_dir/pqxx.got" 2>&1
compare pqxx
exit $failed

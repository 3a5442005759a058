# For sourcing: a PostgreSQL of the test's own, stopped and removed when the script ends. Leaves with 77
# (skipped) where PostgreSQL is not installed. Sets PG_URL and PG_DATA, and pg_restart_hard.
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$pg_bin" ] && [ -x "$pg_bin/initdb" ] || { echo "skipped: no PostgreSQL server on this machine (cmake/debian-packages-bench.txt)"; exit 77; }
pg_dir=$(mktemp -d)
PG_DATA=$pg_dir/data
source "${BASH_SOURCE%/*}/ports.bash"
pg_port=$base_port # a cluster's nodes have those after it
PG_URL=postgresql://postgres@127.0.0.1:$pg_port/postgres

# PostgreSQL refuses to run as root.
pg_as() {
  if [ "$(id -u)" = 0 ]; then
    chown -R postgres "$pg_dir"
    runuser -u postgres -- "$@"
  else
    "$@"
  fi
}
pg_options="-p $pg_port -k $pg_dir -c listen_addresses=127.0.0.1"
pg_start() { pg_as "$pg_bin/pg_ctl" -D "$PG_DATA" -l "$pg_dir/log" -o "$pg_options" -w start >/dev/null; }
pg_restart_hard() {
  pg_as "$pg_bin/pg_ctl" -D "$PG_DATA" -m immediate stop >/dev/null
  pg_start
}
pg_remove() {
  pg_as "$pg_bin/pg_ctl" -D "$PG_DATA" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$pg_dir"
}
trap pg_remove EXIT
pg_as "$pg_bin/initdb" -D "$PG_DATA" -U postgres -A trust -E UTF8 --locale=C >/dev/null
pg_start

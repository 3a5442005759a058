#!/bin/bash
# The floor keeps pgbench content, and as a walking skeleton answers no write before it is on two disks:
# with both followers stopped, updates wait.
set -euo pipefail
cd "$(dirname "$0")/../.."
floor=${QUORATE_BUILD_DIR:-build}/floor
# Debian has a pgbench that only looks for the real one.
pgbench --version >/dev/null 2>&1 || { echo "skipped: needs pgbench (cmake/debian-packages-bench.txt)"; exit 77; }
directory=$(mktemp -d)
source tests/e2e/ports.bash
port=$base_port
pid=
trap 'kill $pid 2>/dev/null || true; rm -rf "$directory"' EXIT
run() { pgbench -h 127.0.0.1 -p $port -U x -n -c 4 -T 1 "$@" x; }
started() { for _ in $(seq 100); do (: </dev/tcp/127.0.0.1/$port) 2>/dev/null && return; sleep 0.1; done; exit 1; }

"$floor" --port $port & pid=$!
started
run -M prepared -b select-only | grep tps
run -M simple -b select-only | grep tps
kill $pid; wait $pid || true

"$floor" --port $port --log "$directory" --replicas --reactors 2 & pid=$!
started
echo "UPDATE t SET a = a + 1 WHERE id = 1;" >"$directory/update.sql"
run -M prepared -f "$directory/update.sql" | grep tps
followers=$(pgrep -P $pid)
[ "$(wc -w <<<"$followers")" = 2 ] || { echo "not two followers"; exit 1; }
kill -STOP $followers
if timeout 2 pgbench -h 127.0.0.1 -p $port -U x -n -c 1 -t 1 -f "$directory/update.sql" x >/dev/null 2>&1; then
  echo "a write was answered without a second disk"; exit 1
fi
kill -CONT $(echo $followers | cut -d' ' -f1)
timeout 5 pgbench -h 127.0.0.1 -p $port -U x -n -c 1 -t 1 -f "$directory/update.sql" x | grep 'actually processed: 1/1'
kill -CONT $followers
echo passed

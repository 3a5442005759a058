#!/bin/bash
# Sessions at three nodes that wait for each other's row locks: deadlocks over ranges, timeouts, NOWAIT, SKIP LOCKED.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
command -v python3 >/dev/null || { echo "skipped: no python3 on this machine"; exit 77; }
cluster_start
wait_replicated
sleep 1
python3 locks.py "$(sql_port 1),$(sql_port 2),$(sql_port 3)" quorate || fail "locks.py"
echo "locks: passed"

#!/bin/bash
# What sessions see of each other, the outcome of transactions, and the rows of dropped tables.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
command -v python3 >/dev/null || { echo "skipped: no python3 on this machine"; exit 77; }
cluster_start
wait_replicated
python3 activity.py "$(sql_port 1),$(sql_port 2),$(sql_port 3)" || fail "activity.py"
echo "activity: passed"

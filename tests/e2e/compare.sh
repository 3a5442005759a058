#!/bin/bash
# The comparison runs from beginning to end on what is installed, and its report says what it should:
# a figure for each system, the floor beside it, and no failure hidden.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v python3 >/dev/null && pgbench --version >/dev/null 2>&1 && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
  { echo "skipped: needs python3, pgbench and a PostgreSQL server (cmake/debian-packages-bench.txt)"; exit 77; }
results=$(mktemp)
trap 'rm -f "$results"' EXIT
python3 bench/compare/compare.py --systems pg,floor --only select-only --seconds 1 --rounds 2 --clients 2 --scale 1 --results "$results"
grep -Eq '^\| pgbench select-only \| 2 \| pg \| [0-9,]+ ' "$results" || { echo "no figure for PostgreSQL"; exit 1; }
grep -Eq '^\| pgbench select-only \| 2 \| floor \| [0-9,]+ .*× pg' "$results" || { echo "no floor beside it"; exit 1; }
if python3 bench/compare/compare.py --systems nonsense --results - 2>/dev/null; then echo "accepted nonsense"; exit 1; fi
echo passed

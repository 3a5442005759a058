#!/bin/bash
# A disk that is nearly full: writes are refused with 53100, reads go on (longer than the catalog's lease), rows can be
# deleted and tables truncated, which takes no room and lets writes go on a while later, and the node starts again.
set -u
cd "$(dirname "$0")" && NODES=1 source ./cluster.bash
mkdir -p "$cluster_dir/n1"
mount -t tmpfs -o size=400m quorate "$cluster_dir/n1" 2>/dev/null || { echo "skipped: no tmpfs can be mounted here"; exit 77; }
remove() { kill -9 "${node_pid[1]}" 2>/dev/null; umount -l "$cluster_dir/n1"; cluster_remove; }
trap remove EXIT
cluster_start
sql 1 "CREATE TABLE big (id bigserial PRIMARY KEY, v text); CREATE TABLE small (a int PRIMARY KEY, b text)" || fail "create"
sql 1 "INSERT INTO small SELECT g, g FROM generate_series(1, 1000) g" || fail "insert"
full=
for i in $(seq 100); do
  out=$(sql 1 "INSERT INTO big (v) SELECT repeat(md5(random()::text), 30) FROM generate_series(1, 5000)")
  case "$out" in *"no space left on its device"*) full=$i; break ;; ?*) fail "insert: $out" ;; esac
done
[ -n "$full" ] || fail "100 inserts of 5 MB went onto a disk of 400 MB"
rows=$(sql 1 "SELECT count(*) FROM big")
[ "$rows" -ge 20000 ] || fail "full after $rows rows"
refused() { out=$(psql -X -A -t -v VERBOSITY=sqlstate -h 127.0.0.1 -p "$(sql_port 1)" -U postgres -d postgres -c "$1" 2>&1); expect "$out" "ERROR:  53100" "$1"; }
refused "INSERT INTO small VALUES (5000, 'x')"
refused "UPDATE small SET b = 'y' WHERE a = 1"
sleep 15
expect "$(sql 1 'SELECT count(*) FROM big')" "$rows" "reads go on"
refused "INSERT INTO small VALUES (5000, 'x')"
expect "$(sql 1 'DELETE FROM small WHERE a <= 10')$(sql 1 'SELECT count(*) FROM small')" 990 "rows can be deleted"
out=$(sql 1 "DELETE FROM big WHERE id % 20 = 0")
expect "$out" "" "many rows can be deleted"
left() { df -k --output=avail "$cluster_dir/n1" | tail -1; }
before=$(left)
expect "$(sql 1 'TRUNCATE big')" "" "TRUNCATE"
# Old versions are kept for half a minute.
resumed=
for i in $(seq "$(within 90)"); do
  case "$(sql 1 "INSERT INTO small VALUES (5000, 'x')")" in "") resumed=$i; break ;; esac
  sleep 1
done
[ -n "$resumed" ] || fail "writes are still refused 90 s after TRUNCATE"
[ "$(left)" -ge $((before - 40000)) ] || fail "TRUNCATE took $(((before - $(left)) / 1024)) MB before it gave room back"
expect "$(sql 1 'DELETE FROM small WHERE a = 5000')" "" "DELETE"
node_kill 1
node_start 1
wait_sql 1
expect "$(sql 1 'SELECT count(*) FROM big')|$(sql 1 'SELECT count(*) FROM small')" "0|990" "after kill -9"
echo "full disk: passed"

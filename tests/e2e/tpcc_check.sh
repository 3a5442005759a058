#!/bin/bash
# The TPC-C driver against a server that is known to be right: a load and a run are consistent, also when
# the server crashes in the middle; and each planted damage is found, by the condition that is about it.
set -euo pipefail
cd "$(dirname "$0")"
source ./postgres.bash
tpcc=${QUORATE_BUILD_DIR:-../../build}/tpcc
log=$pg_dir/acked

fail() { echo "FAILED: $*"; exit 1; }
sql() { psql -qAt -v ON_ERROR_STOP=1 "$PG_URL" -c "$1"; }
check() { "$tpcc" check -q --url "$PG_URL" --warehouses 2 --acked-log "$log"; }

"$tpcc" load -q --url "$PG_URL" --warehouses 2
"$tpcc" run -q --url "$PG_URL" --warehouses 2 --terminals 6 --duration 2 --no-wait --acked-log "$log" --isolation serializable
"$tpcc" run -q --url "$PG_URL" --warehouses 2 --terminals 3 --duration 1 --no-wait --acked-log "$log" --simple --per-line
"$tpcc" run -q --url "$PG_URL" --warehouses 2 --terminals 6 --duration 5 --no-wait --acked-log "$log" \
  --json "$pg_dir/report.json" --svg "$pg_dir/picture.svg" &
run=$!
sleep 1.5
pg_restart_hard
wait $run || fail "the run did not survive a crash of the server"
grep -q '"tpmC"' "$pg_dir/report.json" || fail "no report"
grep -q '</svg>' "$pg_dir/picture.svg" || fail "no picture"
check || fail "inconsistent after an honest run"

# planted CONDITION SQL UNDO-SQL
planted() {
  local name=$1 output
  sql "$2"
  if output=$(check); then fail "condition $name did not see: $2"; fi
  grep -Eq "^FAIL +$name " <<<"$output" || fail "condition $name did not see: $2; found only: $output"
  sql "$3"
  echo "found by $name: $2"
}
sql "CREATE TABLE kept AS TABLE history"
planted 1 "UPDATE warehouse SET w_ytd = w_ytd + 0.01 WHERE w_id = 2" "UPDATE warehouse SET w_ytd = w_ytd - 0.01 WHERE w_id = 2"
planted 2 "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = 1 AND d_id = 4" \
  "UPDATE district SET d_next_o_id = d_next_o_id - 1 WHERE d_w_id = 1 AND d_id = 4"
planted 3 "UPDATE new_order SET no_o_id = 1 WHERE no_w_id = 1 AND no_d_id = 1 AND no_o_id = (SELECT max(no_o_id) - 1 FROM new_order WHERE no_w_id = 1 AND no_d_id = 1)" \
  "UPDATE new_order SET no_o_id = (SELECT max(no_o_id) - 1 FROM new_order WHERE no_w_id = 1 AND no_d_id = 1) WHERE no_o_id = 1"
planted 5 "UPDATE orders SET o_carrier_id = NULL WHERE o_w_id = 1 AND o_d_id = 2 AND o_id = 7" \
  "UPDATE orders SET o_carrier_id = 1 WHERE o_w_id = 1 AND o_d_id = 2 AND o_id = 7"
planted 6 "UPDATE orders SET o_ol_cnt = o_ol_cnt + 1 WHERE o_w_id = 1 AND o_d_id = 2 AND o_id = 7" \
  "UPDATE orders SET o_ol_cnt = o_ol_cnt - 1 WHERE o_w_id = 1 AND o_d_id = 2 AND o_id = 7"
planted 7 "UPDATE order_line SET ol_delivery_d = NULL WHERE ol_w_id = 1 AND ol_d_id = 2 AND ol_o_id = 7" \
  "UPDATE order_line SET ol_delivery_d = now() WHERE ol_w_id = 1 AND ol_d_id = 2 AND ol_o_id = 7"
planted 9 "UPDATE history SET h_amount = h_amount + 1 WHERE ctid = (SELECT min(ctid) FROM history)" \
  "TRUNCATE history; INSERT INTO history TABLE kept"
planted 10 "UPDATE customer SET c_balance = c_balance + 1 WHERE c_w_id = 2 AND c_d_id = 10 AND c_id = 3000" \
  "UPDATE customer SET c_balance = c_balance - 1 WHERE c_w_id = 2 AND c_d_id = 10 AND c_id = 3000"
planted 11 "UPDATE customer SET c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 1" \
  "UPDATE customer SET c_delivery_cnt = c_delivery_cnt - 1 WHERE c_w_id = 1 AND c_d_id = 1 AND c_id = 1"
planted B "UPDATE stock SET s_ytd = s_ytd + 1 WHERE s_w_id = 1 AND s_i_id = 77" "UPDATE stock SET s_ytd = s_ytd - 1 WHERE s_w_id = 1 AND s_i_id = 77"
token=$(awk '/^p/ { print $3; exit }' "$log")
planted "payment log" "DELETE FROM history WHERE h_data = '$token'" "TRUNCATE history; INSERT INTO history TABLE kept"
planted "payment log" "INSERT INTO history SELECT * FROM kept WHERE h_data = '$token'" "TRUNCATE history; INSERT INTO history TABLE kept"
cp "$log" "$log.whole"
echo "n 1 1 999999" >>"$log"
planted "new-order log" "SELECT 1" "SELECT 1"
cp "$log.whole" "$log"
check >/dev/null || fail "the undo of this script is wrong"
echo "passed"

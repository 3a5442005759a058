#!/bin/bash
# TPC-C on three nodes with each warehouse's rows of a table in a range of their own: commits span many ranges, and the
# conditions hold.
set -u
cd "$(dirname "$0")" && source ./cluster.bash
tpcc=$(dirname "$quorate")/tpcc
cluster_start
urls=$(for i in 1 2 3; do echo "postgresql://postgres@127.0.0.1:$(sql_port $i)/postgres"; done | paste -sd,)
"$tpcc" load -q --split --url "$urls" --warehouses 2 || fail "load --split"
begin=$(sql 1 "SELECT string_agg(start_key, ' ' ORDER BY start_key) FROM quorate.ranges WHERE start_key LIKE '/%/2' AND table_name <> ''")
for key in customer/customer_by_name customer/customer_pkey district/district_pkey new_order/new_order_pkey \
  order_line/order_line_pkey orders/orders_by_customer orders/orders_pkey stock/stock_pkey warehouse/warehouse_pkey; do
  case " $begin " in *" /$key/2 "*) ;; *) fail "no range begins at /$key/2: $begin" ;; esac
done
case "$("$tpcc" run -q --home-urls --url "$urls" --warehouses 2 --terminals 1 --duration 1 --no-wait 2>&1)" in
  *"each warehouse needs a terminal of its own"*) ;; *) fail "a warehouse without a terminal" ;;
esac
"$tpcc" run -q --home-urls --url "$urls" --warehouses 2 --terminals 6 --duration 5 --no-wait --acked-log "$cluster_dir/acked" || fail "run"
"$tpcc" check -q --url "$urls" --warehouses 2 --acked-log "$cluster_dir/acked" || fail "the conditions do not hold"
echo "tpcc over split ranges: passed"

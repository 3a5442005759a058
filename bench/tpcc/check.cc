#include "bench/tpcc/check.h"

#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "bench/tpcc/acked_log.h"

namespace quorate::bench {

namespace {

constexpr size_t kExamplesMax = 5;

// A query that yields keys and, last, an amount; $W is the warehouse. It enters the sum with
// `sign`.
struct Term {
  int sign;
  const char* sql;
};

struct Condition {
  const char* name;
  const char* text;
  std::vector<Term> terms;
  bool may_be_empty =
      false;  // no row at all is right after enough deliveries, or before the first order
};

// Lines delivered, by the customer of their order.
constexpr char kDeliveredAmounts[] =
    "SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) FROM orders JOIN order_line "
    "ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id "
    "WHERE o_w_id = $W AND ol_w_id = $W AND ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, "
    "o_c_id";

const std::vector<Condition>& conditions() {
  static const std::vector<Condition> table = {
      {"1",
       "w_ytd = sum(d_ytd)",
       {{1, "SELECT w_id, w_ytd FROM warehouse WHERE w_id = $W"},
        {-1, "SELECT d_w_id, sum(d_ytd) FROM district WHERE d_w_id = $W GROUP BY d_w_id"}}},
      {"2",
       "d_next_o_id - 1 = max(o_id)",
       {{1, "SELECT d_w_id, d_id, d_next_o_id - 1 FROM district WHERE d_w_id = $W"},
        {-1,
         "SELECT o_w_id, o_d_id, max(o_id) FROM orders WHERE o_w_id = $W GROUP BY o_w_id, "
         "o_d_id"}}},
      {"2b",
       "max(o_id) = max(no_o_id) where there are new orders",
       {{1,
         "SELECT o_w_id, o_d_id, max(o_id) FROM orders WHERE o_w_id = $W AND EXISTS (SELECT 1 FROM "
         "new_order "
         "WHERE no_w_id = o_w_id AND no_d_id = o_d_id) GROUP BY o_w_id, o_d_id"},
        {-1,
         "SELECT no_w_id, no_d_id, max(no_o_id) FROM new_order WHERE no_w_id = $W GROUP BY "
         "no_w_id, no_d_id"}},
       true},
      {"3",
       "max(no_o_id) - min(no_o_id) + 1 = number of new orders",
       {{1,
         "SELECT no_w_id, no_d_id, max(no_o_id) - min(no_o_id) + 1 FROM new_order WHERE no_w_id = "
         "$W "
         "GROUP BY no_w_id, no_d_id"},
        {-1,
         "SELECT no_w_id, no_d_id, count(*) FROM new_order WHERE no_w_id = $W GROUP BY no_w_id, "
         "no_d_id"}},
       true},
      {"4",
       "sum(o_ol_cnt) = number of order lines",
       {{1,
         "SELECT o_w_id, o_d_id, sum(o_ol_cnt) FROM orders WHERE o_w_id = $W GROUP BY o_w_id, "
         "o_d_id"},
        {-1,
         "SELECT ol_w_id, ol_d_id, count(*) FROM order_line WHERE ol_w_id = $W GROUP BY ol_w_id, "
         "ol_d_id"}}},
      {"5",
       "an order has no carrier exactly when it is in new_order",
       {{1,
         "SELECT o_w_id, o_d_id, o_id, 1 FROM orders WHERE o_w_id = $W AND o_carrier_id IS NULL"},
        {-1, "SELECT no_w_id, no_d_id, no_o_id, 1 FROM new_order WHERE no_w_id = $W"}},
       true},
      {"6",
       "o_ol_cnt = number of the order's lines",
       {{1, "SELECT o_w_id, o_d_id, o_id, o_ol_cnt FROM orders WHERE o_w_id = $W"},
        {-1,
         "SELECT ol_w_id, ol_d_id, ol_o_id, count(*) FROM order_line WHERE ol_w_id = $W "
         "GROUP BY ol_w_id, ol_d_id, ol_o_id"}}},
      {"7",
       "a line is undelivered exactly when its order has no carrier",
       {{1,
         "SELECT o_w_id, o_d_id, o_id, o_ol_cnt FROM orders WHERE o_w_id = $W AND o_carrier_id IS "
         "NULL"},
        {-1,
         "SELECT ol_w_id, ol_d_id, ol_o_id, count(*) FROM order_line WHERE ol_w_id = $W "
         "AND ol_delivery_d IS NULL GROUP BY ol_w_id, ol_d_id, ol_o_id"}},
       true},
      {"8",
       "w_ytd = sum(h_amount)",
       {{1, "SELECT w_id, w_ytd FROM warehouse WHERE w_id = $W"},
        {-1, "SELECT h_w_id, sum(h_amount) FROM history WHERE h_w_id = $W GROUP BY h_w_id"}}},
      {"9",
       "d_ytd = sum(h_amount)",
       {{1, "SELECT d_w_id, d_id, d_ytd FROM district WHERE d_w_id = $W"},
        {-1,
         "SELECT h_w_id, h_d_id, sum(h_amount) FROM history WHERE h_w_id = $W GROUP BY h_w_id, "
         "h_d_id"}}},
      {"10",
       "c_balance = sum(delivered ol_amount) - sum(h_amount)",
       {{1, "SELECT c_w_id, c_d_id, c_id, c_balance FROM customer WHERE c_w_id = $W"},
        {-1, kDeliveredAmounts},
        {1,
         "SELECT h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) FROM history WHERE h_c_w_id = $W "
         "GROUP BY h_c_w_id, h_c_d_id, h_c_id"}}},
      {"11",
       "orders - new orders = 2100 + deliveries since the load",
       {{1,
         "SELECT o_w_id, o_d_id, count(*) - 2100 FROM orders WHERE o_w_id = $W GROUP BY o_w_id, "
         "o_d_id"},
        {-1,
         "SELECT no_w_id, no_d_id, count(*) FROM new_order WHERE no_w_id = $W GROUP BY no_w_id, "
         "no_d_id"},
        {-1,
         "SELECT c_w_id, c_d_id, sum(c_delivery_cnt) FROM customer WHERE c_w_id = $W GROUP BY "
         "c_w_id, c_d_id"}}},
      {"12",
       "c_balance + c_ytd_payment = sum(delivered ol_amount)",
       {{1,
         "SELECT c_w_id, c_d_id, c_id, c_balance + c_ytd_payment FROM customer WHERE c_w_id = $W"},
        {-1, kDeliveredAmounts}}},
      {"A",
       "ours: c_payment_cnt = number of the customer's history rows",
       {{1, "SELECT c_w_id, c_d_id, c_id, c_payment_cnt FROM customer WHERE c_w_id = $W"},
        {-1,
         "SELECT h_c_w_id, h_c_d_id, h_c_id, count(*) FROM history WHERE h_c_w_id = $W "
         "GROUP BY h_c_w_id, h_c_d_id, h_c_id"}}},
      {"B",
       "ours: s_ytd = quantity ordered since the load",
       {{1, "SELECT s_w_id, s_i_id, s_ytd FROM stock WHERE s_w_id = $W AND s_ytd <> 0"},
        {-1,
         "SELECT ol_supply_w_id, ol_i_id, sum(ol_quantity) FROM order_line "
         "WHERE ol_supply_w_id = $W AND ol_o_id > 3000 GROUP BY ol_supply_w_id, ol_i_id"}},
       true},
      {"C",
       "ours: s_order_cnt = order lines since the load",
       {{1, "SELECT s_w_id, s_i_id, s_order_cnt FROM stock WHERE s_w_id = $W AND s_order_cnt <> 0"},
        {-1,
         "SELECT ol_supply_w_id, ol_i_id, count(*) FROM order_line "
         "WHERE ol_supply_w_id = $W AND ol_o_id > 3000 GROUP BY ol_supply_w_id, ol_i_id"}},
       true},
  };
  return table;
}

std::string with_warehouse(std::string sql, int64_t w) {
  for (size_t at; (at = sql.find("$W")) != std::string::npos;)
    sql.replace(at, 2, std::to_string(w));
  return sql;
}

void check_warehouse(Client& client, const Condition& condition, int64_t w, CheckResult& result) {
  std::unordered_map<std::string, std::vector<int64_t>> values;  // by key: one amount a term
  for (size_t t = 0; t < condition.terms.size(); ++t) {
    const Rows rows = client.exec(with_warehouse(condition.terms[t].sql, w));
    const int last = rows.columns() - 1;
    for (int r = 0; r < rows.size(); ++r) {
      std::string key;
      for (int c = 0; c < last; ++c) key.append(c ? "," : "").append(rows.text(r, c));
      std::vector<int64_t>& v = values[key];
      v.resize(condition.terms.size());
      v[t] += rows.cents(r, last);
    }
  }
  if (values.empty() && !condition.may_be_empty)
    values["no row at all, warehouse " + std::to_string(w)] = {1};
  std::map<std::string, std::string> offending;
  for (const auto& [key, amounts] : values) {
    int64_t sum = 0;
    std::string shown;
    for (size_t t = 0; t < amounts.size(); ++t) {
      sum += condition.terms[t].sign * amounts[t];
      shown += (t ? " | " : "") + format_cents(amounts[t]);
    }
    if (sum != 0) offending[key] = shown;
  }
  result.keys += values.size();
  result.offending += offending.size();
  for (const auto& [key, shown] : offending) {
    if (result.examples.size() < kExamplesMax) result.examples.push_back("(" + key + "): " + shown);
  }
}

void offend(CheckResult& result, const std::string& example) {
  ++result.offending;
  if (result.examples.size() < kExamplesMax) result.examples.push_back(example);
}

CheckResult check_acked_orders(Client& client, const AckedEntries& acked, int64_t warehouses) {
  CheckResult result{
      "new-order log", "every acknowledged new order is there", acked.new_orders.size(), 0, {}};
  std::set<std::vector<int64_t>> there;
  for (int64_t w = 1; w <= warehouses; ++w) {
    const Rows rows = client.exec(with_warehouse(
        "SELECT o_w_id, o_d_id, o_id FROM orders WHERE o_w_id = $W AND o_id > 3000", w));
    for (int r = 0; r < rows.size(); ++r) {
      there.insert({rows.integer(r, 0), rows.integer(r, 1), rows.integer(r, 2)});
    }
  }
  std::set<std::vector<int64_t>> seen;
  for (const auto& n : acked.new_orders) {
    const std::string name = "order (" + std::to_string(n.warehouse) + "," +
                             std::to_string(n.district) + "," + std::to_string(n.order) + ")";
    const std::vector<int64_t> key = {n.warehouse, n.district, n.order};
    if (!there.contains(key)) offend(result, name + " was acknowledged and is missing");
    if (!seen.insert(key).second) offend(result, name + " was acknowledged twice");
  }
  return result;
}

CheckResult check_acked_payments(Client& client, const AckedEntries& acked, int64_t warehouses) {
  CheckResult result{
      "payment log", "every acknowledged payment is there once, and no failed one", 0, 0, {}};
  std::map<std::string, int> there;
  for (int64_t w = 1; w <= warehouses; ++w) {
    const Rows rows =
        client.exec(with_warehouse("SELECT h_data FROM history WHERE h_w_id = $W", w));
    for (int r = 0; r < rows.size(); ++r) {
      for (const std::string& run : acked.runs) {
        if (rows.text(r, 0).starts_with(run + "-")) ++there[std::string(rows.text(r, 0))];
      }
    }
  }
  result.keys = acked.payments.size();
  std::set<std::string> logged;
  for (const auto& p : acked.payments) {
    logged.insert(p.token);
    const auto it = there.find(p.token);
    if (it == there.end() && p.known) offend(result, p.token + " was acknowledged and is missing");
  }
  for (const auto& [token, count] : there) {
    if (count > 1) offend(result, token + " was applied " + std::to_string(count) + " times");
    if (!logged.contains(token)) offend(result, token + " was reported as failed and is there");
  }
  return result;
}

void connect_any(Client& client, const std::vector<std::string>& urls) {
  for (size_t i = 0; i < urls.size(); ++i) {
    try {
      client = Client(urls[i], {});
      return client.connect();
    } catch (const SqlError&) {
      if (i + 1 == urls.size()) throw;
    }
  }
}

}  // namespace

std::vector<CheckResult> check(const CheckOptions& options) {
  Client client(options.urls[0], {});
  connect_any(client, options.urls);
  client.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const int64_t there = client.exec("SELECT count(*) FROM warehouse").integer(0, 0);
  if (there != options.warehouses) {
    throw std::runtime_error("the database holds " + std::to_string(there) + " warehouses, not " +
                             std::to_string(options.warehouses));
  }
  const bool tty = !options.quiet && isatty(STDERR_FILENO) == 1;
  std::vector<CheckResult> results;
  for (const Condition& condition : conditions()) {
    CheckResult result{condition.name, condition.text, 0, 0, {}};
    for (int64_t w = 1; w <= options.warehouses; ++w) {
      if (tty)
        std::fprintf(stderr, "\rcondition %s, warehouse %ld/%ld   ", condition.name, w,
                     options.warehouses);
      check_warehouse(client, condition, w, result);
    }
    results.push_back(std::move(result));
  }
  if (!options.acked_log.empty()) {
    const AckedEntries acked = read_acked_log(options.acked_log);
    results.push_back(check_acked_orders(client, acked, options.warehouses));
    results.push_back(check_acked_payments(client, acked, options.warehouses));
  }
  if (tty) std::fprintf(stderr, "\r%60s\r", "");
  client.exec("COMMIT");
  return results;
}

}  // namespace quorate::bench

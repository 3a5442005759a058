// The five transactions of TPC-C (clauses 2.4 to 2.8) as a good client writes them: inputs are
// drawn first, so that a retry runs the same transaction again; then statements, a commit, and what
// was done.
//
// A run_* function opens and ends its transaction itself. It throws SqlError; the caller rolls
// back. `at_commit` is true while the answer to COMMIT is outstanding: an error then leaves the
// outcome unknown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/tpcc/client.h"
#include "bench/tpcc/random.h"

namespace quorate::bench {

struct Session {
  Client& client;
  bool per_line = false;  // the classical new-order: four statements for each order line
  bool at_commit = false;

  void begin();
  void commit();
};

struct NewOrderInput {
  struct Line {
    int64_t item, supply_warehouse, quantity;
  };
  int64_t warehouse, district, customer;
  std::vector<Line>
      lines;  // distinct items, ordered by supply warehouse and item: one lock order for all
  bool rollback = false;  // the last line names an item that is not there

  static NewOrderInput draw(Random& random, int64_t home, int64_t warehouses);
};

// A customer by number or, when `customer` is 0, by last name.
struct CustomerChoice {
  int64_t warehouse, district, customer = 0;
  std::string last;
};

struct PaymentInput {
  int64_t warehouse, district;
  CustomerChoice customer;
  int64_t amount_cents;
  std::string history_data;  // h_data when not empty: marks the row for `check --acked-log`

  static PaymentInput draw(Random& random, int64_t home, int64_t warehouses);
};

struct OrderStatusInput {
  CustomerChoice customer;
  static OrderStatusInput draw(Random& random, int64_t home);
};

struct DeliveryInput {
  int64_t warehouse, carrier;
  static DeliveryInput draw(Random& random, int64_t home);
};

struct StockLevelInput {
  int64_t warehouse, district, threshold;
  static StockLevelInput draw(Random& random, int64_t home, int64_t district);
};

// The new order's number, or 0 when it was rolled back as its input asks.
int64_t run_new_order(Session& session, const NewOrderInput& input);
void run_payment(Session& session, const PaymentInput& input);
void run_order_status(Session& session, const OrderStatusInput& input);
// How many districts had an order to deliver.
int run_delivery(Session& session, const DeliveryInput& input);
int64_t run_stock_level(Session& session, const StockLevelInput& input);

}  // namespace quorate::bench

#include "bench/tpcc/transactions.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

namespace quorate::bench {

namespace {

constexpr int64_t kUnusedItem = 100'001;
constexpr int kLinesMax = 15;

int64_t other_warehouse(Random& random, int64_t home, int64_t warehouses) {
  const int64_t w = random.uniform(1, warehouses - 1);
  return w < home ? w : w + 1;
}

CustomerChoice draw_customer(Random& random, int64_t warehouse, int64_t district) {
  CustomerChoice c{warehouse, district, 0, {}};
  if (random.percent(60)) {
    c.last = last_name(random.last_name_number_at_run());
  } else {
    c.customer = random.customer_id();
  }
  return c;
}

std::string two_digits(int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

// "$a,$b,.." for `count` parameters from $first on.
std::string dollars(int first, int count) {
  std::string s;
  for (int i = 0; i < count; ++i) s += (i ? ",$" : "$") + std::to_string(first + i);
  return s;
}

// One statement for each number of lines (and district); made when all are, before any terminal
// runs.
template <class Make>
std::vector<Statement> by_count(int count, Make make) {
  std::vector<Statement> v;
  v.reserve(count + 1);
  for (int n = 0; n <= count; ++n) v.emplace_back(make(n));
  return v;
}

const Statement& select_items(int n) {
  static const auto table = by_count(kLinesMax, [](int k) {
    return "SELECT i_id, i_price, i_name, i_data FROM item WHERE i_id IN (" +
           dollars(1, std::max(k, 1)) + ")";
  });
  return table[n];
}

const Statement& select_stock(int64_t district, int n) {
  static const auto table = by_count(11 * (kLinesMax + 1), [](int k) {
    return "SELECT s_i_id, s_quantity, s_data, s_dist_" + two_digits(k / (kLinesMax + 1)) +
           " FROM stock WHERE s_w_id = $1 AND s_i_id IN (" +
           dollars(2, std::max(k % (kLinesMax + 1), 1)) + ") FOR UPDATE";
  });
  return table[district * (kLinesMax + 1) + n];
}

// $1 warehouse, $2 1 when the lines are remote, then item, new quantity, ordered quantity for each
// line.
const Statement& update_stock(int n) {
  static const auto table = by_count(kLinesMax, [](int k) {
    std::string quantity, ordered, items;
    for (int i = 0; i < std::max(k, 1); ++i) {
      const std::string item = "$" + std::to_string(3 + 3 * i);
      quantity += " WHEN " + item + " THEN $" + std::to_string(4 + 3 * i) + "::int";
      ordered += " WHEN " + item + " THEN $" + std::to_string(5 + 3 * i) + "::int";
      items += (i ? "," : "") + item;
    }
    return "UPDATE stock SET s_quantity = CASE s_i_id" + quantity +
           " END, s_ytd = s_ytd + CASE s_i_id" + ordered +
           " END, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $2 " +
           "WHERE s_w_id = $1 AND s_i_id IN (" + items + ")";
  });
  return table[n];
}

const Statement& insert_lines(int n) {
  static const auto table = by_count(kLinesMax, [](int k) {
    std::string s =
        "INSERT INTO order_line (ol_w_id, ol_d_id, ol_o_id, ol_number, ol_i_id, ol_supply_w_id, "
        "ol_quantity, ol_amount, ol_dist_info) VALUES ";
    for (int i = 0; i < std::max(k, 1); ++i)
      s += (i ? ", ($1,$2,$3," : "($1,$2,$3,") + dollars(4 + 6 * i, 6) + ")";
    return s;
  });
  return table[n];
}

// What the statements of one new order find and carry from one to the next.
struct Line {
  int64_t item, supply, quantity, price_cents = 0, stock = 0;
  std::string dist_info;
};

int64_t stock_after(int64_t stock, int64_t ordered) {
  return stock >= ordered + 10 ? stock - ordered : stock - ordered + 91;
}

bool price_lines(Client& client, std::vector<Line>& lines) {
  Params params;
  for (const Line& l : lines) params.add(l.item);
  const Rows rows = client.exec(select_items(static_cast<int>(lines.size())), params);
  std::map<int64_t, int64_t> price;
  for (int i = 0; i < rows.size(); ++i) price[rows.integer(i, 0)] = rows.cents(i, 1);
  for (Line& l : lines) {
    const auto it = price.find(l.item);
    if (it != price.end()) l.price_cents = it->second;
  }
  return price.size() == lines.size();
}

// Locks, reads and updates the stock rows of the lines [from, to), which one warehouse supplies.
void take_stock(Client& client, int64_t home, int64_t district, std::vector<Line>& lines,
                size_t from, size_t to) {
  const int n = static_cast<int>(to - from);
  Params select;
  select.add(lines[from].supply);
  for (size_t i = from; i < to; ++i) select.add(lines[i].item);
  const Rows rows = client.exec(select_stock(district, n), select);
  if (rows.size() != n) throw SqlError("P0002", "a stock row is missing", false);
  for (int r = 0; r < n; ++r) {
    const int64_t item = rows.integer(r, 0);
    const auto line = std::find_if(lines.begin() + from, lines.begin() + to,
                                   [&](const Line& l) { return l.item == item; });
    line->stock = rows.integer(r, 1);
    line->dist_info = rows.text(r, 3);
  }
  Params update;
  update.add(lines[from].supply).add(lines[from].supply == home ? 0 : 1);
  for (size_t i = from; i < to; ++i) {
    const Line& l = lines[i];
    update.add(l.item).add(stock_after(l.stock, l.quantity)).add(l.quantity);
  }
  if (client.exec(update_stock(n), update).affected() != n) {
    throw SqlError("P0002", "a locked stock row was not updated", false);
  }
}

void add_line(Params& params, const Line& l, size_t number) {
  params.add(static_cast<int64_t>(number)).add(l.item).add(l.supply).add(l.quantity);
  params.cents(l.quantity * l.price_cents).add(std::string_view(l.dist_info));
}

bool order_lines_batched(Client& client, const NewOrderInput& in, int64_t order,
                         std::vector<Line>& lines) {
  if (!price_lines(client, lines)) return false;
  for (size_t from = 0; from < lines.size();) {
    size_t to = from + 1;
    while (to < lines.size() && lines[to].supply == lines[from].supply) ++to;
    take_stock(client, in.warehouse, in.district, lines, from, to);
    from = to;
  }
  Params insert;
  insert.add(in.warehouse).add(in.district).add(order);
  for (size_t i = 0; i < lines.size(); ++i) add_line(insert, lines[i], i + 1);
  client.exec(insert_lines(static_cast<int>(lines.size())), insert);
  return true;
}

bool order_lines_one_by_one(Client& client, const NewOrderInput& in, int64_t order,
                            std::vector<Line>& lines) {
  for (size_t i = 0; i < lines.size(); ++i) {
    std::vector<Line> one = {lines[i]};
    if (!price_lines(client, one)) return false;
    take_stock(client, in.warehouse, in.district, one, 0, 1);
    Params insert;
    insert.add(in.warehouse).add(in.district).add(order);
    add_line(insert, one[0], i + 1);
    client.exec(insert_lines(1), insert);
  }
  return true;
}

// Clause 2.5.2.2: of the customers with that name, ordered by first name, the one in the middle.
int64_t find_customer(Client& client, const CustomerChoice& c) {
  if (c.customer != 0) return c.customer;
  static const Statement by_name(
      "SELECT c_id FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY "
      "c_first");
  const Rows rows =
      client.exec(by_name, Params().add(c.warehouse).add(c.district).add(std::string_view(c.last)));
  if (rows.size() == 0) throw SqlError("P0002", "no customer is called " + c.last, false);
  return rows.integer((rows.size() + 1) / 2 - 1, 0);
}

const Rows& one_row(const Rows& rows, const char* what) {
  if (rows.size() != 1) throw SqlError("P0002", std::string("not exactly one row: ") + what, false);
  return rows;
}

}  // namespace

void Session::begin() {
  at_commit = false;
  client.exec("BEGIN");
}

void Session::commit() {
  at_commit = true;
  client.exec("COMMIT");
  at_commit = false;
}

NewOrderInput NewOrderInput::draw(Random& random, int64_t home, int64_t warehouses) {
  NewOrderInput in{
      home, random.uniform(1, 10), random.customer_id(), {}, random.uniform(1, 100) == 1};
  const int64_t count = random.uniform(5, kLinesMax);
  while (static_cast<int64_t>(in.lines.size()) < count) {
    const int64_t item = random.item_id();
    if (std::any_of(in.lines.begin(), in.lines.end(),
                    [&](const Line& l) { return l.item == item; }))
      continue;
    const bool remote = warehouses > 1 && random.percent(1);
    in.lines.push_back(
        {item, remote ? other_warehouse(random, home, warehouses) : home, random.uniform(1, 10)});
  }
  if (in.rollback) in.lines.back().item = kUnusedItem;
  std::sort(in.lines.begin(), in.lines.end(), [](const Line& a, const Line& b) {
    return std::tie(a.supply_warehouse, a.item) < std::tie(b.supply_warehouse, b.item);
  });
  return in;
}

PaymentInput PaymentInput::draw(Random& random, int64_t home, int64_t warehouses) {
  PaymentInput in{home, random.uniform(1, 10), {}, random.uniform(100, 500'000), {}};
  if (warehouses > 1 && random.percent(15)) {
    // One draw a statement: compilers differ in the order of arguments.
    const int64_t district = random.uniform(1, 10);
    const int64_t warehouse = other_warehouse(random, home, warehouses);
    in.customer = draw_customer(random, warehouse, district);
  } else {
    in.customer = draw_customer(random, home, in.district);
  }
  return in;
}

OrderStatusInput OrderStatusInput::draw(Random& random, int64_t home) {
  return {draw_customer(random, home, random.uniform(1, 10))};
}

DeliveryInput DeliveryInput::draw(Random& random, int64_t home) {
  return {home, random.uniform(1, 10)};
}

StockLevelInput StockLevelInput::draw(Random& random, int64_t home, int64_t district) {
  return {home, district, random.uniform(10, 20)};
}

int64_t run_new_order(Session& session, const NewOrderInput& in) {
  static const Statement customer(
      "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse "
      "WHERE w_id = $1 AND c_w_id = $1 AND c_d_id = $2 AND c_id = $3");
  static const Statement take_number(
      "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = $1 AND d_id = $2 "
      "RETURNING d_next_o_id - 1, d_tax");
  static const Statement insert_order(
      "INSERT INTO orders (o_w_id, o_d_id, o_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) "
      "VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP, $5, $6)");
  static const Statement insert_new_order(
      "INSERT INTO new_order (no_w_id, no_d_id, no_o_id) VALUES ($1, $2, $3)");

  Client& client = session.client;
  session.begin();
  one_row(client.exec(customer, Params().add(in.warehouse).add(in.district).add(in.customer)),
          "customer");
  const Rows number = client.exec(take_number, Params().add(in.warehouse).add(in.district));
  const int64_t order = one_row(number, "district").integer(0, 0);
  const bool local = std::all_of(in.lines.begin(), in.lines.end(),
                                 [&](const auto& l) { return l.supply_warehouse == in.warehouse; });
  client.exec(insert_order, Params()
                                .add(in.warehouse)
                                .add(in.district)
                                .add(order)
                                .add(in.customer)
                                .add(static_cast<int64_t>(in.lines.size()))
                                .add(local ? 1 : 0));
  client.exec(insert_new_order, Params().add(in.warehouse).add(in.district).add(order));
  std::vector<Line> lines;
  for (const auto& l : in.lines)
    lines.push_back({l.item, l.supply_warehouse, l.quantity, 0, 0, {}});
  const bool found = session.per_line ? order_lines_one_by_one(client, in, order, lines)
                                      : order_lines_batched(client, in, order, lines);
  if (!found && !in.rollback) throw SqlError("P0002", "an item is missing", false);
  if (!found) {
    client.exec("ROLLBACK");
    return 0;
  }
  session.commit();
  return order;
}

void run_payment(Session& session, const PaymentInput& in) {
  static const Statement warehouse(
      "UPDATE warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 "
      "RETURNING w_name, w_street_1, w_street_2, w_city, w_state, w_zip");
  static const Statement district(
      "UPDATE district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3 "
      "RETURNING d_name, d_street_1, d_street_2, d_city, d_state, d_zip");
  static const Statement customer(
      "UPDATE customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, "
      "c_payment_cnt = c_payment_cnt + 1, "
      "c_data = CASE c_credit WHEN 'BC' THEN substr($2::text || c_data, 1, 500) ELSE c_data END "
      "WHERE c_w_id = $3 AND c_d_id = $4 AND c_id = $5 "
      "RETURNING c_first, c_middle, c_last, c_street_1, c_street_2, c_city, c_state, c_zip, "
      "c_phone, c_since, "
      "c_credit, c_credit_lim, c_discount, c_balance, c_data");
  static const Statement history(
      "INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) "
      "VALUES ($1, $2, $3, $4, $5, CURRENT_TIMESTAMP, $6, $7)");

  Client& client = session.client;
  const CustomerChoice& c = in.customer;
  session.begin();
  const Rows w = client.exec(warehouse, Params().cents(in.amount_cents).add(in.warehouse));
  const Rows d =
      client.exec(district, Params().cents(in.amount_cents).add(in.warehouse).add(in.district));
  one_row(w, "warehouse");
  one_row(d, "district");
  const int64_t id = find_customer(client, c);
  std::string remark;
  for (int64_t n : {id, c.district, c.warehouse, in.district, in.warehouse})
    remark += std::to_string(n) + " ";
  remark += format_cents(in.amount_cents) + " | ";
  one_row(client.exec(customer, Params()
                                    .cents(in.amount_cents)
                                    .add(std::string_view(remark))
                                    .add(c.warehouse)
                                    .add(c.district)
                                    .add(id)),
          "customer");
  std::string data = in.history_data;
  if (data.empty()) data = std::string(w.text(0, 0)) + "    " + std::string(d.text(0, 0));
  client.exec(history, Params()
                           .add(id)
                           .add(c.district)
                           .add(c.warehouse)
                           .add(in.district)
                           .add(in.warehouse)
                           .cents(in.amount_cents)
                           .add(std::string_view(data)));
  session.commit();
}

void run_order_status(Session& session, const OrderStatusInput& in) {
  static const Statement customer(
      "SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = $1 AND c_d_id = $2 "
      "AND c_id = $3");
  static const Statement order(
      "SELECT o_id, o_entry_d, o_carrier_id FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND "
      "o_c_id = $3 "
      "ORDER BY o_id DESC LIMIT 1");
  static const Statement lines(
      "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line "
      "WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3");

  Client& client = session.client;
  const CustomerChoice& c = in.customer;
  session.begin();
  const int64_t id = find_customer(client, c);
  one_row(client.exec(customer, Params().add(c.warehouse).add(c.district).add(id)), "customer");
  const Rows last = client.exec(order, Params().add(c.warehouse).add(c.district).add(id));
  const int64_t number = one_row(last, "order").integer(0, 0);
  if (client.exec(lines, Params().add(c.warehouse).add(c.district).add(number)).size() == 0) {
    throw SqlError("P0002", "an order has no lines", false);
  }
  session.commit();
}

int run_delivery(Session& session, const DeliveryInput& in) {
  static const Statement oldest(
      "SELECT no_o_id FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1 "
      "FOR UPDATE");
  static const Statement remove(
      "DELETE FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 AND no_o_id = $3");
  static const Statement order(
      "UPDATE orders SET o_carrier_id = $1 WHERE o_w_id = $2 AND o_d_id = $3 AND o_id = $4 "
      "RETURNING o_c_id");
  static const Statement lines(
      "UPDATE order_line SET ol_delivery_d = CURRENT_TIMESTAMP "
      "WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3 RETURNING ol_amount");
  static const Statement customer(
      "UPDATE customer SET c_balance = c_balance + $1, c_delivery_cnt = c_delivery_cnt + 1 "
      "WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4");

  Client& client = session.client;
  int delivered = 0;
  session.begin();
  for (int64_t d = 1; d <= 10; ++d) {
    const Rows first = client.exec(oldest, Params().add(in.warehouse).add(d));
    if (first.size() == 0)
      continue;  // nothing to deliver here, or another delivery took it (clause 2.7.4.2)
    const int64_t number = first.integer(0, 0);
    const Rows gone = client.exec(remove, Params().add(in.warehouse).add(d).add(number));
    if (gone.affected() != 1)
      throw SqlError("P0002", "a locked new_order row was not deleted", false);
    const Rows whose =
        client.exec(order, Params().add(in.carrier).add(in.warehouse).add(d).add(number));
    const int64_t id = one_row(whose, "order").integer(0, 0);
    const Rows amounts = client.exec(lines, Params().add(in.warehouse).add(d).add(number));
    int64_t sum = 0;
    for (int i = 0; i < amounts.size(); ++i) sum += amounts.cents(i, 0);
    client.exec(customer, Params().cents(sum).add(in.warehouse).add(d).add(id));
    ++delivered;
  }
  session.commit();
  return delivered;
}

int64_t run_stock_level(Session& session, const StockLevelInput& in) {
  static const Statement next("SELECT d_next_o_id FROM district WHERE d_w_id = $1 AND d_id = $2");
  static const Statement low(
      "SELECT count(DISTINCT s_i_id) FROM order_line JOIN stock ON s_w_id = ol_w_id AND s_i_id = "
      "ol_i_id "
      "WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id >= $3 AND ol_o_id < $4 AND s_w_id = $1 "
      "AND s_quantity < $5");

  session.begin();
  const Rows number = session.client.exec(next, Params().add(in.warehouse).add(in.district));
  const int64_t to = one_row(number, "district").integer(0, 0);
  const Rows count = session.client.exec(
      low, Params().add(in.warehouse).add(in.district).add(to - 20).add(to).add(in.threshold));
  const int64_t result = one_row(count, "count").integer(0, 0);
  session.commit();
  return result;
}

}  // namespace quorate::bench

#include "sim/sql/sql_tpcc.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace quorate::sim {

using runtime::Random;
using runtime::Task;

namespace {

constexpr uint64_t kNames = 3;  // of customers

// Two questions whose answers are the same rows.
struct Condition {
  const char* name;
  const char* text;
  const char* left;
  const char* right;
};

constexpr Condition kConditions[] = {
    {"1", "w_ytd = sum(d_ytd)", "SELECT w_ytd FROM warehouse", "SELECT sum(d_ytd) FROM district"},
    {"2", "d_next_o_id - 1 = max(o_id)",
     "SELECT d_id, d_next_o_id - 1 FROM district WHERE d_next_o_id > 1 ORDER BY d_id",
     "SELECT o_d_id, max(o_id) FROM orders GROUP BY o_d_id ORDER BY o_d_id"},
    {"2b", "max(no_o_id) = max(o_id) where there are new orders",
     "SELECT no_d_id, max(no_o_id) FROM new_order GROUP BY no_d_id ORDER BY no_d_id",
     "SELECT o_d_id, max(o_id) FROM orders WHERE o_d_id IN (SELECT no_d_id FROM new_order) "
     "GROUP BY o_d_id ORDER BY o_d_id"},
    {"3", "max(no_o_id) - min(no_o_id) + 1 = number of new orders",
     "SELECT no_d_id, max(no_o_id) - min(no_o_id) + 1 FROM new_order GROUP BY no_d_id "
     "ORDER BY no_d_id",
     "SELECT no_d_id, count(*) FROM new_order GROUP BY no_d_id ORDER BY no_d_id"},
    {"4", "sum(o_ol_cnt) = number of order lines",
     "SELECT o_d_id, sum(o_ol_cnt) FROM orders GROUP BY o_d_id ORDER BY o_d_id",
     "SELECT ol_d_id, count(*) FROM order_line GROUP BY ol_d_id ORDER BY ol_d_id"},
    {"5", "an order has no carrier exactly when it is in new_order",
     "SELECT o_d_id, o_id FROM orders WHERE o_carrier_id IS NULL ORDER BY o_d_id, o_id",
     "SELECT no_d_id, no_o_id FROM new_order ORDER BY no_d_id, no_o_id"},
    {"6", "o_ol_cnt = number of the order's lines",
     "SELECT o_d_id, o_id, o_ol_cnt FROM orders ORDER BY o_d_id, o_id",
     "SELECT ol_d_id, ol_o_id, count(*) FROM order_line GROUP BY ol_d_id, ol_o_id "
     "ORDER BY ol_d_id, ol_o_id"},
    {"7", "a line is undelivered exactly when its order has no carrier",
     "SELECT o_d_id, o_id, o_ol_cnt FROM orders WHERE o_carrier_id IS NULL ORDER BY o_d_id, o_id",
     "SELECT ol_d_id, ol_o_id, count(*) FROM order_line WHERE ol_delivery_d IS NULL "
     "GROUP BY ol_d_id, ol_o_id ORDER BY ol_d_id, ol_o_id"},
    {"8", "w_ytd = sum(h_amount)", "SELECT w_ytd FROM warehouse",
     "SELECT coalesce(sum(h_amount), 0.00) FROM history"},
    {"9", "d_ytd = sum(h_amount)", "SELECT d_id, d_ytd FROM district WHERE d_ytd > 0 ORDER BY d_id",
     "SELECT h_d_id, sum(h_amount) FROM history GROUP BY h_d_id ORDER BY h_d_id"},
    {"10", "c_ytd_payment = sum(h_amount), c_payment_cnt = number of payments",
     "SELECT c_d_id, c_id, c_ytd_payment, c_payment_cnt FROM customer WHERE c_payment_cnt > 0 "
     "ORDER BY c_d_id, c_id",
     "SELECT h_d_id, h_c_id, sum(h_amount), count(*) FROM history GROUP BY h_d_id, h_c_id "
     "ORDER BY h_d_id, h_c_id"},
    {"11", "orders - new orders = deliveries",
     "SELECT c_d_id, sum(c_delivery_cnt) FROM customer GROUP BY c_d_id "
     "HAVING sum(c_delivery_cnt) > 0 ORDER BY c_d_id",
     "SELECT o_d_id, count(*) FROM orders WHERE o_carrier_id IS NOT NULL GROUP BY o_d_id "
     "ORDER BY o_d_id"},
    {"12", "c_balance + c_ytd_payment = sum(delivered ol_amount)",
     "SELECT c_d_id, c_id, c_balance + c_ytd_payment FROM customer WHERE c_delivery_cnt > 0 "
     "ORDER BY c_d_id, c_id",
     "SELECT o_d_id, o_c_id, sum(ol_amount) FROM orders JOIN order_line ON ol_d_id = o_d_id AND "
     "ol_o_id = o_id WHERE ol_delivery_d IS NOT NULL GROUP BY o_d_id, o_c_id "
     "ORDER BY o_d_id, o_c_id"},
    {"B", "s_ytd = quantity ordered, s_order_cnt = number of lines",
     "SELECT s_i_id, s_ytd, s_order_cnt FROM stock WHERE s_order_cnt > 0 ORDER BY s_i_id",
     "SELECT ol_i_id, sum(ol_quantity), count(*) FROM order_line GROUP BY ol_i_id "
     "ORDER BY ol_i_id"},
};

// The rows that carry numbers: of new orders, payments, deliveries.
constexpr const char* kNumbers[] = {
    "SELECT o_number FROM orders", "SELECT h_number FROM history",
    "SELECT DISTINCT o_carrier_id FROM orders WHERE o_carrier_id IS NOT NULL"};

int64_t cents(const std::optional<std::string>& amount) {
  std::string digits = amount.value_or("0");
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  return std::strtoll(digits.c_str(), nullptr, 10);
}

std::string as_amount(int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

}  // namespace

SqlTpcc::SqlTpcc(Random random)
    : SqlWorkload(random),
      districts_(1 + random.below(3)),
      customers_(kNames + random.below(6)),
      items_(4 + random.below(20)),
      split_(random.chance(0.5)) {}

std::vector<std::string> SqlTpcc::tables() const {
  return {
      "CREATE TABLE warehouse (w_id int PRIMARY KEY, w_tax numeric(4,4) NOT NULL, w_ytd "
      "numeric(12,2) NOT NULL)",
      "CREATE TABLE district (d_id int PRIMARY KEY, d_ytd numeric(12,2) NOT NULL, d_next_o_id int "
      "NOT NULL)",
      "CREATE TABLE customer (c_d_id int REFERENCES district, c_id int, c_first text NOT NULL, "
      "c_last text NOT NULL, c_balance numeric(12,2) NOT NULL, c_ytd_payment numeric(12,2) NOT "
      "NULL, c_payment_cnt int NOT NULL, c_delivery_cnt int NOT NULL, PRIMARY KEY (c_d_id, c_id))",
      "CREATE INDEX customer_by_name ON customer (c_d_id, c_last, c_first)",
      "CREATE TABLE history (h_d_id int NOT NULL, h_c_id int NOT NULL, h_amount numeric(6,2) NOT "
      "NULL, h_number int NOT NULL, FOREIGN KEY (h_d_id, h_c_id) REFERENCES customer)",
      "CREATE TABLE orders (o_d_id int, o_id int, o_c_id int NOT NULL, o_carrier_id int, o_ol_cnt "
      "int NOT NULL, o_number int NOT NULL, PRIMARY KEY (o_d_id, o_id), FOREIGN KEY (o_d_id, "
      "o_c_id) REFERENCES customer)",
      "CREATE INDEX orders_by_customer ON orders (o_d_id, o_c_id, o_id)",
      "CREATE TABLE new_order (no_d_id int, no_o_id int, PRIMARY KEY (no_d_id, no_o_id), FOREIGN "
      "KEY (no_d_id, no_o_id) REFERENCES orders)",
      "CREATE TABLE item (i_id int PRIMARY KEY, i_price numeric(5,2) NOT NULL)",
      "CREATE TABLE stock (s_i_id int PRIMARY KEY REFERENCES item, s_quantity int NOT NULL, s_ytd "
      "int NOT NULL, s_order_cnt int NOT NULL)",
      "CREATE TABLE order_line (ol_d_id int, ol_o_id int, ol_number int, ol_i_id int NOT NULL "
      "REFERENCES stock, ol_delivery_d timestamp, ol_quantity int NOT NULL, ol_amount numeric(6,2) "
      "NOT NULL, PRIMARY KEY (ol_d_id, ol_o_id, ol_number), FOREIGN KEY (ol_d_id, ol_o_id) "
      "REFERENCES orders)",
      "INSERT INTO warehouse VALUES (1, 0.07, 0)",
      fmt::format("INSERT INTO district SELECT d, 0, 1 FROM generate_series(1, {}) d", districts_),
      fmt::format("INSERT INTO customer SELECT d, c, 'first ' || c, 'name ' || c % {}, 0, 0, 0, 0 "
                  "FROM generate_series(1, {}) d, generate_series(1, {}) c",
                  kNames, districts_, customers_),
      fmt::format("INSERT INTO item SELECT i, i + 0.05 * i FROM generate_series(1, {}) i", items_),
      fmt::format("INSERT INTO stock SELECT i, 50, 0, 0 FROM generate_series(1, {}) i", items_),
  };
}

std::vector<std::string> SqlTpcc::splits() const {
  if (!split_) return {};
  return {"ALTER TABLE orders SPLIT AT VALUES (1, 12), (2, 0)",
          "ALTER TABLE order_line SPLIT AT VALUES (1, 8, 0), (2, 0, 0)",
          fmt::format("ALTER TABLE stock SPLIT AT VALUES ({})", items_ / 2)};
}

class SqlTpcc::NewOrder : public SqlWorkload::Script {
 public:
  NewOrder(uint64_t number, uint64_t district, uint64_t customer, std::vector<Line> lines)
      : number_(number), district_(district), customer_(customer), lines_(std::move(lines)) {
    for (const Line& line : lines_)
      items_ += fmt::format("{}{}", items_.empty() ? "" : ", ", line.item);
  }
  void begin() override { at_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (at_++) {
      case 0:
        return fmt::format(
            "SELECT c_last, w_tax FROM customer, warehouse WHERE w_id = 1 AND c_d_id = {} AND "
            "c_id = {}",
            district_, customer_);
      case 1:
        return fmt::format(
            "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_id = {} "
            "RETURNING d_next_o_id - 1",
            district_);
      case 2:
        give_up = answer.rows.empty();
        if (give_up) return {};
        order_ = sql_int(answer.rows[0].at(0));
        return fmt::format("INSERT INTO orders VALUES ({}, {}, {}, NULL, {}, {})", district_,
                           order_, customer_, lines_.size(), number_);
      case 3:
        return fmt::format("INSERT INTO new_order VALUES ({}, {})", district_, order_);
      case 4:
        return fmt::format("SELECT i_id, i_price FROM item WHERE i_id IN ({})", items_);
      case 5:
        // An item that is not there: clause 2.4.1.4.
        give_up = answer.rows.size() < lines_.size();
        prices_.clear();
        for (const auto& row : answer.rows)
          prices_[static_cast<uint64_t>(sql_int(row.at(0)))] = cents(row.at(1));
        return fmt::format(
            "SELECT s_i_id, s_quantity FROM stock WHERE s_i_id IN ({}) ORDER BY s_i_id FOR UPDATE",
            items_);
      case 6:
        return update_stock(answer);
      case 7:
        return insert_lines();
      default:
        return {};
    }
  }

 private:
  // What is left is worked out here, so that a lock which does not hold loses an order.
  std::string update_stock(const SqlAnswer& stock) const {
    std::string left, ytd;
    for (const auto& row : stock.rows) {
      const int64_t item = sql_int(row.at(0)), there = sql_int(row.at(1));
      const auto line = std::find_if(lines_.begin(), lines_.end(), [&](const Line& l) {
        return static_cast<int64_t>(l.item) == item;
      });
      const auto taken = static_cast<int64_t>(line->quantity);
      left += fmt::format(" WHEN {} THEN {}", item,
                          there >= taken + 10 ? there - taken : there - taken + 91);
      ytd += fmt::format(" WHEN {} THEN {}", item, taken);
    }
    return fmt::format(
        "UPDATE stock SET s_quantity = CASE s_i_id{} END, s_ytd = s_ytd + CASE s_i_id{} END, "
        "s_order_cnt = s_order_cnt + 1 WHERE s_i_id IN ({})",
        left, ytd, items_);
  }
  std::string insert_lines() {
    std::string out = "INSERT INTO order_line VALUES ";
    for (size_t i = 0; i < lines_.size(); ++i) {
      const Line& l = lines_[i];
      const int64_t amount = static_cast<int64_t>(l.quantity) * prices_[l.item];
      out += fmt::format("{}({}, {}, {}, {}, NULL, {}, {})", i > 0 ? ", " : "", district_, order_,
                         i + 1, l.item, l.quantity, as_amount(amount));
    }
    return out;
  }

  const uint64_t number_, district_, customer_;
  const std::vector<Line> lines_;
  std::string items_;
  int at_ = 0;
  int64_t order_ = 0;
  std::map<uint64_t, int64_t> prices_;
};

// Of a customer by number, or, where that is 0, of the middle one of a name.
class SqlTpcc::Payment : public SqlWorkload::Script {
 public:
  Payment(uint64_t number, uint64_t district, uint64_t customer, uint64_t last, int64_t amount)
      : number_(number),
        district_(district),
        customer_(customer),
        last_(last),
        amount_(as_amount(amount)) {}
  void begin() override { at_ = 0; }
  std::string next(const SqlAnswer& answer) override {
    switch (at_++) {
      case 0:
        return fmt::format("UPDATE warehouse SET w_ytd = w_ytd + {} WHERE w_id = 1", amount_);
      case 1:
        return fmt::format("UPDATE district SET d_ytd = d_ytd + {} WHERE d_id = {}", amount_,
                           district_);
      case 2:
        if (customer_ != 0)
          return fmt::format("SELECT c_id FROM customer WHERE c_d_id = {} AND c_id = {}", district_,
                             customer_);
        return fmt::format(
            "SELECT c_id FROM customer WHERE c_d_id = {} AND c_last = 'name {}' ORDER BY c_first",
            district_, last_);
      case 3:
        give_up = answer.rows.empty();
        if (give_up) return {};
        payer_ = sql_int(answer.rows.at((answer.rows.size() + 1) / 2 - 1).at(0));
        return fmt::format(
            "UPDATE customer SET c_balance = c_balance - {0}, c_ytd_payment = c_ytd_payment + {0}, "
            "c_payment_cnt = c_payment_cnt + 1 WHERE c_d_id = {1} AND c_id = {2}",
            amount_, district_, payer_);
      case 4:
        return fmt::format("INSERT INTO history VALUES ({}, {}, {}, {})", district_, payer_,
                           amount_, number_);
      default:
        return {};
    }
  }

 private:
  const uint64_t number_, district_, customer_, last_;
  const std::string amount_;
  int at_ = 0;
  int64_t payer_ = 0;
};

// The oldest new order of each district.
class SqlTpcc::Delivery : public SqlWorkload::Script {
 public:
  Delivery(uint64_t number, uint64_t districts) : number_(number), districts_(districts) {}
  void begin() override {
    at_ = 0;
    district_ = 1;
    delivered = 0;
  }
  std::string next(const SqlAnswer& answer) override {
    if (at_ == 1 && answer.rows.empty()) at_ = 5;  // no new order here
    if (at_ == 5) {
      at_ = 0;
      ++district_;
    }
    if (district_ > districts_) return {};
    switch (at_++) {
      case 0:
        return fmt::format(
            "SELECT no_o_id FROM new_order WHERE no_d_id = {} ORDER BY no_o_id LIMIT 1 FOR UPDATE",
            district_);
      case 1:
        ++delivered;
        order_ = sql_int(answer.rows[0].at(0));
        return fmt::format("DELETE FROM new_order WHERE no_d_id = {} AND no_o_id = {}", district_,
                           order_);
      case 2:
        return fmt::format(
            "UPDATE orders SET o_carrier_id = {} WHERE o_d_id = {} AND o_id = {} RETURNING o_c_id",
            number_, district_, order_);
      case 3:
        give_up = answer.rows.empty();
        if (give_up) return {};
        customer_ = sql_int(answer.rows[0].at(0));
        return fmt::format(
            "UPDATE order_line SET ol_delivery_d = CURRENT_TIMESTAMP WHERE ol_d_id = {} AND "
            "ol_o_id = {} RETURNING ol_amount",
            district_, order_);
      default: {
        int64_t sum = 0;
        for (const auto& row : answer.rows) sum += cents(row.at(0));
        return fmt::format(
            "UPDATE customer SET c_balance = c_balance + {}, c_delivery_cnt = c_delivery_cnt + 1 "
            "WHERE c_d_id = {} AND c_id = {}",
            as_amount(sum), district_, customer_);
      }
    }
  }
  uint64_t delivered = 0;

 private:
  const uint64_t number_, districts_;
  int at_ = 0;
  uint64_t district_ = 1;
  int64_t order_ = 0, customer_ = 0;
};

Task<void> SqlTpcc::step(SqlClient* client, Random* random) {
  // All is read: less often as it grows.
  if (random->chance(1.0 / (20 + static_cast<double>(fates_.size()) / 10)))
    co_await look(client, random);
  else
    co_await run(client, random);
}

Task<void> SqlTpcc::run(SqlClient* client, Random* random) {
  const uint64_t number = fates_.size();
  fates_.push_back(Fate::kOpen);
  const uint64_t district = 1 + random->below(districts_);
  const uint64_t customer = 1 + random->below(customers_);
  const uint64_t dice = random->below(10);
  std::unique_ptr<Script> script;
  const Delivery* delivery = nullptr;
  if (dice < 5) {
    std::vector<Line> lines;
    for (uint64_t item = 1; item <= items_; ++item)
      if (random->chance(0.3)) lines.push_back({item, 1 + random->below(10)});
    if (lines.empty()) lines.push_back({1, 1});
    if (random->chance(0.02)) lines.back().item = items_ + 1;
    script = std::make_unique<NewOrder>(number, district, customer, std::move(lines));
  } else if (dice < 9) {
    // One draw a statement: compilers differ in the order of arguments.
    const uint64_t payer = random->chance(0.4) ? customer : 0;
    const int64_t amount = random->between(1, 5000);
    const uint64_t name = random->below(kNames);
    script = std::make_unique<Payment>(number, district, payer, name, amount);
  } else {
    auto made = std::make_unique<Delivery>(number, districts_);
    delivery = made.get();
    script = std::move(made);
  }
  std::string begin = "BEGIN";
  const Status done = co_await transact(client, random, script.get(), std::move(begin));
  if (done.code() == StatusCode::kAmbiguous) co_return;
  const bool did = done.ok() && (delivery == nullptr || delivery->delivered > 0);
  fates_[number] = did ? Fate::kThere : Fate::kFailed;
}

std::vector<std::string> SqlTpcc::questions() {
  std::vector<std::string> out;
  for (const Condition& c : kConditions) {
    out.emplace_back(c.left);
    out.emplace_back(c.right);
  }
  return out;
}

std::string SqlTpcc::judge_conditions(std::span<const SqlAnswer> answers) {
  for (size_t i = 0; i < std::size(kConditions); ++i) {
    const auto &left = answers[2 * i].rows, &right = answers[2 * i + 1].rows;
    if (left == right) continue;
    const Condition& c = kConditions[i];
    std::string out = fmt::format("condition {} ({}): {} rows, {} rows", c.name, c.text,
                                  left.size(), right.size());
    const auto [l, r] = std::mismatch(left.begin(), left.end(), right.begin(), right.end());
    for (const auto& [at, end] : {std::pair(l, left.end()), std::pair(r, right.end())}) {
      out += "; first";
      for (size_t k = 0; at != end && k < at->size(); ++k) out += " " + (*at)[k].value_or("NULL");
    }
    return out;
  }
  return {};
}

Task<void> SqlTpcc::look(SqlClient* client, Random* random) {
  std::vector<std::string> texts = questions();
  Statements script(std::move(texts));
  std::string begin = begin_look(random);
  const Status done = co_await transact(client, random, &script, std::move(begin));
  if (!done.ok()) co_return;
  std::string wrong = judge_conditions(script.answers);
  if (!wrong.empty()) find("a snapshot: " + wrong, script.trail);
}

std::string SqlTpcc::judge_fates(std::span<const SqlAnswer> numbers) const {
  std::set<int64_t> there;
  for (const SqlAnswer& answer : numbers)
    for (const auto& row : answer.rows)
      if (!there.insert(sql_int(row.at(0))).second)
        return fmt::format("transaction {} was done twice", sql_int(row[0]));
  for (size_t i = 0; i < fates_.size(); ++i) {
    const bool found = there.contains(static_cast<int64_t>(i));
    if (fates_[i] == Fate::kThere && !found)
      return fmt::format("transaction {} was acknowledged and is lost", i);
    if (fates_[i] == Fate::kFailed && found)
      return fmt::format("transaction {} failed and is there", i);
  }
  return {};
}

Task<Result<std::string>> SqlTpcc::judge(SqlClient* client) {
  std::vector<std::string> texts = questions();
  texts.insert(texts.end(), std::begin(kNumbers), std::end(kNumbers));
  Result<std::vector<SqlAnswer>> read = co_await insist_all(client, std::move(texts));
  if (!read.ok()) co_return read.status();
  std::string wrong = judge_conditions(*read);
  if (wrong.empty()) wrong = judge_fates(std::span(*read).subspan(2 * std::size(kConditions)));
  co_return std::move(wrong);
}

}  // namespace quorate::sim

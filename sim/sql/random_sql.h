// Random statements over two small tables, and what each must give: the trivial model of SQL, rows
// in ordered maps and expressions evaluated one row at a time, with none of the product's code.
//
//   t (lane, id, a int, b text, c bigint, d boolean)   primary key (lane, id), index (lane, a)
//   u (lane, id, t int, v int)                          primary key (lane, id), index (lane, t)
//
// A lane is one client's share of both tables, so that nobody else changes what it reads.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/random.h"

namespace quorate::sim {

struct ModelT {
  std::optional<int64_t> a;
  std::optional<std::string> b;
  std::optional<int64_t> c;
  std::optional<bool> d;
  friend bool operator==(const ModelT&, const ModelT&) = default;
};
struct ModelU {
  std::optional<int64_t> t, v;
  friend bool operator==(const ModelU&, const ModelU&) = default;
};
// Rows by id.
struct Lane {
  std::map<int64_t, ModelT> t;
  std::map<int64_t, ModelU> u;
  friend bool operator==(const Lane&, const Lane&) = default;
};

using ResultRow = std::vector<std::optional<std::string>>;

// A statement, and what it gives and leaves.
struct RandomStatement {
  std::string text;
  bool reads = false;    // nothing changes
  std::string sqlstate;  // it must fail with it; empty: it succeeds
  std::string tag;
  std::vector<ResultRow> rows;
  bool ordered = false;  // the order of `rows` counts
  Lane after;            // as `before` where it fails or reads
};

class RandomSql {
 public:
  RandomSql(runtime::Random& random, int64_t lane) : random_(random), lane_(lane) {}
  // `may_fail`: one that violates a key may be drawn.
  RandomStatement draw(const Lane& before, bool may_fail);

 private:
  using Value = std::variant<std::monostate, int64_t, std::string, bool>;
  struct Scope {
    const Lane* lane = nullptr;
    int64_t id = 0;
    const ModelT* t = nullptr;
    int64_t u_id = 0;
    const ModelU* u = nullptr;  // null beside `joined`: an outer join's missing side
  };
  using Eval = std::function<Value(const Scope&)>;
  struct Expr {
    std::string text;
    Eval value;
  };
  // Which columns an expression may name.
  enum class From : uint8_t { kT, kU, kBoth };

  Expr int_expr(From from, int depth);
  Expr int_leaf(From from);
  Expr text_expr(From from, int depth);
  Expr bool_expr(From from, int depth);
  Expr comparison(From from, int depth);
  Expr membership(From from, int depth);
  Expr subquery_test(int depth);
  Expr subquery_value();
  Expr any_expr(From from, int depth);

  RandomStatement insert_t(const Lane& before, bool may_fail);
  RandomStatement insert_u(const Lane& before);
  RandomStatement update(const Lane& before);
  RandomStatement remove(const Lane& before);
  RandomStatement select_rows(const Lane& before);
  RandomStatement select_joined(const Lane& before);
  RandomStatement select_groups(const Lane& before);
  RandomStatement select_distinct(const Lane& before);

  std::string where(From from, const Expr& predicate) const;
  // Calls `take` with the Scope of each row of t, or of u for kU, that the predicate chooses, by
  // id; how many there were.
  template <class Take>
  static size_t for_chosen(const Lane& lane, From from, const Expr& predicate, Take take);
  static std::optional<std::string> print(const Value& value);
  static bool is_true(const Value& value) { return value == Value(true); }
  static bool is_null(const Value& value) { return value.index() == 0; }
  template <class T>
  static Value of(const std::optional<T>& value) {
    return value ? Value(*value) : Value();
  }
  int64_t number() { return random_.between(-9, 30); }
  std::string word();

  runtime::Random& random_;
  const int64_t lane_;
};

}  // namespace quorate::sim

#include "sim/sql/random_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace quorate::sim {

namespace {

constexpr int64_t kIds = 24;  // of a lane, in each table
constexpr size_t kRowsOfInsert = 4;

std::string literal(const std::optional<int64_t>& v) { return v ? std::to_string(*v) : "NULL"; }
std::string literal(const std::optional<std::string>& v) {
  return v ? "'" + *v + "'" : std::string("NULL");
}
std::string literal(const std::optional<bool>& v) { return !v ? "NULL" : *v ? "true" : "false"; }

}  // namespace

// Small letters alone sort the same everywhere.
std::string RandomSql::word() {
  std::string out(random_.below(4), 'a');
  for (char& c : out) c = static_cast<char>('a' + random_.below(3));
  return out;
}

std::optional<std::string> RandomSql::print(const Value& value) {
  if (const auto* n = std::get_if<int64_t>(&value)) return std::to_string(*n);
  if (const auto* s = std::get_if<std::string>(&value)) return *s;
  if (const auto* b = std::get_if<bool>(&value)) return std::string(*b ? "t" : "f");
  return std::nullopt;
}

RandomSql::Expr RandomSql::int_leaf(From from) {
  const bool u = from == From::kU || (from == From::kBoth && random_.chance(0.5));
  switch (random_.below(4)) {
    case 0: {
      const int64_t n = number();
      return {std::to_string(n), [n](const Scope&) { return Value(n); }};
    }
    case 1:
      if (u) return {"u.t", [](const Scope& s) { return s.u ? of(s.u->t) : Value(); }};
      return {"t.a", [](const Scope& s) { return of(s.t->a); }};
    case 2:
      if (u) return {"u.v", [](const Scope& s) { return s.u ? of(s.u->v) : Value(); }};
      return {"t.c", [](const Scope& s) { return of(s.t->c); }};
    default:
      if (u) return {"u.id", [](const Scope& s) { return s.u ? Value(s.u_id) : Value(); }};
      return {"t.id", [](const Scope& s) { return Value(s.id); }};
  }
}

RandomSql::Expr RandomSql::int_expr(From from, int depth) {
  if (depth <= 0 || random_.chance(0.3)) return int_leaf(from);
  const uint64_t dice = random_.below(9);
  if (dice == 0 && from == From::kT) return subquery_value();
  if (dice == 1 && from != From::kU) {
    Expr text = text_expr(from, depth - 1);
    return {"length(" + text.text + ")", [e = text.value](const Scope& s) {
              const Value v = e(s);
              return is_null(v) ? v : Value(static_cast<int64_t>(std::get<std::string>(v).size()));
            }};
  }
  Expr x = int_expr(from, depth - 1);
  if (dice == 2)
    return {"abs(" + x.text + ")", [e = x.value](const Scope& s) {
              const Value v = e(s);
              return is_null(v) ? v : Value(std::abs(std::get<int64_t>(v)));
            }};
  Expr y = int_expr(from, depth - 1);
  if (dice == 3)
    return {"coalesce(" + x.text + ", " + y.text + ")", [x = x.value, y = y.value](const Scope& s) {
              const Value v = x(s);
              return is_null(v) ? y(s) : v;
            }};
  if (dice == 4)
    return {"nullif(" + x.text + ", " + y.text + ")", [x = x.value, y = y.value](const Scope& s) {
              const Value v = x(s);
              return v == y(s) ? Value() : v;
            }};
  if (dice == 5) {
    Expr p = bool_expr(from, depth - 1);
    return {"CASE WHEN " + p.text + " THEN " + x.text + " ELSE " + y.text + " END",
            [p = p.value, x = x.value, y = y.value](const Scope& s) {
              return is_true(p(s)) ? x(s) : y(s);
            }};
  }
  // Kept small, so that nothing overflows.
  const char op = "+-*"[random_.below(3)];
  return {fmt::format("(({} {} {}) % 100)", x.text, op, y.text),
          [op, x = x.value, y = y.value](const Scope& s) {
            const Value a = x(s), b = y(s);
            if (is_null(a) || is_null(b)) return Value();
            const int64_t l = std::get<int64_t>(a), r = std::get<int64_t>(b);
            return Value((op == '+' ? l + r : op == '-' ? l - r : l * r) % 100);
          }};
}

RandomSql::Expr RandomSql::text_expr(From from, int depth) {
  const uint64_t dice = random_.below(depth > 0 ? 6 : 3);
  if (dice == 0 || from == From::kU) {
    const std::string w = word();
    return {"'" + w + "'::text", [w](const Scope&) { return Value(w); }};
  }
  if (dice <= 2) return {"t.b", [](const Scope& s) { return of(s.t->b); }};
  Expr x = text_expr(from, depth - 1);
  if (dice == 3)
    return {"substr(" + x.text + ", 2)", [e = x.value](const Scope& s) {
              const Value v = e(s);
              if (is_null(v)) return v;
              const std::string& all = std::get<std::string>(v);
              return Value(all.empty() ? all : all.substr(1));
            }};
  Expr y = text_expr(from, depth - 1);
  if (dice == 4)
    return {"coalesce(" + x.text + ", " + y.text + ")", [x = x.value, y = y.value](const Scope& s) {
              const Value v = x(s);
              return is_null(v) ? y(s) : v;
            }};
  return {"(" + x.text + " || " + y.text + ")", [x = x.value, y = y.value](const Scope& s) {
            const Value a = x(s), b = y(s);
            if (is_null(a) || is_null(b)) return Value();
            return Value(std::get<std::string>(a) + std::get<std::string>(b));
          }};
}

RandomSql::Expr RandomSql::comparison(From from, int depth) {
  static constexpr const char* kOps[] = {"<", "<=", "=", "<>", ">", ">="};
  const bool text = from != From::kU && random_.chance(0.3);
  Expr x = text ? text_expr(from, depth - 1) : int_expr(from, depth - 1);
  Expr y = text ? text_expr(from, depth - 1) : int_expr(from, depth - 1);
  if (random_.chance(0.1)) {
    const bool is_not = random_.chance(0.5);
    return {fmt::format("({} IS {}DISTINCT FROM {})", x.text, is_not ? "NOT " : "", y.text),
            [is_not, x = x.value, y = y.value](const Scope& s) {
              return Value((x(s) == y(s)) == is_not);
            }};
  }
  const uint64_t op = random_.below(std::size(kOps));
  return {fmt::format("({} {} {})", x.text, kOps[op], y.text),
          [op, x = x.value, y = y.value](const Scope& s) {
            const Value a = x(s), b = y(s);
            if (is_null(a) || is_null(b)) return Value();
            const bool results[] = {a < b, a <= b, a == b, a != b, a > b, a >= b};
            return Value(results[op]);
          }};
}

// IN a list, which may hold NULL, BETWEEN, LIKE a beginning.
RandomSql::Expr RandomSql::membership(From from, int depth) {
  const uint64_t dice = random_.below(from == From::kU ? 2 : 3);
  if (dice == 2) {
    Expr x = text_expr(from, depth - 1);
    const std::string w = word();
    return {fmt::format("({} LIKE '{}%')", x.text, w), [w, x = x.value](const Scope& s) {
              const Value v = x(s);
              return is_null(v) ? v : Value(std::get<std::string>(v).starts_with(w));
            }};
  }
  Expr x = int_expr(from, depth - 1);
  if (dice == 1) {
    const int64_t low = number(), high = low + random_.between(-2, 12);
    return {fmt::format("({} BETWEEN {} AND {})", x.text, low, high),
            [low, high, x = x.value](const Scope& s) {
              const Value v = x(s);
              if (is_null(v)) return v;
              return Value(std::get<int64_t>(v) >= low && std::get<int64_t>(v) <= high);
            }};
  }
  const bool negated = random_.chance(0.3), has_null = random_.chance(0.15);
  std::vector<int64_t> list;
  std::string text = fmt::format("({} {}IN (", x.text, negated ? "NOT " : "");
  for (size_t n = 1 + random_.below(4); n > 0; --n) {
    list.push_back(number());
    text += fmt::format("{}{}", list.back(), n > 1 ? ", " : has_null ? ", NULL" : "");
  }
  return {text + "))", [negated, has_null, list, x = x.value](const Scope& s) {
            const Value v = x(s);
            if (is_null(v)) return v;
            const bool in = std::count(list.begin(), list.end(), std::get<int64_t>(v)) > 0;
            if (!in && has_null) return Value();
            return Value(in != negated);
          }};
}

RandomSql::Expr RandomSql::bool_expr(From from, int depth) {
  const uint64_t dice = random_.below(10);
  if (dice == 0 && from != From::kU) return {"t.d", [](const Scope& s) { return of(s.t->d); }};
  if (dice == 1) {
    Expr x =
        from != From::kU && random_.chance(0.5) ? text_expr(from, 0) : int_expr(from, depth - 1);
    const bool is_not = random_.chance(0.5);
    return {fmt::format("({} IS {}NULL)", x.text, is_not ? "NOT " : ""),
            [is_not, x = x.value](const Scope& s) { return Value(is_null(x(s)) != is_not); }};
  }
  if (dice == 2 && from == From::kT && depth > 0) return subquery_test(depth);
  if (dice <= 4) return membership(from, depth);
  if (dice <= 6 || depth <= 0) return comparison(from, depth);
  Expr x = bool_expr(from, depth - 1);
  if (dice == 7)
    return {"(NOT " + x.text + ")", [x = x.value](const Scope& s) {
              const Value v = x(s);
              return is_null(v) ? v : Value(!std::get<bool>(v));
            }};
  Expr y = bool_expr(from, depth - 1);
  const bool both = dice == 8;  // else one of them
  return {fmt::format("({} {} {})", x.text, both ? "AND" : "OR", y.text),
          [both, x = x.value, y = y.value](const Scope& s) {
            const Value a = x(s), b = y(s);
            if (a == Value(!both) || b == Value(!both)) return Value(!both);
            return is_null(a) || is_null(b) ? Value() : Value(both);
          }};
}

// EXISTS of rows of u that belong to this one, or IN their values.
RandomSql::Expr RandomSql::subquery_test(int depth) {
  Expr p = bool_expr(From::kU, depth - 1);
  const bool negated = random_.chance(0.3);
  if (random_.chance(0.5))
    return {fmt::format("({}EXISTS (SELECT 1 FROM u WHERE u.lane = {} AND u.t = t.id AND {}))",
                        negated ? "NOT " : "", lane_, p.text),
            [negated, p = p.value](const Scope& s) {
              Scope inner = s;
              for (const auto& [id, u] : s.lane->u) {
                inner.u_id = id;
                inner.u = &u;
                if (u.t == s.id && is_true(p(inner))) return Value(!negated);
              }
              return Value(negated);
            }};
  Expr x = int_expr(From::kT, 0);
  return {fmt::format("({} {}IN (SELECT u.v FROM u WHERE u.lane = {} AND {}))", x.text,
                      negated ? "NOT " : "", lane_, p.text),
          [negated, x = x.value, p = p.value](const Scope& s) {
            const Value v = x(s);
            bool any = false, has_null = false;
            Scope inner = s;
            for (const auto& [id, u] : s.lane->u) {
              inner.u_id = id;
              inner.u = &u;
              if (!is_true(p(inner))) continue;
              any = true;
              if (!u.v) has_null = true;
              if (!is_null(v) && of(u.v) == v) return Value(!negated);
            }
            if (any && (is_null(v) || has_null)) return Value();
            return Value(negated);
          }};
}

RandomSql::Expr RandomSql::subquery_value() {
  const bool count = random_.chance(0.5);
  return {fmt::format("(SELECT {} FROM u WHERE u.lane = {} AND u.t = t.id)",
                      count ? "count(*)" : "max(u.v)", lane_),
          [count](const Scope& s) {
            int64_t n = 0;
            std::optional<int64_t> most;
            for (const auto& [id, u] : s.lane->u) {
              if (u.t != s.id) continue;
              ++n;
              if (u.v) most = std::max(most.value_or(*u.v), *u.v);
            }
            return count ? Value(n) : of(most);
          }};
}

RandomSql::Expr RandomSql::any_expr(From from, int depth) {
  const uint64_t dice = random_.below(6);
  if (dice == 0) return bool_expr(from, depth);
  if (dice == 1) return text_expr(from, depth);
  return int_expr(from, depth);
}

std::string RandomSql::where(From from, const Expr& predicate) const {
  return fmt::format(" WHERE {}.lane = {} AND {}", from == From::kU ? "u" : "t", lane_,
                     predicate.text);
}

template <class Take>
size_t RandomSql::for_chosen(const Lane& lane, From from, const Expr& predicate, Take take) {
  size_t n = 0;
  const auto look = [&](const Scope& s) {
    if (!is_true(predicate.value(s))) return;
    ++n;
    take(s);
  };
  if (from == From::kU) {
    for (const auto& [id, u] : lane.u) look({&lane, 0, nullptr, id, &u});
  } else {
    for (const auto& [id, t] : lane.t) look({&lane, id, &t, 0, nullptr});
  }
  return n;
}

RandomStatement RandomSql::draw(const Lane& before, bool may_fail) {
  if (before.t.size() < 3 || random_.chance(0.05)) return insert_t(before, may_fail);
  const uint64_t dice = random_.below(20);
  if (dice < 3) return insert_t(before, may_fail);
  if (dice < 5) return insert_u(before);
  if (dice < 8) return update(before);
  if (dice < 9) return remove(before);
  if (dice < 13) return select_rows(before);
  if (dice < 16) return select_joined(before);
  if (dice < 18) return select_groups(before);
  return select_distinct(before);
}

RandomStatement RandomSql::insert_t(const Lane& before, bool may_fail) {
  RandomStatement out;
  out.after = before;
  out.text = "INSERT INTO t VALUES ";
  const uint64_t dice = random_.below(4);
  enum {
    kFail,
    kNothing,
    kUpdate
  } on_conflict = dice == 0   ? kNothing
                  : dice == 1 ? kUpdate
                              : kFail;
  size_t inserted = 0;
  std::vector<int64_t> here;
  for (size_t n = 1 + random_.below(kRowsOfInsert); n > 0; --n) {
    int64_t id = static_cast<int64_t>(random_.below(kIds));
    // Twice in one statement is an error of its own; one that is there fails, where it may.
    const auto taken = [&](int64_t i) {
      return std::count(here.begin(), here.end(), i) > 0 ||
             (on_conflict == kFail && !may_fail && before.t.contains(i));
    };
    for (int64_t tries = 0; taken(id) && tries < kIds; ++tries) id = (id + 1) % kIds;
    if (taken(id)) id = kIds + static_cast<int64_t>(before.t.size() + here.size());
    while (taken(id)) ++id;
    here.push_back(id);
    ModelT row;
    if (random_.chance(0.8)) row.a = number();
    if (random_.chance(0.8)) row.b = word();
    if (random_.chance(0.8)) row.c = number();
    if (random_.chance(0.8)) row.d = random_.chance(0.5);
    out.text += fmt::format("{}({}, {}, {}, {}, {}, {})", here.size() > 1 ? ", " : "", lane_, id,
                            literal(row.a), literal(row.b), literal(row.c), literal(row.d));
    const auto old = out.after.t.find(id);
    if (old == out.after.t.end()) {
      out.after.t.emplace(id, std::move(row));
      ++inserted;
    } else if (on_conflict == kUpdate) {
      old->second.a = row.a && old->second.c
                          ? std::optional<int64_t>((*row.a + *old->second.c) % 100)
                          : std::nullopt;
      old->second.b = row.b;
      ++inserted;
    } else if (on_conflict == kFail) {
      out.sqlstate = "23505";
    }
  }
  if (on_conflict == kNothing) out.text += " ON CONFLICT DO NOTHING";
  if (on_conflict == kUpdate)
    out.text +=
        " ON CONFLICT (lane, id) DO UPDATE SET a = (excluded.a + t.c) % 100, b = excluded.b";
  if (!out.sqlstate.empty()) out.after = before;
  out.tag = fmt::format("INSERT 0 {}", inserted);
  return out;
}

RandomStatement RandomSql::insert_u(const Lane& before) {
  RandomStatement out;
  out.after = before;
  // Rows of u made from those of t, or one by itself.
  if (random_.chance(0.3)) {
    const Expr p = bool_expr(From::kT, 1), v = int_expr(From::kT, 1);
    int64_t next = 0;
    if (!before.u.empty()) next = before.u.rbegin()->first + 1;
    out.text = fmt::format("INSERT INTO u SELECT {}, t.id + {}, t.id, {} FROM t{} AND t.id < {}",
                           lane_, next, v.text, where(From::kT, p), kIds / 2);
    size_t n = 0;
    for_chosen(before, From::kT, p, [&](const Scope& s) {
      if (s.id >= kIds / 2) return;
      const Value made = v.value(s);
      ModelU row{s.id, is_null(made) ? std::nullopt : std::optional(std::get<int64_t>(made))};
      out.after.u.emplace(next + s.id, row);
      ++n;
    });
    out.tag = fmt::format("INSERT 0 {}", n);
    return out;
  }
  int64_t id = static_cast<int64_t>(random_.below(kIds));
  while (before.u.contains(id)) ++id;
  ModelU row;
  if (random_.chance(0.85)) row.t = static_cast<int64_t>(random_.below(kIds));
  if (random_.chance(0.8)) row.v = number();
  out.text = fmt::format("INSERT INTO u VALUES ({}, {}, {}, {}) RETURNING id, v", lane_, id,
                         literal(row.t), literal(row.v));
  out.after.u.emplace(id, row);
  out.rows = {{std::to_string(id), print(of(row.v))}};
  out.tag = "INSERT 0 1";
  return out;
}

RandomStatement RandomSql::update(const Lane& before) {
  RandomStatement out;
  out.after = before;
  if (random_.chance(0.3)) {
    const Expr p = bool_expr(From::kU, 2), v = int_expr(From::kU, 2);
    out.text = fmt::format("UPDATE u SET v = {}{}", v.text, where(From::kU, p));
    const size_t n = for_chosen(before, From::kU, p, [&](const Scope& s) {
      const Value made = v.value(s);
      out.after.u[s.u_id].v = is_null(made) ? std::nullopt : std::optional(std::get<int64_t>(made));
    });
    out.tag = fmt::format("UPDATE {}", n);
    return out;
  }
  const Expr p = bool_expr(From::kT, 2), a = int_expr(From::kT, 2), d = bool_expr(From::kT, 1);
  const bool sets_d = random_.chance(0.4), returns = random_.chance(0.4);
  out.text = fmt::format("UPDATE t SET a = {}{}{}{}", a.text, sets_d ? ", d = " + d.text : "",
                         where(From::kT, p), returns ? " RETURNING id, a, d" : "");
  const size_t n = for_chosen(before, From::kT, p, [&](const Scope& s) {
    const Value made = a.value(s);
    ModelT& row = out.after.t[s.id];
    row.a = is_null(made) ? std::nullopt : std::optional(std::get<int64_t>(made));
    if (sets_d) {
      const Value flag = d.value(s);
      row.d = is_null(flag) ? std::nullopt : std::optional(std::get<bool>(flag));
    }
    if (returns) out.rows.push_back({std::to_string(s.id), print(of(row.a)), print(of(row.d))});
  });
  out.tag = fmt::format("UPDATE {}", n);
  return out;
}

RandomStatement RandomSql::remove(const Lane& before) {
  RandomStatement out;
  out.after = before;
  const bool from_u = random_.chance(0.5), returns = random_.chance(0.3);
  const From from = from_u ? From::kU : From::kT;
  const Expr p = bool_expr(from, 2);
  out.text = fmt::format("DELETE FROM {}{}{}", from_u ? "u" : "t", where(from, p),
                         returns ? " RETURNING id" : "");
  const size_t n = for_chosen(before, from, p, [&](const Scope& s) {
    const int64_t id = from_u ? s.u_id : s.id;
    if (from_u)
      out.after.u.erase(id);
    else
      out.after.t.erase(id);
    if (returns) out.rows.push_back({std::to_string(id)});
  });
  out.tag = fmt::format("DELETE {}", n);
  return out;
}

RandomStatement RandomSql::select_rows(const Lane& before) {
  RandomStatement out;
  out.after = before;
  out.reads = out.ordered = true;
  const Expr p = bool_expr(From::kT, 3), x = any_expr(From::kT, 2);
  Expr order = any_expr(From::kT, 1);
  // A number alone would mean a column.
  while (order.text.find_first_not_of("-0123456789") == std::string::npos)
    order = any_expr(From::kT, 1);
  const bool down = random_.chance(0.5), locks = random_.chance(0.1);
  const uint64_t nulls = random_.below(3);  // as is usual, first, last
  const bool nulls_first = nulls == 0 ? down : nulls == 1;
  out.text = fmt::format("SELECT t.id, {}, t.b FROM t{} ORDER BY ({}) {}{}, t.id", x.text,
                         where(From::kT, p), order.text, down ? "DESC" : "ASC",
                         nulls == 0   ? ""
                         : nulls == 1 ? " NULLS FIRST"
                                      : " NULLS LAST");
  struct Line {
    Value key;
    int64_t id;
    ResultRow row;
  };
  std::vector<Line> lines;
  for_chosen(before, From::kT, p, [&](const Scope& s) {
    lines.push_back(
        {order.value(s), s.id, {std::to_string(s.id), print(x.value(s)), print(of(s.t->b))}});
  });
  std::sort(lines.begin(), lines.end(), [&](const Line& l, const Line& r) {
    if (is_null(l.key) != is_null(r.key)) return is_null(l.key) == nulls_first;
    if (l.key != r.key) return down ? l.key > r.key : l.key < r.key;
    return l.id < r.id;
  });
  size_t from = 0, to = lines.size();
  if (random_.chance(0.4)) {
    const size_t limit = random_.below(6), offset = random_.chance(0.5) ? random_.below(5) : 0;
    out.text += fmt::format(" LIMIT {}", limit);
    if (offset > 0) out.text += fmt::format(" OFFSET {}", offset);
    from = std::min(offset, lines.size());
    to = std::min(from + limit, lines.size());
  }
  if (locks) out.text += " FOR UPDATE";
  for (size_t i = from; i < to; ++i) out.rows.push_back(lines[i].row);
  out.tag = fmt::format("SELECT {}", out.rows.size());
  return out;
}

RandomStatement RandomSql::select_joined(const Lane& before) {
  RandomStatement out;
  out.after = before;
  out.reads = true;
  const bool outer = random_.chance(0.5);
  const Expr on = random_.chance(0.5) ? Expr{"true", [](const Scope&) { return Value(true); }}
                                      : bool_expr(From::kBoth, 1);
  const Expr p = bool_expr(From::kBoth, 2), x = any_expr(From::kBoth, 2);
  out.text =
      fmt::format("SELECT t.id, u.id, {} FROM t {}JOIN u ON u.lane = {} AND u.t = t.id AND {}{}",
                  x.text, outer ? "LEFT " : "", lane_, on.text, where(From::kT, p));
  const auto add = [&](const Scope& s) {
    if (!is_true(p.value(s))) return;
    out.rows.push_back({std::to_string(s.id),
                        s.u ? std::optional(std::to_string(s.u_id)) : std::nullopt,
                        print(x.value(s))});
  };
  for (const auto& [id, t] : before.t) {
    bool met = false;
    for (const auto& [u_id, u] : before.u) {
      const Scope s{&before, id, &t, u_id, &u};
      if (u.t != id || !is_true(on.value(s))) continue;
      met = true;
      add(s);
    }
    if (!met && outer) add({&before, id, &t, 0, nullptr});
  }
  out.tag = fmt::format("SELECT {}", out.rows.size());
  return out;
}

RandomStatement RandomSql::select_groups(const Lane& before) {
  RandomStatement out;
  out.after = before;
  out.reads = true;
  const bool grouped = random_.chance(0.7);
  const Expr p = bool_expr(From::kT, 2), x = int_expr(From::kT, 1), key = any_expr(From::kT, 1);
  const int64_t at_least = random_.between(0, 2);
  const bool having = random_.chance(0.3);
  struct Group {
    int64_t rows = 0, sum = 0;
    std::vector<int64_t> values;
  };
  std::map<Value, Group> groups;
  if (!grouped) groups[Value()];
  for_chosen(before, From::kT, p, [&](const Scope& s) {
    Group& group = groups[grouped ? key.value(s) : Value()];
    ++group.rows;
    const Value v = x.value(s);
    if (is_null(v)) return;
    group.values.push_back(std::get<int64_t>(v));
    group.sum += group.values.back();
  });
  const std::string columns =
      "count(*), count(s.x), sum(s.x), min(s.x), max(s.x), count(DISTINCT s.x)";
  out.text = fmt::format("SELECT {}{} FROM (SELECT {} AS k, {} AS x FROM t{}) s{}{}",
                         grouped ? "s.k, " : "", columns, key.text, x.text, where(From::kT, p),
                         grouped ? " GROUP BY s.k" : "",
                         having ? fmt::format(" HAVING count(*) > {}", at_least) : "");
  for (auto& [k, group] : groups) {
    if (having && group.rows <= at_least) continue;
    std::vector<int64_t>& values = group.values;
    std::sort(values.begin(), values.end());
    ResultRow row;
    if (grouped) row.push_back(print(k));
    const auto some = [&](int64_t v) {
      return values.empty() ? std::nullopt : std::optional(std::to_string(v));
    };
    row.push_back(std::to_string(group.rows));
    row.push_back(std::to_string(values.size()));
    row.push_back(some(group.sum));
    row.push_back(some(values.empty() ? 0 : values.front()));
    row.push_back(some(values.empty() ? 0 : values.back()));
    const auto last = std::unique(values.begin(), values.end());
    row.push_back(std::to_string(last - values.begin()));
    out.rows.push_back(std::move(row));
  }
  out.tag = fmt::format("SELECT {}", out.rows.size());
  return out;
}

RandomStatement RandomSql::select_distinct(const Lane& before) {
  RandomStatement out;
  out.after = before;
  out.reads = true;
  const Expr p = bool_expr(From::kT, 2), x = any_expr(From::kT, 2);
  std::map<Value, size_t> seen;
  for_chosen(before, From::kT, p, [&](const Scope& s) { ++seen[x.value(s)]; });
  out.text = fmt::format("SELECT DISTINCT {} FROM t{}", x.text, where(From::kT, p));
  for (const auto& [v, n] : seen) out.rows.push_back({print(v)});
  out.tag = fmt::format("SELECT {}", out.rows.size());
  return out;
}

}  // namespace quorate::sim

// Which function or operator a call means: chapter 10 of PostgreSQL's manual.
#include <algorithm>
#include <optional>

#include "fmt/format.h"
#include "sql/functions/registry.h"
#include "sql/functions/registry_index.h"

namespace quorate::sql {
namespace {

using Types = std::vector<Oid>;

// One row that might be meant, with its parameters laid out for the call's number of arguments.
struct Candidate {
  const void* row = nullptr;
  Types params;
  int variadic_from = -1;
};

bool accepts(Oid param, Oid given) {
  if (param == given || param == oid::kAny || given == oid::kUnknown) return true;
  const TypeInfo* t = find_type(given);
  switch (param) {
    case oid::kAnyElement:
    case oid::kAnyCompatible:
      return true;
    case oid::kAnyArray:
    case oid::kAnyCompatibleArray:
      return t != nullptr && t->is_array();
    case oid::kAnyNonArray:
    case oid::kAnyCompatibleNonArray:
      return t != nullptr && !t->is_array();
    case oid::kRecord:
      return false;
    default:
      return can_cast(given, param, CastContext::kImplicit);
  }
}

bool implicit(Oid from, Oid to) { return from == to || can_cast(from, to, CastContext::kImplicit); }

// --- polymorphic parameters ---

struct Polymorphic {
  Oid element = 0;     // what anyelement and anyarray's elements are
  Oid compatible = 0;  // what anycompatible is
};

bool note(Oid* slot, Oid type) {
  if (*slot == 0) *slot = type;
  return *slot == type;
}

// nullopt where the arguments contradict each other. Zero members: not determined.
std::optional<Polymorphic> bind_polymorphic(std::span<const Oid> params,
                                            std::span<const Oid> given) {
  Polymorphic p;
  Types compatible;
  for (size_t i = 0; i < params.size(); ++i) {
    if (given[i] == oid::kUnknown) continue;
    const TypeInfo* t = find_type(given[i]);
    Oid element = t != nullptr && t->is_array() ? t->element : 0;
    switch (params[i]) {
      case oid::kAnyArray:
        if (element == 0 || !note(&p.element, element)) return std::nullopt;
        break;
      case oid::kAnyNonArray:
      case oid::kAnyElement:
        if (params[i] == oid::kAnyNonArray && element != 0) return std::nullopt;
        if (!note(&p.element, given[i])) return std::nullopt;
        break;
      case oid::kAnyCompatibleArray:
        if (element == 0) return std::nullopt;
        compatible.push_back(element);
        break;
      case oid::kAnyCompatible:
      case oid::kAnyCompatibleNonArray:
        compatible.push_back(given[i]);
        break;
      default:
        break;
    }
  }
  if (!compatible.empty()) {
    Result<Oid> common = common_type("", compatible);
    if (!common.ok()) return std::nullopt;
    p.compatible = *common;
    for (Oid t : compatible) {
      if (!implicit(t, p.compatible)) return std::nullopt;
    }
  }
  return p;
}

Oid replace(Oid param, const Polymorphic& p) {
  switch (param) {
    case oid::kAnyElement:
    case oid::kAnyNonArray:
      return p.element;
    case oid::kAnyArray:
      return array_type(p.element);
    case oid::kAnyCompatible:
    case oid::kAnyCompatibleNonArray:
      return p.compatible;
    case oid::kAnyCompatibleArray:
      return array_type(p.compatible);
    default:
      return param;
  }
}

// The types that the arguments take, and the result's.
Status settle(std::span<const Oid> params, std::span<const Oid> given, Oid declared_result,
              Types* args, Oid* result) {
  std::optional<Polymorphic> p = bind_polymorphic(params, given);
  CHECK(p.has_value());  // only candidates that bind are chosen
  // anycompatible among literals only is text; anyelement must know.
  for (size_t i = 0; i < params.size(); ++i) {
    if (p->compatible == 0 &&
        (params[i] == oid::kAnyCompatible || params[i] == oid::kAnyCompatibleArray ||
         params[i] == oid::kAnyCompatibleNonArray)) {
      p->compatible = oid::kText;
    }
  }
  args->clear();
  for (size_t i = 0; i < params.size(); ++i) {
    Oid t = params[i];
    if (is_polymorphic(t)) {
      t = replace(t, *p);
      if (t == 0) {
        return invalid_argument(
            "could not determine polymorphic type because input has type unknown",
            sqlstate::kDatatypeMismatch);
      }
    } else if (t == oid::kAny) {
      // "any" takes what comes; a literal stays unknown, as in PostgreSQL.
      t = given[i];
    }
    args->push_back(t);
  }
  *result = is_polymorphic(declared_result) ? replace(declared_result, *p) : declared_result;
  return {};
}

// --- choosing ---

char category(Oid type) {
  if (type == oid::kUnknown) return 'X';
  const TypeInfo* t = find_type(type);
  return t == nullptr ? 'U' : t->category;
}

bool is_preferred(char of_category, Oid type) {
  const TypeInfo* t = find_type(type);
  return t != nullptr && t->preferred && t->category == of_category;
}

// Keeps the candidates with the highest score.
template <class Score>
void keep_best(std::vector<Candidate>* list, Score score) {
  int best = 0;
  std::vector<Candidate> kept;
  for (Candidate& c : *list) {
    int s = score(c);
    if (s > best) {
      best = s;
      kept.clear();
    }
    if (s == best) kept.push_back(std::move(c));
  }
  *list = std::move(kept);
}

// Steps 4.e of the manual: literals without a type take the category that the candidates agree on.
void keep_by_unknown_category(std::vector<Candidate>* list, std::span<const Oid> given) {
  struct Slot {
    char category = 0;
    bool preferred = false;
  };
  std::vector<Slot> slots(given.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] != oid::kUnknown) continue;
    bool conflict = false;
    for (const Candidate& c : *list) {
      const TypeInfo* t = find_type(c.params[i]);
      char k = t == nullptr ? 'U' : t->category;
      bool preferred = t != nullptr && t->preferred;
      if (slots[i].category == 0) {
        slots[i] = {k, preferred};
      } else if (slots[i].category == k) {
        slots[i].preferred |= preferred;
      } else if (k == 'S') {
        slots[i] = {k, preferred};
      } else {
        conflict = true;
      }
    }
    if (conflict && slots[i].category != 'S') return;
  }
  std::vector<Candidate> kept;
  for (const Candidate& c : *list) {
    bool fits = true;
    for (size_t i = 0; i < given.size() && fits; ++i) {
      if (given[i] != oid::kUnknown) continue;
      const TypeInfo* t = find_type(c.params[i]);
      fits =
          t != nullptr && t->category == slots[i].category && (!slots[i].preferred || t->preferred);
    }
    if (fits) kept.push_back(c);
  }
  if (!kept.empty()) *list = std::move(kept);
}

// Leaves one candidate, or several when none is best.
void choose(std::vector<Candidate>* list, std::span<const Oid> given) {
  if (list->size() < 2) return;
  keep_best(list, [&](const Candidate& c) {
    int n = 0;
    for (size_t i = 0; i < given.size(); ++i)
      n += given[i] != oid::kUnknown && c.params[i] == given[i];
    return n;
  });
  if (list->size() < 2) return;
  keep_best(list, [&](const Candidate& c) {
    int n = 0;
    for (size_t i = 0; i < given.size(); ++i) {
      if (given[i] == oid::kUnknown) continue;
      n += c.params[i] == given[i] || is_preferred(category(given[i]), c.params[i]);
    }
    return n;
  });
  if (list->size() < 2) return;
  bool unknown = std::find(given.begin(), given.end(), oid::kUnknown) != given.end();
  if (!unknown) return;
  keep_by_unknown_category(list, given);
  if (list->size() < 2) return;
  // The last resort: literals are of the one type that all other arguments have.
  Oid known = 0;
  for (Oid t : given) {
    if (t == oid::kUnknown) continue;
    if (known != 0 && known != t) return;
    known = t;
  }
  if (known == 0) return;
  std::vector<Candidate> kept;
  for (const Candidate& c : *list) {
    bool fits = true;
    for (size_t i = 0; i < given.size(); ++i) fits = fits && accepts(c.params[i], known);
    const Types assumed(given.size(), known);
    if (fits && bind_polymorphic(c.params, assumed).has_value()) kept.push_back(c);
  }
  if (kept.size() == 1) *list = std::move(kept);
}

std::vector<Candidate> applicable(const std::vector<Candidate>& list, std::span<const Oid> given) {
  std::vector<Candidate> out;
  for (const Candidate& c : list) {
    bool fits = true;
    for (size_t i = 0; i < given.size() && fits; ++i) fits = accepts(c.params[i], given[i]);
    if (fits && bind_polymorphic(c.params, given).has_value()) out.push_back(c);
  }
  return out;
}

const Candidate* exact(const std::vector<Candidate>& list, std::span<const Oid> given) {
  for (const Candidate& c : list) {
    if (std::equal(c.params.begin(), c.params.end(), given.begin(), given.end())) return &c;
  }
  return nullptr;
}

// --- functions ---

// How a function's parameters stand against `count` arguments, if they can.
std::optional<Candidate> lay_out(const FunctionInfo& f, size_t count, bool variadic_call) {
  Candidate c;
  c.row = &f;
  size_t declared = f.args.size();
  if (f.variadic != 0 && !variadic_call) {
    if (count < declared) return std::nullopt;
    c.params.assign(f.args.begin(), f.args.end() - 1);
    c.params.resize(count, f.variadic);
    // VARIADIC "any" sees the arguments as they are; others get an array.
    if (f.variadic != oid::kAny) c.variadic_from = static_cast<int>(declared) - 1;
    return c;
  }
  if (variadic_call && (f.variadic == 0 || count != declared)) return std::nullopt;
  if (count > declared || count + f.defaults < declared) return std::nullopt;
  c.params.assign(f.args.begin(), f.args.begin() + count);
  return c;
}

std::string signature(std::string_view name, std::span<const Oid> args) {
  std::string out = std::string(name) + "(";
  for (size_t i = 0; i < args.size(); ++i) out += (i > 0 ? ", " : "") + format_type(args[i]);
  return out + ")";
}

Status no_function(std::string_view name, std::span<const Oid> args) {
  return not_found(fmt::format("function {} does not exist", signature(name, args)),
                   sqlstate::kUndefinedFunction)
      .with_hint(
          "No function matches the given name and argument types. You might need to add explicit "
          "type casts.");
}

Status ambiguous_function(std::string_view name, std::span<const Oid> args) {
  return invalid_argument(fmt::format("function {} is not unique", signature(name, args)),
                          sqlstate::kAmbiguousFunction)
      .with_hint(
          "Could not choose a best candidate function. You might need to add explicit type casts.");
}

// f(x) with f a type: only where no function would do, and only casts that keep or read the value.
std::optional<Oid> cast_by_name(std::string_view name, Oid given) {
  const TypeInfo* t = find_type_by_name(name);
  if (t == nullptr || t->is_pseudo() || t->name != name) return std::nullopt;
  if (given == oid::kUnknown) return t->oid;
  std::optional<CastPath> path = find_cast(given, t->oid, CastContext::kExplicit);
  if (!path) return std::nullopt;
  return t->oid;
}

// --- operators ---

Status no_operator(std::string_view name, Oid left, Oid right) {
  bool prefix = left == oid::kInvalid;
  std::string text = prefix ? fmt::format("{} {}", name, format_type(right))
                            : fmt::format("{} {} {}", format_type(left), name, format_type(right));
  return not_found("operator does not exist: " + text, sqlstate::kUndefinedFunction)
      .with_hint(prefix ? "No operator matches the given name and argument type. You might need to "
                          "add an explicit type cast."
                        : "No operator matches the given name and argument types. You might need "
                          "to add explicit type casts.");
}

Status ambiguous_operator(std::string_view name, Oid left, Oid right) {
  std::string text = left == oid::kInvalid
                         ? fmt::format("{} {}", name, format_type(right))
                         : fmt::format("{} {} {}", format_type(left), name, format_type(right));
  return invalid_argument("operator is not unique: " + text, sqlstate::kAmbiguousFunction)
      .with_hint(
          "Could not choose a best candidate operator. You might need to add explicit type casts.");
}

}  // namespace

Result<ResolvedFunction> resolve_function(std::string_view name, std::span<const Oid> args,
                                          bool variadic_call) {
  std::vector<Candidate> list;
  auto it = registry_index().functions_by_name.find(name);
  if (it != registry_index().functions_by_name.end()) {
    for (const FunctionInfo* f : it->second) {
      if (std::optional<Candidate> c = lay_out(*f, args.size(), variadic_call))
        list.push_back(std::move(*c));
    }
  }
  std::vector<Candidate> chosen;
  if (const Candidate* c = exact(list, args)) {
    chosen = {*c};
  } else {
    chosen = applicable(list, args);
    if (chosen.empty() && args.size() == 1 && !variadic_call) {
      if (std::optional<Oid> target = cast_by_name(name, args[0])) {
        ResolvedFunction r;
        r.args = {args[0]};
        r.result = *target;
        r.is_cast = true;
        return r;
      }
    }
    choose(&chosen, args);
  }
  if (chosen.empty()) return no_function(name, args);
  // Of equal signatures the one that is not variadic wins.
  if (chosen.size() > 1)
    std::erase_if(chosen, [](const Candidate& c) { return c.variadic_from >= 0; });
  if (chosen.size() != 1) return ambiguous_function(name, args);
  ResolvedFunction r;
  r.function = static_cast<const FunctionInfo*>(chosen[0].row);
  r.variadic_from = chosen[0].variadic_from;
  RETURN_IF_ERROR(settle(chosen[0].params, args, r.function->result, &r.args, &r.result));
  return r;
}

Result<ResolvedOperator> resolve_operator(std::string_view name, Oid left, Oid right) {
  bool prefix = left == oid::kInvalid;
  const Types given = prefix ? Types{right} : Types{left, right};
  std::vector<Candidate> list;
  auto it = registry_index().operators_by_name.find(name);
  if (it != registry_index().operators_by_name.end()) {
    for (const OperatorInfo* o : it->second) {
      if ((o->left == oid::kInvalid) != prefix) continue;
      Candidate c;
      c.row = o;
      c.params = prefix ? Types{o->right} : Types{o->left, o->right};
      list.push_back(std::move(c));
    }
  }
  // A literal beside a typed operand is first tried as that operand's type.
  Types assumed = given;
  if (!prefix && left == oid::kUnknown && right != oid::kUnknown) assumed[0] = right;
  if (!prefix && right == oid::kUnknown && left != oid::kUnknown) assumed[1] = left;
  std::vector<Candidate> chosen;
  if (const Candidate* c = exact(list, assumed)) {
    chosen = {*c};
  } else {
    chosen = applicable(list, given);
    choose(&chosen, given);
  }
  if (chosen.empty()) return no_operator(name, left, right);
  if (chosen.size() != 1) return ambiguous_operator(name, left, right);
  ResolvedOperator r;
  r.op = static_cast<const OperatorInfo*>(chosen[0].row);
  r.function = find_function(r.op->function);
  CHECK(r.function != nullptr);
  Types types;
  RETURN_IF_ERROR(settle(chosen[0].params, given, r.op->result, &types, &r.result));
  if (!prefix) r.left = types.front();
  r.right = types.back();
  return r;
}

Result<ResolvedAggregate> resolve_aggregate(std::string_view name, std::span<const Oid> args,
                                            bool star) {
  ResolvedAggregate r;
  std::vector<Candidate> list;
  auto it = registry_index().aggregates_by_name.find(name);
  if (it != registry_index().aggregates_by_name.end()) {
    for (const AggregateInfo* a : it->second) {
      if (star != a->star) continue;
      if (star) {
        r.aggregate = a;
        r.result = a->result;
        return r;
      }
      if (a->args.size() != args.size()) continue;
      Candidate c;
      c.row = a;
      c.params.assign(a->args.begin(), a->args.end());
      list.push_back(std::move(c));
    }
  }
  if (star) return no_function(name, args);
  std::vector<Candidate> chosen;
  if (const Candidate* c = exact(list, args)) {
    chosen = {*c};
  } else {
    chosen = applicable(list, args);
    choose(&chosen, args);
  }
  if (chosen.empty()) return no_function(name, args);
  if (chosen.size() != 1) return ambiguous_function(name, args);
  r.aggregate = static_cast<const AggregateInfo*>(chosen[0].row);
  RETURN_IF_ERROR(settle(chosen[0].params, args, r.aggregate->result, &r.args, &r.result));
  return r;
}

Result<Oid> common_type(std::string_view what, std::span<const Oid> types) {
  Oid chosen = oid::kUnknown;
  for (Oid t : types) {
    if (t == oid::kUnknown || t == chosen) continue;
    if (chosen == oid::kUnknown) {
      chosen = t;
      continue;
    }
    if (category(t) != category(chosen)) {
      return invalid_argument(fmt::format("{} types {} and {} cannot be matched", what,
                                          format_type(chosen), format_type(t)),
                              sqlstate::kDatatypeMismatch);
    }
    if (!is_preferred(category(chosen), chosen) && implicit(chosen, t) && !implicit(t, chosen))
      chosen = t;
  }
  return chosen == oid::kUnknown ? oid::kText : chosen;
}

}  // namespace quorate::sql

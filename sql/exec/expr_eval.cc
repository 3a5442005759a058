#include "sql/exec/expr_eval.h"

#include "sql/types/array.h"
#include "sql/types/compare.h"
#include "sql/types/record.h"

namespace quorate::sql {

namespace {
constexpr size_t kArgsInline = 8;
using Node = CompiledExpr::Node;
using EvalFn = bool (*)(const Node&, const Frame&, Datum*);
}  // namespace

struct CompiledExpr::Node {
  EvalFn run = nullptr;
  Type type;
  ExprKind kind = ExprKind::kConst;
  Slot slot;
  Datum value;
  const FunctionInfo* function = nullptr;
  CompareFn compare = nullptr;
  ComparisonKind comparison = ComparisonKind::kNone;
  CastInfo cast;
  bool is_explicit = false, coerce_length = false, negated = false, all_strict_ok = false;
  Type source_type;
  std::vector<std::unique_ptr<Node>> args;
  std::vector<Type> arg_types;
  std::vector<Datum> set;  // kInList of constants: sorted
  CompareFn set_compare = nullptr;
  bool set_has_null = false;
};

namespace {

bool fail(const Frame& f, Status s) {
  f.error = std::move(s);
  return false;
}

bool run(const Node& n, const Frame& f, Datum* out) { return n.run(n, f, out); }

// A value that outlives the expression is given without a copy of its bytes.
void give(const Datum& v, Datum* out) { *out = v.holds_bytes() ? Datum::view(v.as_bytes()) : v; }

bool eval_const(const Node& n, const Frame&, Datum* out) {
  give(n.value, out);
  return true;
}

bool eval_param(const Node& n, const Frame& f, Datum* out) {
  if (n.slot.index >= f.params.size()) return fail(f, internal_error("a parameter has no value"));
  give(f.params[n.slot.index], out);
  return true;
}

bool eval_init(const Node& n, const Frame& f, Datum* out) {
  *out = f.init_values[n.slot.index];
  return true;
}

bool eval_slot0(const Node& n, const Frame& f, Datum* out) {
  give(f.row[n.slot.index], out);
  return true;
}

bool eval_slot(const Node& n, const Frame& f, Datum* out) {
  const Frame* level = &f;
  for (uint32_t i = 0; i < n.slot.level; ++i) level = level->outer;
  give(level->row[n.slot.index], out);
  return true;
}

// Evaluates into `values`; *null tells whether any is null.
bool eval_args(const Node& n, const Frame& f, Datum* values, bool* null) {
  *null = false;
  for (size_t i = 0; i < n.args.size(); ++i) {
    if (!run(*n.args[i], f, &values[i])) return false;
    *null |= values[i].is_null();
  }
  return true;
}

bool call(const Node& n, const Frame& f, std::span<const Datum> args, Datum* out) {
  if (n.function->wants_types) {
    f.context->arg_types = n.arg_types;
    f.context->result_type = n.type;
  }
  Result<Datum> r = n.function->fn(*f.context, args);
  if (!r.ok()) return fail(f, r.status());
  *out = std::move(*r);
  return true;
}

// A call's result may be a view of an argument that stands in this function's array, short bytes
// inline: views point to what outlives the array, because arguments themselves are views or
// counted.
bool eval_call(const Node& n, const Frame& f, Datum* out) {
  const size_t count = n.args.size();
  Datum small[kArgsInline];
  std::vector<Datum> large;
  Datum* values = small;
  if (count > kArgsInline) {
    large.resize(count);
    values = large.data();
  }
  bool null = false;
  if (!eval_args(n, f, values, &null)) return false;
  if (null && n.function->strict) {
    *out = Datum::null();
    return true;
  }
  if (!call(n, f, {values, count}, out)) return false;
  if (out->is_view()) *out = std::move(*out).own();
  return true;
}

bool eval_compare_int(const Node& n, const Frame& f, Datum* out) {
  Datum a, b;
  if (!run(*n.args[0], f, &a) || !run(*n.args[1], f, &b)) return false;
  if (a.is_null() || b.is_null()) {
    *out = Datum::null();
    return true;
  }
  const int64_t x = a.as_int(), y = b.as_int();
  bool r = false;
  switch (n.comparison) {
    case ComparisonKind::kEqual:
      r = x == y;
      break;
    case ComparisonKind::kNotEqual:
      r = x != y;
      break;
    case ComparisonKind::kLess:
      r = x < y;
      break;
    case ComparisonKind::kLessEqual:
      r = x <= y;
      break;
    case ComparisonKind::kGreater:
      r = x > y;
      break;
    default:
      r = x >= y;
      break;
  }
  *out = Datum::of_bool(r);
  return true;
}

// AND and OR: the first argument that decides, else null where one is.
bool eval_until(const Node& n, const Frame& f, bool decides, Datum* out) {
  bool null = false;
  for (const auto& arg : n.args) {
    Datum v;
    if (!run(*arg, f, &v)) return false;
    if (v.is_null()) {
      null = true;
    } else if (v.as_bool() == decides) {
      *out = Datum::of_bool(decides);
      return true;
    }
  }
  *out = null ? Datum::null() : Datum::of_bool(!decides);
  return true;
}

bool eval_and(const Node& n, const Frame& f, Datum* out) { return eval_until(n, f, false, out); }

bool eval_or(const Node& n, const Frame& f, Datum* out) { return eval_until(n, f, true, out); }

bool eval_not(const Node& n, const Frame& f, Datum* out) {
  if (!run(*n.args[0], f, out)) return false;
  if (!out->is_null()) *out = Datum::of_bool(!out->as_bool());
  return true;
}

// IS [NOT] NULL, TRUE, FALSE, UNKNOWN. A row value is null when all its fields are.
bool eval_is(const Node& n, const Frame& f, Datum* out) {
  Datum v;
  if (!run(*n.args[0], f, &v)) return false;
  bool r = false;
  const bool record = n.args[0]->type.oid == oid::kRecord && !v.is_null();
  switch (n.kind) {
    case ExprKind::kIsNull:
    case ExprKind::kIsNotNull:
      if (record) {
        r = true;
        for (const RecordField& field : open_record(v))
          r = r && field.value.is_null() == (n.kind == ExprKind::kIsNull);
      } else {
        r = v.is_null() == (n.kind == ExprKind::kIsNull);
      }
      break;
    case ExprKind::kIsTrue:
      r = !v.is_null() && v.as_bool();
      break;
    case ExprKind::kIsNotTrue:
      r = v.is_null() || !v.as_bool();
      break;
    case ExprKind::kIsFalse:
      r = !v.is_null() && !v.as_bool();
      break;
    case ExprKind::kIsNotFalse:
      r = v.is_null() || v.as_bool();
      break;
    case ExprKind::kIsUnknown:
      r = v.is_null();
      break;
    case ExprKind::kIsNotUnknown:
      r = !v.is_null();
      break;
    default:
      UNREACHABLE("not an IS test");
  }
  *out = Datum::of_bool(r);
  return true;
}

// Whether the node's "=" holds between two values that are not null.
bool equals(const Node& n, const Frame& f, std::span<const Datum> pair, bool* equal) {
  Datum out;
  if (!call(n, f, pair, &out)) return false;
  *equal = !out.is_null() && out.as_bool();
  return true;
}

bool eval_distinct(const Node& n, const Frame& f, Datum* out) {
  Datum v[2];
  bool null = false;
  if (!eval_args(n, f, v, &null)) return false;
  bool distinct = v[0].is_null() != v[1].is_null();
  if (!null) {
    bool equal = false;
    if (!equals(n, f, v, &equal)) return false;
    distinct = !equal;
  }
  *out = Datum::of_bool(distinct == (n.kind == ExprKind::kDistinct));
  return true;
}

bool eval_case(const Node& n, const Frame& f, Datum* out) {
  size_t i = 0;
  for (; i + 1 < n.args.size(); i += 2) {
    Datum when;
    if (!run(*n.args[i], f, &when)) return false;
    if (!when.is_null() && when.as_bool()) return run(*n.args[i + 1], f, out);
  }
  if (i < n.args.size()) return run(*n.args[i], f, out);
  *out = Datum::null();
  return true;
}

bool eval_coalesce(const Node& n, const Frame& f, Datum* out) {
  for (const auto& arg : n.args) {
    if (!run(*arg, f, out)) return false;
    if (!out->is_null()) return true;
  }
  return true;
}

bool eval_nullif(const Node& n, const Frame& f, Datum* out) {
  Datum v[2];
  bool null = false;
  if (!eval_args(n, f, v, &null)) return false;
  if (!null) {
    bool equal = false;
    if (!equals(n, f, v, &equal)) return false;
    if (equal) {
      *out = Datum::null();
      return true;
    }
  }
  *out = std::move(v[0]);
  return true;
}

bool eval_extreme(const Node& n, const Frame& f, Datum* out) {
  *out = Datum::null();
  for (const auto& arg : n.args) {
    Datum v;
    if (!run(*arg, f, &v)) return false;
    if (v.is_null()) continue;
    if (!out->is_null()) {
      int c = n.compare(v, *out);
      if (n.kind == ExprKind::kGreatest ? c <= 0 : c >= 0) continue;
    }
    *out = std::move(v);
  }
  return true;
}

// ARRAY[[1, 2], [3, 4]]: one dimension more than its parts have.
bool nest_arrays(const Frame& f, Oid element, const std::vector<Datum>& parts, Datum* out) {
  Array whole;
  whole.element = element;
  for (const Datum& part : parts) {
    Array inner = part.is_null() ? Array() : Array::open(part);
    if (&part == &parts.front()) {
      whole.dimensions = inner.dimensions;
    } else if (inner.dimensions != whole.dimensions) {
      return fail(f, Status(StatusCode::kInvalidArgument, sqlstate::kArraySubscriptError,
                            "multidimensional arrays must have array expressions with matching "
                            "dimensions"));
    }
    for (Datum& v : inner.values) whole.values.push_back(std::move(v));
  }
  if (whole.dimensions.size() >= static_cast<size_t>(kArrayDimensionsMax)) {
    return fail(f, Status(StatusCode::kInvalidArgument, sqlstate::kProgramLimitExceeded,
                          "number of array dimensions exceeds the maximum allowed (6)"));
  }
  if (!whole.dimensions.empty())
    whole.dimensions.insert(whole.dimensions.begin(), {static_cast<int32_t>(parts.size()), 1});
  *out = whole.to_datum();
  return true;
}

bool eval_array(const Node& n, const Frame& f, Datum* out) {
  std::vector<Datum> elements(n.args.size());
  bool null = false;
  if (!eval_args(n, f, elements.data(), &null)) return false;
  if (!n.args.empty() && n.arg_types[0].oid == n.type.oid)
    return nest_arrays(f, element_type(n.type.oid), elements, out);
  *out = Array::of(element_type(n.type.oid), std::move(elements)).to_datum();
  return true;
}

bool eval_row(const Node& n, const Frame& f, Datum* out) {
  std::vector<Datum> fields(n.args.size());
  bool null = false;
  if (!eval_args(n, f, fields.data(), &null)) return false;
  std::vector<Oid> types;
  for (const Type& t : n.arg_types) types.push_back(t.oid);
  *out = make_record(types, fields);
  return true;
}

bool eval_field(const Node& n, const Frame& f, Datum* out) {
  Datum record;
  if (!run(*n.args[0], f, &record)) return false;
  *out = Datum::null();
  if (record.is_null()) return true;
  auto fields = open_record(record);
  if (n.slot.index < fields.size()) *out = fields[n.slot.index].value.own();
  return true;
}

bool eval_any_all(const Node& n, const Frame& f, Datum* out) {
  const bool any = n.kind == ExprKind::kAnyOf;
  Datum v[2];
  if (!run(*n.args[0], f, &v[0])) return false;
  Datum array;
  if (!run(*n.args[1], f, &array)) return false;
  *out = Datum::null();
  if (array.is_null()) return true;
  bool null = false;
  const Array opened = Array::open(array);
  for (const Datum& element : opened.values) {
    v[1] = element;
    Datum r;
    if ((v[0].is_null() || v[1].is_null()) && n.function->strict) {
      null = true;
      continue;
    }
    if (!call(n, f, {v, 2}, &r)) return false;
    if (r.is_null()) {
      null = true;
    } else if (r.as_bool() == any) {
      *out = Datum::of_bool(any);
      return true;
    }
  }
  if (!null) *out = Datum::of_bool(!any);
  return true;
}

bool eval_in_set(const Node& n, const Frame& f, Datum* out) {
  Datum v;
  if (!run(*n.args[0], f, &v)) return false;
  *out = Datum::null();
  if (v.is_null()) return true;
  auto less = [&](const Datum& a, const Datum& b) { return n.set_compare(a, b) < 0; };
  if (std::binary_search(n.set.begin(), n.set.end(), v, less)) {
    *out = Datum::of_bool(!n.negated);
  } else if (!n.set_has_null) {
    *out = Datum::of_bool(n.negated);
  }
  return true;
}

bool eval_in_list(const Node& n, const Frame& f, Datum* out) {
  Datum v[2];
  if (!run(*n.args[0], f, &v[0])) return false;
  bool null = v[0].is_null();
  for (size_t i = 1; i < n.args.size() && !v[0].is_null(); ++i) {
    if (!run(*n.args[i], f, &v[1])) return false;
    if (v[1].is_null()) {
      null = true;
      continue;
    }
    bool equal = false;
    if (!equals(n, f, v, &equal)) return false;
    if (equal) {
      *out = Datum::of_bool(!n.negated);
      return true;
    }
  }
  *out = null ? Datum::null() : Datum::of_bool(n.negated);
  return true;
}

bool eval_subscript(const Node& n, const Frame& f, Datum* out) {
  Datum array, index;
  if (!run(*n.args[0], f, &array) || !run(*n.args[1], f, &index)) return false;
  *out = Datum::null();
  if (array.is_null() || index.is_null()) return true;
  const Array opened = Array::open(array);
  if (opened.dimensions.size() != 1) return true;
  const int64_t at = index.as_int() - opened.dimensions[0].lower;
  if (at >= 0 && at < opened.dimensions[0].length) *out = opened.values[at].own();
  return true;
}

bool eval_cast(const Node& n, const Frame& f, Datum* out) {
  Datum v;
  if (!run(*n.args[0], f, &v)) return false;
  if (v.is_null()) {
    *out = Datum::null();
    return true;
  }
  if (n.cast.fn != nullptr) {
    Result<Datum> r = n.cast.fn(f.context->io, n.source_type, n.type, n.is_explicit, v);
    if (!r.ok()) return fail(f, r.status());
    // The result may look into `v`, which ends here when its bytes stand inside it or are counted.
    v = std::move(*r).own();
  }
  if (n.coerce_length) {
    Result<Datum> r = length_coercion(f.context->io, n.type, n.is_explicit, std::move(v));
    if (!r.ok()) return fail(f, r.status());
    v = std::move(*r);
  }
  *out = std::move(v);
  return true;
}

struct Compiler {
  const SlotFinder& find;
  const std::function<std::optional<uint32_t>(const Expr&)>& find_init;
  Status error;

  std::unique_ptr<Node> compile(const Expr& e);
  bool choose(const Expr& e, Node& n);
  bool choose_call(const Expr& e, Node& n);
  void fold(Node& n, const Expr& e);
};

bool refuse(Compiler& c, Status s) {
  if (c.error.ok()) c.error = std::move(s);
  return false;
}

std::unique_ptr<Node> Compiler::compile(const Expr& e) {
  auto n = std::make_unique<Node>();
  n->type = e.type;
  n->kind = e.kind;
  if (auto slot = find(e)) {
    n->slot = *slot;
    n->kind = ExprKind::kColumn;
    n->run = slot->level == 0 ? eval_slot0 : eval_slot;
    return n;
  }
  if (find_init) {
    if (auto init = find_init(e)) {
      n->slot.index = *init;
      n->kind = ExprKind::kScalarSubquery;
      n->run = eval_init;
      return n;
    }
  }
  for (const ExprPtr& arg : e.args) {
    auto child = compile(*arg);
    if (child == nullptr) return nullptr;
    n->arg_types.push_back(arg->type);
    n->args.push_back(std::move(child));
  }
  if (!choose(e, *n)) return nullptr;
  fold(*n, e);
  return n;
}

bool Compiler::choose_call(const Expr& e, Node& n) {
  n.function = e.function;
  if (e.function == nullptr || e.function->fn == nullptr) {
    return refuse(*this,
                  unimplemented(e.function == nullptr ? "this expression"
                                                      : std::string(e.function->name) + "() here"));
  }
  n.run = eval_call;
  const bool comparison = e.op != nullptr && e.op->comparison >= ComparisonKind::kEqual &&
                          e.op->comparison <= ComparisonKind::kGreaterEqual && e.args.size() == 2;
  if (comparison) {
    auto plain_int = [](Oid t) {
      return t == oid::kInt2 || t == oid::kInt4 || t == oid::kInt8 || t == oid::kOid;
    };
    if (plain_int(e.args[0]->type.oid) && plain_int(e.args[1]->type.oid)) {
      n.comparison = e.op->comparison;
      n.run = eval_compare_int;
    }
  }
  return true;
}

bool Compiler::choose(const Expr& e, Node& n) {
  n.negated = e.negated;
  switch (e.kind) {
    case ExprKind::kConst:
      n.value = e.value;
      n.run = eval_const;
      return true;
    case ExprKind::kParam:
      n.slot.index = e.index;
      n.run = eval_param;
      return true;
    case ExprKind::kCall:
      return choose_call(e, n);
    case ExprKind::kCast:
      n.cast = e.cast;
      n.is_explicit = e.is_explicit;
      n.coerce_length = e.coerce_length;
      n.source_type = e.args[0]->type;
      n.run = eval_cast;
      return true;
    case ExprKind::kAnd:
      n.run = eval_and;
      return true;
    case ExprKind::kOr:
      n.run = eval_or;
      return true;
    case ExprKind::kNot:
      n.run = eval_not;
      return true;
    case ExprKind::kIsNull:
    case ExprKind::kIsNotNull:
    case ExprKind::kIsTrue:
    case ExprKind::kIsNotTrue:
    case ExprKind::kIsFalse:
    case ExprKind::kIsNotFalse:
    case ExprKind::kIsUnknown:
    case ExprKind::kIsNotUnknown:
      n.run = eval_is;
      return true;
    case ExprKind::kDistinct:
    case ExprKind::kNotDistinct:
      n.function = e.function;
      n.run = eval_distinct;
      return true;
    case ExprKind::kCase:
      n.run = eval_case;
      return true;
    case ExprKind::kCoalesce:
      n.run = eval_coalesce;
      return true;
    case ExprKind::kNullIf:
      n.function = e.function;
      n.run = eval_nullif;
      return true;
    case ExprKind::kGreatest:
    case ExprKind::kLeast:
      n.compare = compare_fn(e.type.oid);
      if (n.compare == nullptr)
        return refuse(*this, unimplemented("GREATEST of a type without an order"));
      n.run = eval_extreme;
      return true;
    case ExprKind::kArray:
      n.run = eval_array;
      return true;
    case ExprKind::kRow:
      n.run = eval_row;
      return true;
    case ExprKind::kField:
      n.slot.index = e.index;
      n.run = eval_field;
      return true;
    case ExprKind::kAnyOf:
    case ExprKind::kAllOf:
      n.function = e.function;
      n.run = eval_any_all;
      return true;
    case ExprKind::kSubscript:
      n.run = eval_subscript;
      return true;
    case ExprKind::kInList: {
      n.function = e.function;
      n.run = eval_in_list;
      n.set_compare = compare_fn(e.args[0]->type.oid);
      bool constants = n.set_compare != nullptr && e.args.size() > 4;
      for (size_t i = 1; i < e.args.size(); ++i) {
        constants =
            constants && n.args[i]->run == eval_const && e.args[i]->type.oid == e.args[0]->type.oid;
      }
      if (!constants) return true;
      for (size_t i = 1; i < n.args.size(); ++i) {
        if (n.args[i]->value.is_null())
          n.set_has_null = true;
        else
          n.set.push_back(n.args[i]->value);
      }
      std::sort(n.set.begin(), n.set.end(),
                [&](const Datum& a, const Datum& b) { return n.set_compare(a, b) < 0; });
      n.args.resize(1);
      n.run = eval_in_set;
      return true;
    }
    case ExprKind::kColumn:
      return refuse(*this, internal_error("a column is not available where it is used"));
    case ExprKind::kScalarSubquery:
    case ExprKind::kExists:
    case ExprKind::kInSubquery:
    case ExprKind::kArraySubquery:
      return refuse(*this, unimplemented("a sub-query in this place"));
    case ExprKind::kAggregate:
      return refuse(*this, internal_error("an aggregate is not available where it is used"));
    case ExprKind::kWindow:
      return refuse(*this, unimplemented("window function"));
    case ExprKind::kSetReturning:
      return refuse(*this, unimplemented("set-returning function in this place"));
    case ExprKind::kDefault:
      return refuse(*this, internal_error("DEFAULT was not replaced"));
    case ExprKind::kCurrentOf:
      return refuse(*this, unimplemented("WHERE CURRENT OF"));
  }
  UNREACHABLE("expression kind");
}

// Immutable operations over constants are done once. An error stays for the execution, which may
// never get there.
void Compiler::fold(Node& n, const Expr& e) {
  if (n.run == eval_const || n.run == eval_param || n.args.empty()) return;
  const bool foldable =
      e.kind == ExprKind::kCall && e.function->volatility == Volatility::kImmutable;
  const bool cast =
      e.kind == ExprKind::kCast && (e.cast.fn == nullptr || e.args[0]->type.oid == oid::kUnknown ||
                                    type_info(e.type.oid).rep == Rep::kInt);
  const bool time =
      type_info(e.type.oid).category == 'D' || type_info(e.args[0]->type.oid).category == 'D';
  if (!foldable && !(cast && !time)) return;
  for (const auto& arg : n.args) {
    if (arg->run != eval_const) return;
  }
  EvalContext context;
  Frame frame;
  frame.context = &context;
  Datum v;
  if (!n.run(n, frame, &v)) return;
  n.value = std::move(v).own();
  n.args.clear();
  n.run = eval_const;
}

}  // namespace

Result<CompiledExpr> CompiledExpr::compile(
    const Expr& e, const SlotFinder& find,
    const std::function<std::optional<uint32_t>(const Expr&)>& find_init) {
  Compiler compiler{find, find_init, {}};
  auto root = compiler.compile(e);
  if (root == nullptr) return compiler.error;
  CompiledExpr out;
  out.root_ = std::shared_ptr<const Node>(std::move(root));
  return out;
}

Type CompiledExpr::type() const { return root_->type; }
bool CompiledExpr::eval(const Frame& frame, Datum* out) const {
  return root_->run(*root_, frame, out);
}

bool CompiledExpr::holds(const Frame& frame) const {
  Datum v;
  if (!root_->run(*root_, frame, &v)) return false;
  return !v.is_null() && v.as_bool();
}

std::optional<uint32_t> CompiledExpr::plain_slot() const {
  if (root_ == nullptr || root_->run != eval_slot0) return std::nullopt;
  return root_->slot.index;
}

bool CompiledExpr::is_plain_input() const {
  const Node* n = root_.get();
  while (n != nullptr && n->run == eval_cast) n = n->args[0].get();
  return n != nullptr && (n->run == eval_const || n->run == eval_param);
}

bool CompiledExpr::is_constant() const { return root_->run == eval_const; }
const Datum* CompiledExpr::constant() const { return is_constant() ? &root_->value : nullptr; }

}  // namespace quorate::sql

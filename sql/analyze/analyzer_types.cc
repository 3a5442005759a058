// Type names, casts and common types.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/analyzer.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

// Values of these depend on the session's settings or on the time: their text is read when the
// statement runs the same way for everybody only in the other types.
bool depends_on_session(Oid type) {
  switch (type) {
    case oid::kDate:
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kInterval:
    case oid::kRegclass:
    case oid::kRegproc:
    case oid::kRegprocedure:
    case oid::kRegoper:
    case oid::kRegoperator:
    case oid::kRegtype:
    case oid::kRegnamespace:
    case oid::kRegrole:
      return true;
    default:
      return element_type(type) != 0 && depends_on_session(element_type(type));
  }
}

// 'now', 'today' and their like are read from the clock: no plan may keep them.
bool reads_clock(Oid type, std::string_view text) {
  if (!depends_on_session(type)) return false;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (std::string_view word : {"now", "today", "tomorrow", "yesterday"})
    if (lower.find(word) != std::string::npos) return true;
  return false;
}

bool is_unknown(const Expr& e) { return e.type.oid == oid::kUnknown; }

}  // namespace

Result<Type> Analyzer::type_name(const PgQuery__TypeName& t) {
  if (t.setof) return fail(sqlstate::kDatatypeMismatch, "cannot use SETOF here", t.location);
  if (t.pct_type) return unsupported("%TYPE", t.location);
  std::string name = string_of(t.names[t.n_names - 1]), full;
  for (size_t i = 0; i < t.n_names; ++i) full += (i > 0 ? "." : "") + string_of(t.names[i]);
  const TypeInfo* info = find_type_by_name(name);
  if (t.n_names > 1 && string_of(t.names[t.n_names - 2]) != "pg_catalog") info = nullptr;
  if (info == nullptr)
    return fail(sqlstate::kUndefinedObject, "type \"" + full + "\" does not exist", t.location);
  Type out{info->oid, -1};
  if (t.n_typmods > 0) {
    std::vector<int32_t> args;
    for (size_t i = 0; i < t.n_typmods; ++i) {
      const Node* n = t.typmods[i];
      if (n->node_case != PG_QUERY__NODE__NODE_A_CONST ||
          n->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL)
        return fail(sqlstate::kSyntaxError,
                    "type modifiers must be simple constants or identifiers", t.location);
      args.push_back(n->a_const->ival->ival);
    }
    auto typmod = make_typmod(info->oid, args);
    if (!typmod.ok()) return at(typmod.status(), t.location);
    out.typmod = *typmod;
  }
  if (t.n_array_bounds > 0) {
    out.oid = array_type(out.oid);
    if (out.oid == 0)
      return fail(sqlstate::kUndefinedObject, "type \"" + full + "[]\" does not exist", t.location);
  }
  return out;
}

Status Analyzer::settle_param(Expr& e, Oid type) {
  Type& known = context_.params[e.index];
  if (known.oid == oid::kUnknown || known.oid == 0) {
    known = Type{type, -1};
  } else if (known.oid != type) {
    return fail(sqlstate::kAmbiguousParameter,
                "inconsistent types deduced for parameter $" + std::to_string(e.index + 1),
                e.location)
        .with_detail(format_type(known.oid) + " versus " + format_type(type));
  }
  e.type = known;
  return {};
}

Result<ExprPtr> Analyzer::coerce_unknown(ExprPtr e, Type target) {
  if (e->kind == ExprKind::kParam) {
    RETURN_IF_ERROR(settle_param(*e, target.oid));
    return e;
  }
  if (e->kind != ExprKind::kConst) return e;
  // As in PostgreSQL the literal is read without its modifier, which a cast applies afterwards;
  // intervals need theirs to be read at all.
  Type read{target.oid, target.oid == oid::kInterval ? target.typmod : -1};
  if (!e->value.is_null()) {
    std::string text(e->value.as_bytes());
    if (reads_clock(target.oid, text)) context_.uncacheable = true;
    auto v = input_text(read, text, io());
    if (!v.ok()) return at(v.status(), e->location);
    e->value = std::move(v).value();
  }
  e->type = read;
  return e;
}

bool Analyzer::can_coerce(const Expr& e, Oid target, CastContext how) const {
  if (e.type.oid == target || is_unknown(e) || target == oid::kAny) return true;
  return can_cast(e.type.oid, target, how);
}

// Gives null where there is no such cast.
Result<ExprPtr> Analyzer::coerce(ExprPtr e, Type target, CastContext how) {
  if (is_unknown(*e) && target.oid != oid::kUnknown &&
      (e->kind == ExprKind::kConst || e->kind == ExprKind::kParam)) {
    if (is_polymorphic(target.oid) || target.oid == oid::kAny) target = Type{oid::kText, -1};
    int32_t location = e->location;
    ASSIGN_OR_RETURN(e, coerce_unknown(std::move(e), target));
    e->location = location;
  }
  if (is_polymorphic(target.oid) || target.oid == oid::kAny) return e;
  bool same = e->type.oid == target.oid;
  bool length = target.typmod >= 0 && needs_length_coercion(e->type, target);
  if (same && !length) return e;

  CastInfo cast;
  if (same) {
    cast.source = cast.target = target.oid;
  } else {
    auto path = find_cast(e->type.oid, target.oid, how);
    if (!path) return ExprPtr();
    cast = path->cast;
  }
  bool is_explicit = how == CastContext::kExplicit;
  if (e->kind == ExprKind::kConst && !depends_on_session(e->type.oid) &&
      !depends_on_session(target.oid)) {
    // What can't be cast is an error only where it is executed.
    auto v = cast_value(io(), e->type, target, is_explicit, e->value);
    if (v.ok()) {
      ExprPtr folded = make_const(target, std::move(v).value());
      folded->location = e->location;
      return folded;
    }
  }
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kCast;
  out->type = target;
  out->location = e->location;
  out->cast = cast;
  out->is_explicit = is_explicit;
  out->coerce_length = length;
  out->args.push_back(std::move(e));
  return out;
}

Result<ExprPtr> Analyzer::explicit_cast(ExprPtr e, Type target, int32_t location) {
  Type source = e->type;
  int32_t begin = e->location;
  ASSIGN_OR_RETURN(ExprPtr out, coerce(std::move(e), target, CastContext::kExplicit));
  if (!out)
    return fail(sqlstate::kCannotCoerce,
                "cannot cast type " + format_type(source.oid) + " to " + format_type(target.oid),
                location);
  if (begin >= 0 && (location < 0 || begin < location)) location = begin;
  if (out->kind == ExprKind::kCast) out->location = location;
  return out;
}

Result<ExprPtr> Analyzer::assign(ExprPtr e, Type type, std::string_view column) {
  Type source = e->type;
  int32_t location = e->location;
  ASSIGN_OR_RETURN(ExprPtr out, coerce(std::move(e), type, CastContext::kAssignment));
  if (out) return out;
  return fail(sqlstate::kDatatypeMismatch,
              "column \"" + std::string(column) + "\" is of type " + format_type(type.oid) +
                  " but expression is of type " + format_type(source.oid),
              location)
      .with_hint("You will need to rewrite or cast the expression.");
}

Result<ExprPtr> Analyzer::coerce_bool(ExprPtr e, std::string_view what) {
  Type source = e->type;
  int32_t location = e->location;
  ASSIGN_OR_RETURN(ExprPtr out,
                   coerce(std::move(e), Type{oid::kBool, -1}, CastContext::kAssignment));
  if (out) return out;
  return fail(sqlstate::kDatatypeMismatch,
              "argument of " + std::string(what) + " must be type boolean, not type " +
                  format_type(source.oid),
              location);
}

Result<ExprPtr> Analyzer::coerce_int8(ExprPtr e, std::string_view what) {
  Type source = e->type;
  int32_t location = e->location;
  ASSIGN_OR_RETURN(ExprPtr out,
                   coerce(std::move(e), Type{oid::kInt8, -1}, CastContext::kAssignment));
  if (out) return out;
  return fail(sqlstate::kDatatypeMismatch,
              "argument of " + std::string(what) + " must be type bigint, not type " +
                  format_type(source.oid),
              location);
}

Result<ExprPtr> Analyzer::resolve_unknown(ExprPtr e) {
  if (!is_unknown(*e)) return e;
  return coerce(std::move(e), Type{oid::kText, -1}, CastContext::kImplicit);
}

// PostgreSQL's select_common_type and the casts it implies. The modifier survives where all agree.
Result<Type> Analyzer::unify(std::string_view what, std::vector<ExprPtr*> list) {
  std::vector<Oid> types;
  types.reserve(list.size());
  for (ExprPtr* e : list) types.push_back((*e)->type.oid);
  auto common = common_type(what, types);
  if (!common.ok()) {
    // The one that PostgreSQL points at: the first whose category differs.
    int32_t location = list.empty() ? -1 : (*list.back())->location;
    for (size_t i = 1; i < list.size(); ++i) {
      std::vector<Oid> prefix(types.begin(), types.begin() + static_cast<ptrdiff_t>(i) + 1);
      if (common_type(what, prefix).ok()) continue;
      location = (*list[i])->location;
      break;
    }
    return at(common.status(), location);
  }
  Type type{*common, -1};
  bool same_typmod = !list.empty();
  for (ExprPtr* e : list)
    same_typmod = same_typmod && (*e)->type.oid == type.oid &&
                  (*e)->type.typmod == (*list.front())->type.typmod;
  if (same_typmod) type.typmod = (*list.front())->type.typmod;
  for (ExprPtr* e : list) {
    Type source = (*e)->type;
    int32_t location = (*e)->location;
    ASSIGN_OR_RETURN(ExprPtr cast,
                     coerce(std::move(*e), Type{type.oid, -1}, CastContext::kImplicit));
    if (!cast)
      return fail(sqlstate::kCannotCoerce,
                  std::string(what) + " could not convert type " + format_type(source.oid) +
                      " to " + format_type(type.oid),
                  location);
    *e = std::move(cast);
  }
  return type;
}

Status Analyzer::finish_params(Query* q) {
  Status error;
  auto settle = [&](Expr& e, uint32_t) {
    if (e.kind != ExprKind::kParam || !error.ok()) return;
    const Type& known = context_.params[e.index];
    if (e.type.oid == oid::kUnknown && known.oid != oid::kUnknown) e.type = known;
    if (e.type.oid != known.oid && known.oid != oid::kUnknown) {
      error = fail(sqlstate::kAmbiguousParameter,
                   "inconsistent types deduced for parameter $" + std::to_string(e.index + 1),
                   e.location)
                  .with_detail(format_type(known.oid) + " versus " + format_type(e.type.oid));
    }
  };
  if (q != nullptr) visit_query(*q, settle);
  RETURN_IF_ERROR(error);
  for (size_t i = 0; i < context_.params.size(); ++i) {
    if (context_.params[i].oid == oid::kUnknown || context_.params[i].oid == 0)
      return fail(sqlstate::kIndeterminateDatatype,
                  "could not determine data type of parameter $" + std::to_string(i + 1));
  }
  return {};
}

}  // namespace quorate::sql

// PostgreSQL's deparsed form of an expression (ruleutils.c without pretty-printing): every operator
// in parentheses, constants with their type where reading them again would not give it.
#include "sql/analyze/expr.h"
#include "sql/analyze/query.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

using ColumnName = std::function<std::string(uint32_t, uint32_t)>;

std::string quote_literal(std::string_view text) {
  std::string out = text.find('\\') != std::string_view::npos ? "E'" : "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

class Deparser {
 public:
  Deparser(const ColumnName& column_name, const IoContext& io)
      : column_name_(column_name), io_(io) {}
  std::string text(const Expr& e) const;

 private:
  std::string constant(const Expr& e) const;
  std::string call(const Expr& e) const;
  std::string operation(const Expr& e) const;
  std::string cast(const Expr& e) const;
  std::string case_text(const Expr& e) const;
  std::string aggregate(const Expr& e) const;
  std::string list(const Expr& e, size_t from = 0) const {
    std::string out;
    for (size_t i = from; i < e.args.size(); ++i) {
      if (i > from) out += ", ";
      out += text(*e.args[i]);
    }
    return out;
  }
  std::string joined(const Expr& e, std::string_view word) const {
    std::string out = "(";
    for (size_t i = 0; i < e.args.size(); ++i) {
      if (i > 0) out.append(" ").append(word).append(" ");
      out += text(*e.args[i]);
    }
    return out + ")";
  }
  std::string test(const Expr& e, std::string_view what) const {
    return "(" + text(*e.args[0]) + " " + std::string(what) + ")";
  }
  // Of an operator or function: PostgreSQL shows the casts that it put in by itself, also those
  // that change nothing but the type's name.
  std::string argument(const Expr& e, Oid declared) const {
    if (e.kind == ExprKind::kCast && !e.is_explicit)
      return "(" + text(*e.args[0]) + ")::" + format_type(e.type);
    const bool renamed = e.kind != ExprKind::kConst && e.type.oid != declared &&
                         declared != oid::kAny && !is_polymorphic(declared) &&
                         e.type.oid != oid::kUnknown;
    return renamed ? "(" + text(e) + ")::" + format_type(declared) : text(e);
  }
  const ColumnName& column_name_;
  const IoContext& io_;
};

std::string Deparser::constant(const Expr& e) const {
  if (e.value.is_null()) return "NULL::" + format_type(e.type);
  std::string v = to_text(e.type, e.value, io_);
  switch (e.type.oid) {
    case oid::kBool:
      return v == "t" ? "true" : "false";
    case oid::kInt4:
      return v.front() == '-' ? "'" + v + "'::integer" : v;
    case oid::kNumeric:
      // Bare where it is read as numeric again; else as the cast of the digits that it was.
      if (v.front() == '-' || v.find_first_not_of("0123456789.") != std::string::npos) break;
      if (e.type.typmod < 0 && v.find('.') != std::string::npos) return v;
      return "(" + v + ")::" + format_type(e.type);
    case oid::kUnknown:
      return quote_literal(v);
    default:
      break;
  }
  return quote_literal(v) + "::" + format_type(e.type);
}

std::string Deparser::operation(const Expr& e) const {
  std::string name(e.op->name);
  const std::string right = argument(*e.args.back(), e.op->right);
  if (e.args.size() == 1) return "(" + name + " " + right + ")";
  return "(" + argument(*e.args[0], e.op->left) + " " + name + " " + right + ")";
}

std::string Deparser::call(const Expr& e) const {
  if (e.op != nullptr) return operation(e);
  std::string_view name = e.function->name;
  // Functions with a syntax of their own are printed as calls: both forms read back the same.
  if (e.args.empty() && (name == "current_user" || name == "session_user" ||
                         name == "current_catalog" || name == "current_schema"))
    return name == "current_schema" ? "CURRENT_SCHEMA" : std::string(name);
  std::string args;
  for (size_t i = 0; i < e.args.size(); ++i) {
    if (i > 0) args += ", ";
    const bool declared = e.function->variadic == 0 && i < e.function->args.size();
    args += declared ? argument(*e.args[i], e.function->args[i]) : text(*e.args[i]);
  }
  return std::string(name) + "(" + args + ")";
}

std::string Deparser::cast(const Expr& e) const {
  if (!e.is_explicit) return text(*e.args[0]);
  return "(" + text(*e.args[0]) + ")::" + format_type(e.type);
}

std::string Deparser::case_text(const Expr& e) const {
  std::string out = "CASE";
  size_t i = 0;
  for (; i + 1 < e.args.size(); i += 2)
    out += " WHEN " + text(*e.args[i]) + " THEN " + text(*e.args[i + 1]);
  if (i < e.args.size() && e.args[i]) out += " ELSE " + text(*e.args[i]);
  return out + " END";
}

std::string Deparser::aggregate(const Expr& e) const {
  const AggregateCall& a = *e.aggregate;
  std::string out(a.info->name);
  out += "(";
  if (a.distinct) out += "DISTINCT ";
  out += a.info->star ? "*" : list(e);
  for (size_t i = 0; i < a.order_by.size(); ++i) {
    out += i == 0 ? " ORDER BY " : ", ";
    const auto& o = a.order_by[i];
    out += text(*o.expr);
    if (o.descending) out += " DESC";
    if (o.nulls_first != o.descending) out += o.nulls_first ? " NULLS FIRST" : " NULLS LAST";
  }
  out += ")";
  if (a.filter) out += " FILTER (WHERE " + text(*a.filter) + ")";
  return out;
}

std::string Deparser::text(const Expr& e) const {
  switch (e.kind) {
    case ExprKind::kConst:
      return constant(e);
    case ExprKind::kParam:
      return "$" + std::to_string(e.index + 1);
    case ExprKind::kColumn:
      return column_name_(e.relation, e.index);
    case ExprKind::kCall:
    case ExprKind::kSetReturning:
      return call(e);
    case ExprKind::kCast:
      return cast(e);
    case ExprKind::kAnd:
      return joined(e, "AND");
    case ExprKind::kOr:
      return joined(e, "OR");
    case ExprKind::kNot:
      return "(NOT " + text(*e.args[0]) + ")";
    case ExprKind::kIsNull:
      return test(e, "IS NULL");
    case ExprKind::kIsNotNull:
      return test(e, "IS NOT NULL");
    case ExprKind::kIsTrue:
      return test(e, "IS TRUE");
    case ExprKind::kIsNotTrue:
      return test(e, "IS NOT TRUE");
    case ExprKind::kIsFalse:
      return test(e, "IS FALSE");
    case ExprKind::kIsNotFalse:
      return test(e, "IS NOT FALSE");
    case ExprKind::kIsUnknown:
      return test(e, "IS UNKNOWN");
    case ExprKind::kIsNotUnknown:
      return test(e, "IS NOT UNKNOWN");
    case ExprKind::kDistinct:
      return joined(e, "IS DISTINCT FROM");
    case ExprKind::kNotDistinct:
      return joined(e, "IS NOT DISTINCT FROM");
    case ExprKind::kCase:
      return case_text(e);
    case ExprKind::kCoalesce:
      return "COALESCE(" + list(e) + ")";
    case ExprKind::kNullIf:
      return "NULLIF(" + list(e) + ")";
    case ExprKind::kGreatest:
      return "GREATEST(" + list(e) + ")";
    case ExprKind::kLeast:
      return "LEAST(" + list(e) + ")";
    case ExprKind::kArray:
      return "ARRAY[" + list(e) + "]";
    case ExprKind::kRow:
      return "ROW(" + list(e) + ")";
    case ExprKind::kAnyOf:
    case ExprKind::kAllOf:
      return "(" + text(*e.args[0]) + " " + std::string(e.op->name) +
             (e.kind == ExprKind::kAnyOf ? " ANY (" : " ALL (") + text(*e.args[1]) + "))";
    case ExprKind::kInList:
      // PostgreSQL prints IN as = ANY of an array.
      return "(" + text(*e.args[0]) + (e.negated ? " <> ALL (ARRAY[" : " = ANY (ARRAY[") +
             list(e, 1) + "]))";
    case ExprKind::kSubscript:
      return text(*e.args[0]) + "[" + text(*e.args[1]) + "]";
    case ExprKind::kField:
      return "(" + text(*e.args[0]) + ").f" + std::to_string(e.index + 1);
    case ExprKind::kScalarSubquery:
      return "(SubPlan)";
    case ExprKind::kArraySubquery:
      return "ARRAY(SubPlan)";
    case ExprKind::kExists:
      return "EXISTS(SubPlan)";
    case ExprKind::kInSubquery:
      return e.negated ? "(NOT (hashed SubPlan))" : "(hashed SubPlan)";
    case ExprKind::kAggregate:
    case ExprKind::kWindow:
      return aggregate(e);
    case ExprKind::kDefault:
      return "DEFAULT";
    case ExprKind::kCurrentOf:
      return "CURRENT OF";
  }
  UNREACHABLE("an expression of unknown kind");
}

}  // namespace

std::string deparse(const Expr& e, const ColumnName& column_name, const IoContext& io) {
  return Deparser(column_name, io).text(e);
}

}  // namespace quorate::sql

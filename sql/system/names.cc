#include "sql/system/names.h"

#include "sql/functions/quote.h"
#include "sql/system/catalog_functions.h"
#include "sql/system/io_functions.h"
#include "sql/system/rows.h"

namespace quorate::sql {
namespace system {
namespace {

ProcedureRef of(const FunctionInfo& f) {
  return {f.oid, f.name, f.result, &f.args, f.returns_set(), f.variadic};
}
ProcedureRef of(const AggregateInfo& a) { return {a.oid, a.name, a.result, &a.args, false, 0}; }
ProcedureRef of(const IoFunction& f) { return {f.oid, f.name, f.result, &f.args, false, 0}; }

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

Status syntax_error() { return invalid_argument("invalid name syntax", sqlstate::kInvalidName); }

}  // namespace

std::optional<ProcedureRef> find_procedure(Oid oid) {
  if (const FunctionInfo* f = find_function(oid)) return of(*f);
  if (const AggregateInfo* a = find_aggregate(oid)) return of(*a);
  if (const IoFunction* f = find_io_function(oid)) return of(*f);
  return std::nullopt;
}

std::vector<ProcedureRef> find_procedures(std::string_view name) {
  std::vector<ProcedureRef> out;
  for (const IoFunction& f : io_functions())
    if (f.name == name) out.push_back(of(f));
  for (const FunctionInfo* f : all_functions())
    if (f->name == name) out.push_back(of(*f));
  for (const AggregateInfo& a : all_aggregates())
    if (a.name == name) out.push_back(of(a));
  return out;
}

std::string argument_list(const ProcedureRef& f, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < f.args->size(); ++i) {
    if (i > 0) out += separator;
    if (f.variadic != 0 && i + 1 == f.args->size()) out += "VARIADIC ";
    out += format_type((*f.args)[i]);
  }
  return out;
}

Result<std::vector<std::string>> split_name(std::string_view s) {
  std::vector<std::string> parts;
  size_t i = 0;
  const auto skip = [&] {
    while (i < s.size() && is_blank(s[i])) ++i;
  };
  while (true) {
    skip();
    std::string part;
    if (i < s.size() && s[i] == '"') {
      for (++i;; ++i) {
        if (i >= s.size()) return syntax_error();
        if (s[i] == '"' && (i + 1 >= s.size() || s[i + 1] != '"')) break;
        if (s[i] == '"') ++i;
        part += s[i];
      }
      ++i;
    } else {
      for (; i < s.size() && s[i] != '.' && !is_blank(s[i]); ++i)
        part += s[i] >= 'A' && s[i] <= 'Z' ? static_cast<char>(s[i] + 32) : s[i];
    }
    if (part.empty()) return syntax_error();
    parts.push_back(std::move(part));
    skip();
    if (i == s.size()) return parts;
    if (s[i] != '.') return syntax_error();
    ++i;
  }
}

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : ".") + p;
  return out;
}

Result<Oid> resolve_relation(const CatalogView& view, const std::vector<std::string>& parts) {
  const Status missing = Status(StatusCode::kNotFound, sqlstate::kUndefinedTable,
                                "relation \"" + joined(parts) + "\" does not exist");
  std::optional<Relation> r;
  if (parts.size() == 1) {
    r = view.relation(parts[0]);
  } else {
    // A first part of three is the database's own name; another's can't be seen.
    const std::string& schema_name = parts[parts.size() - 2];
    std::optional<SchemaName> schema = view.schema(schema_name);
    if (!schema) return missing;
    r = view.relation(schema->oid, parts.back());
  }
  if (!r) return missing;
  return r->oid;
}

Result<Oid> resolve_procedure(const std::vector<std::string>& parts) {
  const bool elsewhere = parts.size() > 1 && parts[parts.size() - 2] != "pg_catalog";
  std::vector<ProcedureRef> found;
  if (!elsewhere) found = find_procedures(parts.back());
  if (found.empty())
    return Status(StatusCode::kNotFound, sqlstate::kUndefinedFunction,
                  "function \"" + joined(parts) + "\" does not exist");
  if (found.size() > 1)
    return Status(StatusCode::kInvalidArgument, sqlstate::kAmbiguousFunction,
                  "more than one function named \"" + joined(parts) + "\"");
  return found[0].oid;
}

// name(type, type)
Result<Oid> resolve_signature(std::string_view text) {
  const Status missing = Status(StatusCode::kNotFound, sqlstate::kUndefinedFunction,
                                "function \"" + std::string(text) + "\" does not exist");
  const size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')'))
    return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidTextRepresentation,
                  "expected a left parenthesis");
  ASSIGN_OR_RETURN(std::vector<std::string> parts, split_name(text.substr(0, open)));
  std::vector<Oid> types;
  std::string_view list = text.substr(open + 1, text.size() - open - 2);
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    while (!one.empty() && is_blank(one.front())) one.remove_prefix(1);
    while (!one.empty() && is_blank(one.back())) one.remove_suffix(1);
    list.remove_prefix(std::min(comma + 1, list.size()));
    ASSIGN_OR_RETURN(Type type, parse_type_name(one));
    types.push_back(type.oid);
  }
  for (const ProcedureRef& f : find_procedures(parts.back()))
    if (std::equal(f.args->begin(), f.args->end(), types.begin(), types.end())) return f.oid;
  return missing;
}

std::string procedure_name(Oid oid) {
  std::optional<ProcedureRef> f = find_procedure(oid);
  if (!f) return {};
  const std::string name = quoted_identifier(f->name);
  return find_procedures(f->name).size() == 1 ? name : "pg_catalog." + name;
}

}  // namespace
}  // namespace system

Result<Oid> CatalogReader::resolve(Oid type, std::string_view name) const {
  if (type == oid::kRegprocedure) return system::resolve_signature(name);
  ASSIGN_OR_RETURN(std::vector<std::string> parts, system::split_name(name));
  switch (type) {
    case oid::kRegclass:
      return system::resolve_relation(view_, parts);
    case oid::kRegproc:
      return system::resolve_procedure(parts);
    case oid::kRegnamespace:
      if (parts.size() > 1) return system::syntax_error();
      if (std::optional<system::SchemaName> s = view_.schema(parts[0])) return s->oid;
      return Status(StatusCode::kNotFound, sqlstate::kInvalidSchemaName,
                    "schema \"" + parts[0] + "\" does not exist");
    case oid::kRegrole:
      if (parts.size() > 1) return system::syntax_error();
      if (parts[0] == "postgres" || parts[0] == facts_.user) return Oid{system::kSuperuser};
      return Status(StatusCode::kNotFound, sqlstate::kUndefinedObject,
                    "role \"" + parts[0] + "\" does not exist");
    default:
      return unimplemented("names of type " + format_type(type));
  }
}

std::string CatalogReader::name_of(Oid type, Oid object) const {
  switch (type) {
    case oid::kRegclass: {
      std::optional<system::Relation> r = view_.relation(object);
      return r ? view_.display_name(*r) : std::string();
    }
    case oid::kRegproc:
      return system::procedure_name(object);
    case oid::kRegprocedure: {
      std::optional<system::ProcedureRef> f = system::find_procedure(object);
      return f ? quoted_identifier(f->name) + "(" + system::argument_list(*f, ",") + ")"
               : std::string();
    }
    case oid::kRegnamespace:
      if (object == 99) return "pg_toast";
      return quoted_identifier(view_.schema_name(object)) == "\"\""
                 ? std::string()
                 : quoted_identifier(view_.schema_name(object));
    case oid::kRegrole:
      return object == system::kSuperuser ? "postgres" : std::string();
    default:
      return {};
  }
}

}  // namespace quorate::sql

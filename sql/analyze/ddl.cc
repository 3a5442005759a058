// DDL: types resolved, default and check expressions bound and deparsed.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include "sql/analyze/ddl_analyze.h"
#include "sql/types/key_encoding.h"

namespace quorate::sql {
namespace {

std::string text_of(const char* s) { return s != nullptr ? s : ""; }

// A table under construction, so that expressions can be bound to its columns.
TablePtr shape_of(const std::vector<ColumnDefinition>& columns, const std::string& name) {
  auto t = std::make_shared<TableDescriptor>();
  t->name = name;
  for (const auto& c : columns) {
    ColumnDescriptor d;
    d.id = static_cast<ColumnId>(t->columns.size() + 1);
    d.name = c.name;
    d.type = c.type;
    t->columns.push_back(std::move(d));
  }
  return t;
}

std::string quote_identifier(const std::string& name) {
  bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9');
  for (char c : name) plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  // Key words need no quotes in an expression only where they are not reserved: quote the few that
  // make columns' names.
  for (std::string_view word :
       {"user",    "order", "group", "select", "from",        "where",      "table",   "check",
        "default", "end",   "case",  "limit",  "offset",      "all",        "and",     "or",
        "not",     "null",  "true",  "false",  "in",          "is",         "like",    "desc",
        "asc",     "when",  "then",  "else",   "column",      "constraint", "primary", "references",
        "unique",  "using", "with",  "window", "current_user"})
    plain &= name != word;
  if (plain) return name;
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += c;
    out += c;
  }
  return out + "\"";
}

class DdlAnalyzer {
 public:
  DdlAnalyzer(const ParsedStatement& parsed, Analyzer& a) : parsed_(parsed), a_(a) {}

  Result<std::optional<Ddl>> run() {
    const Node& n = *parsed_.node();
    switch (n.node_case) {
      case PG_QUERY__NODE__NODE_CREATE_STMT:
        return wrap(create_table(*n.create_stmt));
      case PG_QUERY__NODE__NODE_INDEX_STMT:
        return wrap(create_index(*n.index_stmt));
      case PG_QUERY__NODE__NODE_DROP_STMT:
        return wrap(drop(*n.drop_stmt));
      case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
        return wrap(truncate(*n.truncate_stmt));
      case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
        return wrap(alter_table(*n.alter_table_stmt));
      case PG_QUERY__NODE__NODE_RENAME_STMT:
        return wrap(rename(*n.rename_stmt));
      case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
        return wrap(create_sequence(*n.create_seq_stmt));
      case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
        return wrap(alter_sequence(*n.alter_seq_stmt));
      case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
        return wrap(create_schema(*n.create_schema_stmt));
      case PG_QUERY__NODE__NODE_CREATEDB_STMT:
        return wrap(create_database(*n.createdb_stmt));
      case PG_QUERY__NODE__NODE_DROPDB_STMT:
        return std::optional<Ddl>(
            DropDatabase{text_of(n.dropdb_stmt->dbname), n.dropdb_stmt->missing_ok != 0});
      case PG_QUERY__NODE__NODE_INSERT_STMT:
        if (parsed_.split_at() != SplitKind::kNone) return wrap(split_at(*n.insert_stmt));
        return std::optional<Ddl>();
      default:
        return std::optional<Ddl>();
    }
  }

 private:
  template <class T>
  static Result<std::optional<Ddl>> wrap(Result<T> r) {
    if (!r.ok()) return r.status();
    return std::optional<Ddl>(Ddl(std::move(r).value()));
  }

  int32_t position(int32_t location) const { return error_position(parsed_.source(), location); }

  ObjectName name_of(const PgQuery__RangeVar& v) const {
    return {text_of(v.catalogname), text_of(v.schemaname), text_of(v.relname),
            position(v.location)};
  }
  static ObjectName name_of_list(Node* const* items, size_t n) {
    ObjectName out;
    if (n > 0) out.name = string_of(items[n - 1]);
    if (n > 1) out.schema = string_of(items[n - 2]);
    if (n > 2) out.database = string_of(items[n - 3]);
    return out;
  }
  static std::vector<std::string> strings(Node* const* items, size_t n) {
    std::vector<std::string> out;
    for (size_t i = 0; i < n; ++i) out.push_back(string_of(items[i]));
    return out;
  }

  // An expression bound to the table's columns, as PostgreSQL prints it.
  Result<std::string> bound_text(const Node* n, const TablePtr& table, Place place,
                                 std::optional<Type> type, const std::string& column,
                                 std::vector<std::string>* used) {
    Query q;
    ScopeGuard scope(a_, &q);
    RETURN_IF_ERROR(a_.open_table(q, table));
    ASSIGN_OR_RETURN(ExprPtr e, a_.expr_in(n, place));
    if (!type && e->type.oid == oid::kUnknown) {
      ASSIGN_OR_RETURN(e, a_.assign(std::move(e), Type{oid::kBool, -1}, column));
    }
    // A default is kept as it was written: what assignment to the column's type adds is not shown,
    // and is added again where the text is read. (A literal without a type becomes one of the
    // column's.)
    ExprPtr written;
    if (type) {
      written = clone(*e);
      if (e->type.oid == oid::kUnknown) {
        ASSIGN_OR_RETURN(written, default_value(std::move(written), Type{type->oid, -1}, column));
      }
    }
    if (type) {
      ASSIGN_OR_RETURN(e, default_value(std::move(e), *type, column));
    } else if (e->type.oid != oid::kBool) {
      return a_.fail(sqlstate::kDatatypeMismatch,
                     "argument of CHECK must be type boolean, not type " + format_type(e->type.oid),
                     e->location);
    }
    if (used != nullptr)
      walk(*e, [&](const Expr& x) {
        if (x.kind != ExprKind::kColumn) return;
        const std::string& name = table->columns[x.index].name;
        if (std::find(used->begin(), used->end(), name) == used->end()) used->push_back(name);
      });
    return deparse(written ? *written : *e, [&](uint32_t, uint32_t index) {
      return quote_identifier(table->columns[index].name);
    });
  }

  Result<ExprPtr> default_value(ExprPtr e, Type type, const std::string& column) {
    Type given = e->type;
    int32_t location = e->location;
    auto cast = a_.assign(std::move(e), type, column);
    if (cast.ok() || cast.status().sqlstate() != sqlstate::kDatatypeMismatch) return cast;
    return a_
        .fail(sqlstate::kDatatypeMismatch,
              "column \"" + column + "\" is of type " + format_type(type.oid) +
                  " but default expression is of type " + format_type(given.oid),
              location)
        .with_hint("You will need to rewrite or cast the expression.");
  }

  // --- columns and constraints ---

  static const char* serial_type(const PgQuery__TypeName& t, Oid* type) {
    if (t.n_names != 1 || t.n_array_bounds > 0) return nullptr;
    std::string name = string_of(t.names[0]);
    if (name == "serial" || name == "serial4") return *type = oid::kInt4, "serial";
    if (name == "bigserial" || name == "serial8") return *type = oid::kInt8, "bigserial";
    if (name == "smallserial" || name == "serial2") return *type = oid::kInt2, "smallserial";
    return nullptr;
  }

  struct Parts {
    std::vector<KeyDefinition>* keys;
    std::vector<ForeignKeyDefinition>* foreign_keys;
    // Bound when all columns are known.
    std::vector<std::pair<const PgQuery__Constraint*, std::string>>* checks;
    std::vector<std::pair<const Node*, size_t>>* defaults;
  };

  Result<ColumnDefinition> column(const PgQuery__ColumnDef& d, size_t index, const Parts& parts) {
    ColumnDefinition out;
    out.name = text_of(d.colname);
    out.position = position(d.location);
    out.not_null = d.is_not_null != 0;
    if (d.coll_clause != nullptr) {
      const auto& c = *d.coll_clause;
      std::string collation = string_of(c.collname[c.n_collname - 1]);
      if (collation != "C" && collation != "default" && collation != "POSIX")
        return a_.fail(sqlstate::kUndefinedObject,
                       "collation \"" + collation + "\" for encoding \"UTF8\" does not exist",
                       c.location);
    }
    Oid serial = 0;
    if (serial_type(*d.type_name, &serial) != nullptr) {
      out.type = Type{serial, -1};
      out.serial = out.not_null = true;
    } else {
      ASSIGN_OR_RETURN(out.type, a_.type_name(*d.type_name));
      if (type_info(out.type.oid).is_pseudo())
        return a_.fail(sqlstate::kInvalidTableDefinition,
                       "column \"" + out.name + "\" has pseudo-type " + format_type(out.type.oid));
    }
    if (d.raw_default != nullptr) parts.defaults->emplace_back(d.raw_default, index);
    for (size_t i = 0; i < d.n_constraints; ++i)
      RETURN_IF_ERROR(column_constraint(*d.constraints[i]->constraint, index, &out, parts));
    return out;
  }

  Status column_constraint(const PgQuery__Constraint& c, size_t index, ColumnDefinition* out,
                           const Parts& parts) {
    switch (c.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_NULL:
        return {};
      case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL:
        out->not_null = true;
        return {};
      case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT:
        if (out->serial)
          return a_.fail(sqlstate::kSyntaxError,
                         "multiple default values specified for column \"" + out->name + "\"",
                         c.location);
        parts.defaults->emplace_back(c.raw_expr, index);
        return {};
      case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY:
        out->identity = text_of(c.generated_when) == "a" ? Identity::kAlways : Identity::kByDefault;
        out->not_null = true;
        if (out->type.oid != oid::kInt2 && out->type.oid != oid::kInt4 &&
            out->type.oid != oid::kInt8)
          return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidParameterValue,
                        "identity column type must be smallint, integer, or bigint");
        return sequence_options(c.options, c.n_options, &out->sequence);
      case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED:
        return a_.unsupported("GENERATED ALWAYS AS (expression)", c.location);
      case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
      case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
      case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
        return constraint(c, out->name, parts);
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_IMMEDIATE:
        return {};
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
      case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
        return a_.unsupported("a deferrable constraint", c.location);
      default:
        return a_.unsupported("this constraint", c.location);
    }
  }

  // `column`: the column it stands at; empty for a constraint of the table.
  Status constraint(const PgQuery__Constraint& c, const std::string& column, const Parts& parts) {
    if (c.deferrable || c.initdeferred)
      return a_.unsupported("a deferrable constraint", c.location);
    if (c.n_including > 0) return a_.unsupported("INCLUDE", c.location);
    switch (c.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
        parts.checks->emplace_back(&c, column);
        return {};
      case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
      case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE: {
        if (c.nulls_not_distinct) return a_.unsupported("NULLS NOT DISTINCT", c.location);
        KeyDefinition k;
        k.primary = c.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
        k.name = text_of(c.conname);
        k.columns = strings(c.keys, c.n_keys);
        if (k.columns.empty() && !column.empty()) k.columns.push_back(column);
        k.using_index = text_of(c.indexname);
        if (!k.using_index.empty())
          return a_.unsupported("ADD CONSTRAINT ... USING INDEX", c.location);
        k.position = position(c.location);
        parts.keys->push_back(std::move(k));
        return {};
      }
      case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
        return foreign_key(c, column, parts);
      case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
        return a_.unsupported("an exclusion constraint", c.location);
      default:
        return a_.unsupported("this constraint", c.location);
    }
  }

  Status foreign_key(const PgQuery__Constraint& c, const std::string& column, const Parts& parts) {
    ForeignKeyDefinition f;
    f.name = text_of(c.conname);
    f.columns = strings(c.fk_attrs, c.n_fk_attrs);
    if (f.columns.empty()) f.columns.push_back(column);
    f.referenced = name_of(*c.pktable);
    f.referenced_columns = strings(c.pk_attrs, c.n_pk_attrs);
    std::string match = text_of(c.fk_matchtype);
    if (match == "f") return a_.unsupported("MATCH FULL", c.location);
    if (match == "p") return a_.unsupported("MATCH PARTIAL", c.location);
    if (c.n_fk_del_set_cols > 0) return a_.unsupported("ON DELETE SET ... (columns)", c.location);
    auto action = [](const char* s) {
      return s == nullptr || s[0] == '\0' ? ForeignKeyAction::kNoAction
                                          : static_cast<ForeignKeyAction>(s[0]);
    };
    f.on_update = action(c.fk_upd_action);
    f.on_delete = action(c.fk_del_action);
    f.not_valid = c.skip_validation != 0;
    f.position = position(c.location);
    parts.foreign_keys->push_back(std::move(f));
    return {};
  }

  Result<CheckDefinition> check(const PgQuery__Constraint& c, const TablePtr& table) {
    CheckDefinition out;
    out.name = text_of(c.conname);
    out.not_valid = c.skip_validation != 0;
    ASSIGN_OR_RETURN(out.expression_sql,
                     bound_text(c.raw_expr, table, Place::kCheck, std::nullopt, "", &out.columns));
    return out;
  }

  // --- statements ---

  Status storage_options(Node* const* options, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      const PgQuery__DefElem& d = *options[i]->def_elem;
      std::string name = text_of(d.defname);
      bool known = name == "fillfactor" || name.starts_with("autovacuum_") ||
                   name == "parallel_workers" || name.starts_with("toast");
      if (!known)
        return Status(StatusCode::kInvalidArgument, sqlstate::kInvalidParameterValue,
                      "unrecognized parameter \"" + name + "\"");
    }
    return {};
  }

  Result<CreateTable> create_table(const PgQuery__CreateStmt& s) {
    CreateTable out;
    if (text_of(s.relation->relpersistence) == "t")
      return a_.unsupported("CREATE TEMPORARY TABLE", s.relation->location);
    if (s.n_inh_relations > 0) return a_.unsupported("INHERITS");
    if (s.partspec != nullptr || s.partbound != nullptr) return a_.unsupported("PARTITION");
    if (s.of_typename != nullptr) return a_.unsupported("CREATE TABLE ... OF");
    if (!text_of(s.tablespacename).empty() && text_of(s.tablespacename) != "pg_default")
      return a_.unsupported("TABLESPACE");
    if (!text_of(s.access_method).empty() && text_of(s.access_method) != "heap")
      return a_.unsupported("USING an access method");
    RETURN_IF_ERROR(storage_options(s.options, s.n_options));
    out.name = name_of(*s.relation);
    out.if_not_exists = s.if_not_exists != 0;

    std::vector<std::pair<const PgQuery__Constraint*, std::string>> checks;
    std::vector<std::pair<const Node*, size_t>> defaults;
    Parts parts{&out.keys, &out.foreign_keys, &checks, &defaults};
    for (size_t i = 0; i < s.n_table_elts; ++i) {
      const Node& e = *s.table_elts[i];
      if (e.node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
        ASSIGN_OR_RETURN(auto c, column(*e.column_def, out.columns.size(), parts));
        for (const auto& other : out.columns)
          if (other.name == c.name)
            return Status(StatusCode::kInvalidArgument, sqlstate::kDuplicateColumn,
                          "column \"" + c.name + "\" specified more than once");
        out.columns.push_back(std::move(c));
      } else if (e.node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
        RETURN_IF_ERROR(constraint(*e.constraint, "", parts));
      } else {
        return a_.unsupported("CREATE TABLE ... (LIKE ...)");
      }
    }
    for (size_t i = 0; i < s.n_constraints; ++i)
      RETURN_IF_ERROR(constraint(*s.constraints[i]->constraint, "", parts));
    TablePtr shape = shape_of(out.columns, out.name.name);
    for (auto [node, index] : defaults) {
      ColumnDefinition& c = out.columns[index];
      ASSIGN_OR_RETURN(c.default_sql,
                       bound_text(node, shape, Place::kDefault, c.type, c.name, nullptr));
    }
    for (const auto& [c, at] : checks) {
      ASSIGN_OR_RETURN(auto d, check(*c, shape));
      out.checks.push_back(std::move(d));
    }
    return out;
  }

  Result<CreateIndex> create_index(const PgQuery__IndexStmt& s) {
    CreateIndex out;
    out.name = text_of(s.idxname);
    out.table = name_of(*s.relation);
    out.unique = s.unique != 0;
    out.concurrently = s.concurrent != 0;
    out.if_not_exists = s.if_not_exists != 0;
    std::string method = text_of(s.access_method);
    if (!method.empty() && method != "btree") return a_.unsupported("an index of method " + method);
    if (s.where_clause != nullptr) return a_.unsupported("a partial index");
    if (s.n_index_including_params > 0) return a_.unsupported("INCLUDE");
    if (s.nulls_not_distinct) return a_.unsupported("NULLS NOT DISTINCT");
    RETURN_IF_ERROR(storage_options(s.options, s.n_options));
    for (size_t i = 0; i < s.n_index_params; ++i) {
      const PgQuery__IndexElem& e = *s.index_params[i]->index_elem;
      if (e.expr != nullptr) return a_.unsupported("an index on an expression");
      CreateIndex::Column c;
      c.name = text_of(e.name);
      c.descending = e.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
      c.nulls_first =
          e.nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
          (c.descending && e.nulls_ordering != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST);
      for (size_t k = 0; k < e.n_opclass; ++k) {
        std::string op = string_of(e.opclass[k]);
        if (op != "pg_catalog" && !op.ends_with("_pattern_ops") && !op.ends_with("_ops"))
          return a_.unsupported("the operator class " + op);
      }
      out.columns.push_back(std::move(c));
    }
    return out;
  }

  Result<DropObjects> drop(const PgQuery__DropStmt& s) {
    DropObjects out;
    switch (s.remove_type) {
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
        out.kind = ObjectKind::kTable;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        out.kind = ObjectKind::kIndex;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        out.kind = ObjectKind::kSequence;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        out.kind = ObjectKind::kSchema;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
        out.kind = ObjectKind::kView;
        break;
      default:
        return unimplemented(parsed_.tag());
    }
    out.if_exists = s.missing_ok != 0;
    out.cascade = s.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    out.concurrently = s.concurrent != 0;
    for (size_t i = 0; i < s.n_objects; ++i) {
      const Node& n = *s.objects[i];
      if (n.node_case == PG_QUERY__NODE__NODE_LIST)
        out.names.push_back(name_of_list(n.list->items, n.list->n_items));
      else
        out.names.push_back({"", "", string_of(&n), 0});
    }
    return out;
  }

  Result<Truncate> truncate(const PgQuery__TruncateStmt& s) {
    Truncate out;
    for (size_t i = 0; i < s.n_relations; ++i)
      out.names.push_back(name_of(*s.relations[i]->range_var));
    out.restart_identity = s.restart_seqs != 0;
    out.cascade = s.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    return out;
  }

  Result<CreateSchema> create_schema(const PgQuery__CreateSchemaStmt& s) {
    if (s.n_schema_elts > 0) return a_.unsupported("CREATE SCHEMA with objects");
    CreateSchema out{text_of(s.schemaname), s.if_not_exists != 0};
    if (out.name.empty() && s.authrole != nullptr) out.name = text_of(s.authrole->rolename);
    return out;
  }

  Result<CreateDatabase> create_database(const PgQuery__CreatedbStmt& s) {
    for (size_t i = 0; i < s.n_options; ++i) {
      std::string name = text_of(s.options[i]->def_elem->defname);
      // What every database here has anyway, or what has no meaning for one.
      bool known = name == "template" || name == "owner" || name == "encoding" ||
                   name == "lc_collate" || name == "lc_ctype" || name == "locale" ||
                   name == "connection_limit";
      if (!known) return a_.unsupported("CREATE DATABASE ... " + name);
    }
    return CreateDatabase{text_of(s.dbname)};
  }

  // --- sequences ---

  static std::optional<int64_t> integer(const Node* n) {
    if (n == nullptr) return std::nullopt;
    if (n->node_case == PG_QUERY__NODE__NODE_INTEGER) return n->integer->ival;
    if (n->node_case == PG_QUERY__NODE__NODE_FLOAT) {
      errno = 0;
      char* end = nullptr;
      long long v = std::strtoll(n->float_->fval, &end, 10);
      if (errno == 0 && *end == '\0') return v;
    }
    return std::nullopt;
  }

  Status sequence_options(Node* const* options, size_t n, SequenceOptions* out) {
    for (size_t i = 0; i < n; ++i) {
      const PgQuery__DefElem& d = *options[i]->def_elem;
      std::string name = text_of(d.defname);
      auto number = [&](std::optional<int64_t>* to) -> Status {
        *to = integer(d.arg);
        if (*to) return {};
        return a_.fail(sqlstate::kSyntaxError, name + " requires an integer value", d.location);
      };
      if (name == "as") {
        ASSIGN_OR_RETURN(Type t, a_.type_name(*d.arg->type_name));
        if (t.oid != oid::kInt2 && t.oid != oid::kInt4 && t.oid != oid::kInt8)
          return invalid_argument("sequence type must be smallint, integer, or bigint");
        out->type = t.oid;
      } else if (name == "start") {
        RETURN_IF_ERROR(number(&out->start));
      } else if (name == "increment") {
        RETURN_IF_ERROR(number(&out->increment));
      } else if (name == "minvalue") {
        out->no_min = d.arg == nullptr;
        if (d.arg != nullptr) RETURN_IF_ERROR(number(&out->min));
      } else if (name == "maxvalue") {
        out->no_max = d.arg == nullptr;
        if (d.arg != nullptr) RETURN_IF_ERROR(number(&out->max));
      } else if (name == "cache") {
        RETURN_IF_ERROR(number(&out->cache));
      } else if (name == "cycle") {
        out->cycle = d.arg == nullptr || d.arg->boolean->boolval != 0;
      } else if (name == "restart") {
        out->restart_at_start = d.arg == nullptr;
        if (d.arg != nullptr) RETURN_IF_ERROR(number(&out->restart));
      } else if (name == "owned_by") {
        const PgQuery__List& l = *d.arg->list;
        if (l.n_items == 1) {
          out->owned_by_none = true;  // OWNED BY NONE
        } else {
          out->owned_by_table = name_of_list(l.items, l.n_items - 1);
          out->owned_by_column = string_of(l.items[l.n_items - 1]);
        }
      } else {
        return a_.unsupported("the sequence option " + name, d.location);
      }
    }
    return {};
  }

  Result<CreateSequence> create_sequence(const PgQuery__CreateSeqStmt& s) {
    if (text_of(s.sequence->relpersistence) == "t")
      return a_.unsupported("CREATE TEMPORARY SEQUENCE");
    CreateSequence out;
    out.name = name_of(*s.sequence);
    out.if_not_exists = s.if_not_exists != 0;
    RETURN_IF_ERROR(sequence_options(s.options, s.n_options, &out.options));
    return out;
  }

  Result<AlterSequence> alter_sequence(const PgQuery__AlterSeqStmt& s) {
    AlterSequence out;
    out.name = name_of(*s.sequence);
    out.if_exists = s.missing_ok != 0;
    RETURN_IF_ERROR(sequence_options(s.options, s.n_options, &out.options));
    return out;
  }

  // --- ALTER ---

  Result<AlterTable> alter_table(const PgQuery__AlterTableStmt& s) {
    AlterTable out;
    if (s.objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) return unimplemented(parsed_.tag());
    out.name = name_of(*s.relation);
    out.if_exists = s.missing_ok != 0;
    TablePtr table =
        find_table(a_.context(), text_of(s.relation->schemaname), text_of(s.relation->relname));
    if (!table) {
      // Without position, as PostgreSQL; what is no table at all is refused by its name.
      if (!out.if_exists)
        return Status(
            StatusCode::kNotFound, sqlstate::kUndefinedTable,
            "relation \"" +
                (out.name.schema.empty() ? out.name.name : out.name.schema + "." + out.name.name) +
                "\" does not exist");
      return out;
    }
    for (size_t i = 0; i < s.n_cmds; ++i) {
      ASSIGN_OR_RETURN(auto action, alter(*s.cmds[i]->alter_table_cmd, table));
      out.actions.push_back(std::move(action));
    }
    return out;
  }

  Result<AlterAction> alter(const PgQuery__AlterTableCmd& c, const TablePtr& table) {
    bool cascade = c.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
    switch (c.subtype) {
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
        return add_column(c, table);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
        return AlterAction(DropColumn{text_of(c.name), c.missing_ok != 0, cascade});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault: {
        SetDefault out{text_of(c.name), ""};
        const ColumnDescriptor* column = table->column(std::string_view(out.column));
        if (column == nullptr) return missing_column(out.column, *table);
        if (c.def != nullptr) {
          ASSIGN_OR_RETURN(out.default_sql, bound_text(c.def, table, Place::kDefault, column->type,
                                                       column->name, nullptr));
        }
        return AlterAction(std::move(out));
      }
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
        return AlterAction(SetNotNull{text_of(c.name), true});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
        return AlterAction(SetNotNull{text_of(c.name), false});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
        return add_constraint(*c.def->constraint, table);
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
        return AlterAction(DropConstraint{text_of(c.name), c.missing_ok != 0, cascade});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
        return AlterAction(ValidateConstraint{text_of(c.name)});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions:
        if (c.def != nullptr && c.def->node_case == PG_QUERY__NODE__NODE_LIST)
          RETURN_IF_ERROR(storage_options(c.def->list->items, c.def->list->n_items));
        return AlterAction(AlterNothing{});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStorage:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_SetCompression:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ClusterOn:
      case PG_QUERY__ALTER_TABLE_TYPE__AT_DropCluster:
        return AlterAction(AlterNothing{});
      case PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner:
        if (c.newowner != nullptr && text_of(c.newowner->rolename) == a_.context().user)
          return AlterAction(AlterNothing{});
        return a_.unsupported("OWNER TO another role");
      case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
        return a_.unsupported("ALTER COLUMN ... TYPE");
      default:
        return a_.unsupported("this form of ALTER TABLE");
    }
  }

  Status missing_column(const std::string& name, const TableDescriptor& table) {
    return Status(StatusCode::kNotFound, sqlstate::kUndefinedColumn,
                  "column \"" + name + "\" of relation \"" + table.name + "\" does not exist");
  }

  Result<AlterAction> add_column(const PgQuery__AlterTableCmd& c, const TablePtr& table) {
    AddColumn out;
    out.if_not_exists = c.missing_ok != 0;
    std::vector<std::pair<const PgQuery__Constraint*, std::string>> checks;
    std::vector<std::pair<const Node*, size_t>> defaults;
    Parts parts{&out.keys, &out.foreign_keys, &checks, &defaults};
    ASSIGN_OR_RETURN(out.column, column(*c.def->column_def, 0, parts));
    auto shape = std::make_shared<TableDescriptor>(*table);
    ColumnDescriptor d;
    d.name = out.column.name;
    d.type = out.column.type;
    d.id = shape->next_column;
    shape->columns.push_back(std::move(d));
    for (auto [node, index] : defaults) {
      ASSIGN_OR_RETURN(
          out.column.default_sql,
          bound_text(node, shape, Place::kDefault, out.column.type, out.column.name, nullptr));
    }
    for (const auto& [constraint, at] : checks) {
      ASSIGN_OR_RETURN(auto bound, check(*constraint, shape));
      out.checks.push_back(std::move(bound));
    }
    return AlterAction(std::move(out));
  }

  Result<AlterAction> add_constraint(const PgQuery__Constraint& c, const TablePtr& table) {
    std::vector<KeyDefinition> keys;
    std::vector<ForeignKeyDefinition> foreign_keys;
    std::vector<std::pair<const PgQuery__Constraint*, std::string>> checks;
    std::vector<std::pair<const Node*, size_t>> defaults;
    RETURN_IF_ERROR(constraint(c, "", Parts{&keys, &foreign_keys, &checks, &defaults}));
    AddConstraint out;
    if (!keys.empty()) {
      out.constraint = std::move(keys[0]);
    } else if (!foreign_keys.empty()) {
      out.constraint = std::move(foreign_keys[0]);
    } else {
      ASSIGN_OR_RETURN(auto bound, check(c, table));
      out.constraint = std::move(bound);
    }
    return AlterAction(std::move(out));
  }

  Result<Rename> rename(const PgQuery__RenameStmt& s) {
    Rename out;
    out.new_name = text_of(s.newname);
    out.if_exists = s.missing_ok != 0;
    if (s.relation != nullptr) out.name = name_of(*s.relation);
    using Kind = Rename::Kind;
    switch (s.rename_type) {
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
        out.kind = Kind::kTable;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
        out.kind = Kind::kIndex;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        out.kind = Kind::kSequence;
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
        out.kind = Kind::kColumn;
        out.old_part = text_of(s.subname);
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
        out.kind = Kind::kConstraint;
        out.old_part = text_of(s.subname);
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        out.kind = Kind::kSchema;
        out.name.name = text_of(s.subname);
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_DATABASE:
        out.kind = Kind::kDatabase;
        out.name.name = text_of(s.subname);
        break;
      default:
        return unimplemented(parsed_.tag());
    }
    return out;
  }

  Result<SplitAt> split_at(const PgQuery__InsertStmt& s) {
    SplitAt out;
    if (parsed_.split_at() == SplitKind::kTable) {
      ASSIGN_OR_RETURN(out.table, a_.table_of(*s.relation));
    } else {
      ASSIGN_OR_RETURN(out.table, a_.table_of_index(*s.relation, &out.index));
    }
    const IndexDescriptor& index = out.table->indexes[out.index];
    Query q;
    ScopeGuard scope(a_, &q);
    const PgQuery__SelectStmt& v = *s.select_stmt->select_stmt;
    for (size_t i = 0; i < v.n_values_lists; ++i) {
      const PgQuery__List& row = *v.values_lists[i]->list;
      if (row.n_items > index.columns.size())
        return a_.fail(sqlstate::kSyntaxError,
                       out.index == 0 ? "SPLIT AT has more values than the primary key has columns"
                                      : "SPLIT AT has more values than the index has columns");
      auto& values = out.rows.emplace_back();
      for (size_t k = 0; k < row.n_items; ++k) {
        const ColumnDescriptor* c = out.table->column(index.columns[k].column);
        Type type = c != nullptr ? c->type : Type{oid::kInt8, -1};
        ASSIGN_OR_RETURN(ExprPtr e, a_.expr_in(row.items[k], Place::kValues));
        ASSIGN_OR_RETURN(e, a_.assign(std::move(e), type, c != nullptr ? c->name : "rowid"));
        if (!is_constant(*e) || e->value.is_null())
          return a_.fail(sqlstate::kSyntaxError, "SPLIT AT takes constants that are not null",
                         e->location);
        values.push_back(e->value);
      }
    }
    return out;
  }

  const ParsedStatement& parsed_;
  Analyzer& a_;
};

}  // namespace

Result<std::optional<Ddl>> analyze_ddl(const ParsedStatement& parsed, Analyzer& analyzer) {
  return DdlAnalyzer(parsed, analyzer).run();
}

}  // namespace quorate::sql

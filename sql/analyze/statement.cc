// Statements that are not queries: what the session does by itself.
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <charconv>

#include "sql/analyze/analyzer.h"
#include "sql/analyze/ddl_analyze.h"
#include "sql/parse/command_tag.h"

namespace quorate::sql {
namespace {

std::string text_of(const char* s) { return s != nullptr ? s : ""; }

bool is_const_string(const Node* n, std::string* out) {
  if (n == nullptr) return false;
  if (n->node_case == PG_QUERY__NODE__NODE_A_CONST &&
      n->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
    *out = n->a_const->sval->sval;
    return true;
  }
  if (n->node_case == PG_QUERY__NODE__NODE_STRING) {
    *out = n->string->sval;
    return true;
  }
  return false;
}

// The text of an option's or a setting's value.
std::string value_text(const Node* n) {
  std::string s;
  if (n == nullptr || is_const_string(n, &s)) return s;
  switch (n->node_case) {
    case PG_QUERY__NODE__NODE_A_CONST:
      switch (n->a_const->val_case) {
        case PG_QUERY__A__CONST__VAL_IVAL:
          return std::to_string(n->a_const->ival->ival);
        case PG_QUERY__A__CONST__VAL_FVAL:
          return n->a_const->fval->fval;
        case PG_QUERY__A__CONST__VAL_BOOLVAL:
          return n->a_const->boolval->boolval ? "true" : "false";
        default:
          return "";
      }
    case PG_QUERY__NODE__NODE_INTEGER:
      return std::to_string(n->integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT:
      return n->float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN:
      return n->boolean->boolval ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_CAST:
      return value_text(n->type_cast->arg);
    default:
      return "";
  }
}

std::string lower(std::string s) {
  for (char& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return s;
}

// Utility statements find their relations when they run: PostgreSQL shows no place in the text.
Status without_position(Status s) { return std::move(s).with_position(0); }

// PostgreSQL's defGetBoolean; a missing value means true.
Result<bool> bool_option(const PgQuery__DefElem& d) {
  if (d.arg == nullptr) return true;
  std::string v = lower(value_text(d.arg));
  if (v == "true" || v == "on" || v == "1") return true;
  if (v == "false" || v == "off" || v == "0") return false;
  return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                text_of(d.defname) + " requires a Boolean value");
}

Status transaction_modes(Node* const* options, size_t n, TransactionModes* out) {
  for (size_t i = 0; i < n; ++i) {
    const PgQuery__DefElem& d = *options[i]->def_elem;
    std::string name = text_of(d.defname), value = value_text(d.arg);
    if (name == "transaction_isolation") {
      out->isolation = value == "serializable"      ? range::Isolation::kSerializable
                       : value == "repeatable read" ? range::Isolation::kRepeatableRead
                                                    : range::Isolation::kReadCommitted;
      out->uncommitted = value == "read uncommitted";
    } else if (name == "transaction_read_only") {
      out->read_only = value != "0" && value != "false";
    } else if (name == "transaction_deferrable") {
      out->deferrable = value != "0" && value != "false";
    } else {
      return unimplemented("the transaction option " + name);
    }
  }
  return {};
}

Result<StatementBody> transaction(const PgQuery__TransactionStmt& s) {
  TransactionStatement out;
  using Kind = TransactionStatement::Kind;
  switch (s.kind) {
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_BEGIN:
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_START:
      out.kind = Kind::kBegin;
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_COMMIT:
      out.kind = Kind::kCommit;
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK:
      out.kind = Kind::kRollback;
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_SAVEPOINT:
      out.kind = Kind::kSavepoint;
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_RELEASE:
      out.kind = Kind::kRelease;
      break;
    case PG_QUERY__TRANSACTION_STMT_KIND__TRANS_STMT_ROLLBACK_TO:
      out.kind = Kind::kRollbackTo;
      break;
    default:
      return unimplemented("two-phase commit");
  }
  RETURN_IF_ERROR(transaction_modes(s.options, s.n_options, &out.modes));
  out.savepoint = text_of(s.savepoint_name);
  out.chain = s.chain != 0;
  return StatementBody(std::move(out));
}

Result<StatementBody> set_variable(const PgQuery__VariableSetStmt& s) {
  SetStatement out;
  using Kind = SetStatement::Kind;
  out.name = lower(text_of(s.name));
  out.is_local = s.is_local != 0;
  switch (s.kind) {
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_VALUE:
      for (size_t i = 0; i < s.n_args; ++i) out.values.push_back(value_text(s.args[i]));
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_DEFAULT:
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET:
      out.kind = Kind::kDefault;
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_RESET_ALL:
      out.kind = Kind::kResetAll;
      break;
    case PG_QUERY__VARIABLE_SET_KIND__VAR_SET_MULTI:
      if (out.name == "transaction snapshot") return unimplemented("SET TRANSACTION SNAPSHOT");
      out.kind =
          out.name == "session characteristics" ? Kind::kCharacteristics : Kind::kTransaction;
      RETURN_IF_ERROR(transaction_modes(s.args, s.n_args, &out.modes));
      break;
    default:
      return unimplemented("SET ... FROM CURRENT");
  }
  return StatementBody(std::move(out));
}

Result<StatementBody> explain(const ParsedStatement& parsed, const PgQuery__ExplainStmt& s) {
  ExplainStatement out;
  for (size_t i = 0; i < s.n_options; ++i) {
    const PgQuery__DefElem& d = *s.options[i]->def_elem;
    std::string name = lower(text_of(d.defname));
    bool* flag = name == "analyze"    ? &out.analyze
                 : name == "verbose"  ? &out.verbose
                 : name == "costs"    ? &out.costs
                 : name == "buffers"  ? &out.buffers
                 : name == "timing"   ? &out.timing
                 : name == "summary"  ? &out.summary
                 : name == "settings" ? &out.settings
                 : name == "wal"      ? &out.wal
                                      : nullptr;
    if (flag != nullptr) {
      ASSIGN_OR_RETURN(*flag, bool_option(d));
      continue;
    }
    if (name != "format")
      return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError,
                    "unrecognized EXPLAIN option \"" + name + "\"")
          .with_position(error_position(parsed.source(), d.location));
    std::string value = lower(value_text(d.arg));
    using Format = ExplainStatement::Format;
    if (value == "text")
      out.format = Format::kText;
    else if (value == "json")
      out.format = Format::kJson;
    else if (value == "xml")
      out.format = Format::kXml;
    else if (value == "yaml")
      out.format = Format::kYaml;
    else
      return invalid_argument("unrecognized value for EXPLAIN option \"format\": \"" + value +
                              "\"");
  }
  out.body = parsed.inner(s.query);
  return StatementBody(std::move(out));
}

Result<StatementBody> declare(const ParsedStatement& parsed, const PgQuery__DeclareCursorStmt& s) {
  DeclareStatement out;
  out.name = text_of(s.portalname);
  // Frozen numbers of the grammar's CURSOR_OPT_*.
  out.binary = (s.options & 0x0001) != 0;
  out.scroll = (s.options & 0x0002) != 0;
  out.no_scroll = (s.options & 0x0004) != 0;
  out.hold = (s.options & 0x0020) != 0;
  out.body = parsed.inner(s.query);
  return StatementBody(std::move(out));
}

StatementBody fetch(const PgQuery__FetchStmt& s) {
  FetchStatement out;
  using D = FetchStatement::Direction;
  out.name = text_of(s.portalname);
  out.count = s.how_many;
  out.move = s.ismove != 0;
  out.direction = s.direction == PG_QUERY__FETCH_DIRECTION__FETCH_BACKWARD   ? D::kBackward
                  : s.direction == PG_QUERY__FETCH_DIRECTION__FETCH_ABSOLUTE ? D::kAbsolute
                  : s.direction == PG_QUERY__FETCH_DIRECTION__FETCH_RELATIVE ? D::kRelative
                                                                             : D::kForward;
  return out;
}

Result<StatementBody> vacuum(Analyzer& a, const PgQuery__VacuumStmt& s) {
  VacuumStatement out;
  out.vacuum = s.is_vacuumcmd != 0;
  out.analyze = !out.vacuum;
  for (size_t i = 0; i < s.n_options; ++i) {
    const PgQuery__DefElem& d = *s.options[i]->def_elem;
    if (lower(text_of(d.defname)) == "analyze") {
      ASSIGN_OR_RETURN(out.analyze, bool_option(d));
    }
  }
  for (size_t i = 0; i < s.n_rels; ++i) {
    Result<TablePtr> t = a.table_of(*s.rels[i]->vacuum_relation->relation);
    if (!t.ok()) return without_position(t.status());
    out.tables.push_back(std::move(*t));
  }
  return StatementBody(std::move(out));
}

Result<StatementBody> lock_table(Analyzer& a, const PgQuery__LockStmt& s) {
  LockTableStatement out;
  out.mode = s.mode;
  out.nowait = s.nowait != 0;
  for (size_t i = 0; i < s.n_relations; ++i) {
    ASSIGN_OR_RETURN(TablePtr t, a.table_of(*s.relations[i]->range_var));
    out.tables.push_back(std::move(t));
  }
  return StatementBody(std::move(out));
}

Result<StatementBody> prepare(Analyzer& a, const ParsedStatement& parsed,
                              const PgQuery__PrepareStmt& s) {
  PrepareStatement out;
  out.name = text_of(s.name);
  for (size_t i = 0; i < s.n_argtypes; ++i) {
    ASSIGN_OR_RETURN(Type t, a.type_name(*s.argtypes[i]->type_name));
    out.params.push_back(Type{t.oid, -1});
  }
  out.body = parsed.inner(s.query);
  if (!out.body.is_query()) return unimplemented("PREPARE of a statement that is not a query");
  return StatementBody(std::move(out));
}

// --- COPY ---

Status syntax(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kSyntaxError, std::move(message));
}

Status one_byte(const char* what, const std::string& value, char* out) {
  if (value.size() != 1)
    return Status(StatusCode::kInvalidArgument, sqlstate::kFeatureNotSupported,
                  std::string("COPY ") + what + " must be a single one-byte character");
  *out = value[0];
  return {};
}

class CopyBuilder {
 public:
  CopyBuilder(Analyzer& a, const PgQuery__CopyStmt& s) : analyzer_(a), s_(s) {}

  Result<StatementBody> build(const ParsedStatement& parsed) {
    if (s_.is_program || (s_.filename != nullptr && s_.filename[0] != '\0'))
      return unimplemented("COPY with a file or program of the server");
    if (s_.where_clause != nullptr) return unimplemented("COPY FROM ... WHERE");
    out_.from = s_.is_from != 0;
    std::vector<std::string> columns;
    for (size_t i = 0; i < s_.n_attlist; ++i) columns.push_back(string_of(s_.attlist[i]));
    if (s_.relation != nullptr) {
      auto target = analyzer_.copy_target(*s_.relation, columns, out_.from);
      if (!target.ok()) return without_position(target.status());
      out_.query = std::move(*target);
    } else {
      ParsedStatement inner = parsed.inner(s_.query);
      if (!inner.is_query()) return unimplemented("COPY of this statement");
      ASSIGN_OR_RETURN(out_.query, analyzer_.query(s_.query));
      RETURN_IF_ERROR(analyzer_.finish_params(out_.query.get()));
    }
    for (size_t i = 0; i < s_.n_options; ++i) RETURN_IF_ERROR(option(*s_.options[i]->def_elem));
    RETURN_IF_ERROR(finish());
    return StatementBody(std::move(out_));
  }

 private:
  Status option(const PgQuery__DefElem& d) {
    std::string name = lower(text_of(d.defname));
    CopyOptions& o = out_.options;
    if (name == "format") return format(value_text(d.arg), d.location);
    if (name == "freeze") return flag(d, &o.freeze);
    if (name == "delimiter") {
      has_delimiter_ = true;
      return one_byte("delimiter", value_text(d.arg), &o.delimiter);
    }
    if (name == "null") {
      has_null_ = true;
      o.null_text = value_text(d.arg);
      return {};
    }
    if (name == "header") {
      if (lower(value_text(d.arg)) == "match") {
        o.header = o.header_match = true;
        return {};
      }
      return flag(d, &o.header);
    }
    if (name == "quote") return one_byte("quote", value_text(d.arg), &o.quote);
    if (name == "escape") {
      has_escape_ = true;
      return one_byte("escape", value_text(d.arg), &o.escape);
    }
    if (name == "force_quote") {
      if (d.arg != nullptr && d.arg->node_case == PG_QUERY__NODE__NODE_A_STAR) {
        o.force_quote_all = true;
        return {};
      }
      return column_list(d.arg, &o.force_quote);
    }
    if (name == "force_not_null") return column_list(d.arg, &o.force_not_null);
    if (name == "force_null") return column_list(d.arg, &o.force_null);
    if (name == "encoding") {
      std::string v = lower(value_text(d.arg));
      if (v == "utf8" || v == "utf-8" || v == "unicode") return {};
      return unimplemented("COPY with the encoding " + v);
    }
    return analyzer_.fail(sqlstate::kSyntaxError, "option \"" + name + "\" not recognized",
                          d.location);
  }

  Status format(const std::string& v, int32_t location) {
    using Format = CopyOptions::Format;
    if (v == "text")
      out_.options.format = Format::kText;
    else if (v == "csv")
      out_.options.format = Format::kCsv;
    else if (v == "binary")
      out_.options.format = Format::kBinary;
    else
      return analyzer_.fail(sqlstate::kInvalidParameterValue,
                            "COPY format \"" + v + "\" not recognized", location);
    return {};
  }

  static Status flag(const PgQuery__DefElem& d, bool* out) {
    ASSIGN_OR_RETURN(*out, bool_option(d));
    return {};
  }

  Status column_list(const Node* n, std::vector<uint32_t>* out) {
    if (n == nullptr || n->node_case != PG_QUERY__NODE__NODE_LIST)
      return syntax("argument to COPY option must be a list of column names");
    const Relation* r =
        out_.query->relations.empty() ? nullptr : &out_.query->relations[out_.query->target];
    for (size_t i = 0; i < n->list->n_items; ++i) {
      std::string name = string_of(n->list->items[i]);
      uint32_t at = 0;
      while (r != nullptr && at < r->columns.size() && r->columns[at].name != name) ++at;
      if (r == nullptr || at == r->columns.size())
        return Status(StatusCode::kInvalidArgument, sqlstate::kUndefinedColumn,
                      "column \"" + name + "\" does not exist");
      out->push_back(at);
    }
    return {};
  }

  Status finish() {
    CopyOptions& o = out_.options;
    bool csv = o.format == CopyOptions::Format::kCsv;
    if (o.format == CopyOptions::Format::kBinary && (has_delimiter_ || has_null_))
      return syntax(has_delimiter_ ? "cannot specify DELIMITER in BINARY mode"
                                   : "cannot specify NULL in BINARY mode");
    if (csv && !has_delimiter_) o.delimiter = ',';
    if (csv && !has_null_) o.null_text.clear();
    if (csv && !has_escape_) o.escape = o.quote;
    if (o.null_text.find_first_of("\r\n") != std::string::npos)
      return invalid_argument("COPY null representation cannot use newline or carriage return");
    if (csv && o.delimiter == o.quote)
      return invalid_argument("COPY delimiter and quote must be different");
    if (o.null_text.find(o.delimiter) != std::string::npos)
      return invalid_argument("COPY delimiter must not appear in the NULL specification");
    if (o.header_match && !out_.from)
      return Status(StatusCode::kInvalidArgument, sqlstate::kFeatureNotSupported,
                    "cannot use \"match\" with HEADER in COPY TO");
    return {};
  }

  Analyzer& analyzer_;
  const PgQuery__CopyStmt& s_;
  CopyStatement out_;
  bool has_delimiter_ = false, has_null_ = false, has_escape_ = false;
};

Result<StatementBody> body(const ParsedStatement& parsed, AnalyzeContext& context) {
  const Node& n = *parsed.node();
  Analyzer a(parsed, context);
  switch (n.node_case) {
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
      return transaction(*n.transaction_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT:
      return set_variable(*n.variable_set_stmt);
    case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
      return StatementBody(ShowStatement{lower(text_of(n.variable_show_stmt->name))});
    case PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT: {
      SetStatement out;
      out.kind = SetStatement::Kind::kConstraints;
      out.deferred = n.constraints_set_stmt->deferred != 0;
      if (n.constraints_set_stmt->n_constraints > 0)
        return unimplemented("SET CONSTRAINTS of a named constraint");
      return StatementBody(std::move(out));
    }
    case PG_QUERY__NODE__NODE_PREPARE_STMT:
      return prepare(a, parsed, *n.prepare_stmt);
    case PG_QUERY__NODE__NODE_EXECUTE_STMT:
      return StatementBody(
          ExecuteStatement{text_of(n.execute_stmt->name), parsed, n.execute_stmt->n_params});
    case PG_QUERY__NODE__NODE_DEALLOCATE_STMT:
      return StatementBody(DeallocateStatement{text_of(n.deallocate_stmt->name)});
    case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
      return explain(parsed, *n.explain_stmt);
    case PG_QUERY__NODE__NODE_COPY_STMT:
      return CopyBuilder(a, *n.copy_stmt).build(parsed);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: {
      ASSIGN_OR_RETURN(CreateTableAsStatement out, analyze_create_table_as(parsed, a));
      return StatementBody(std::move(out));
    }
    case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
      return declare(parsed, *n.declare_cursor_stmt);
    case PG_QUERY__NODE__NODE_FETCH_STMT:
      return fetch(*n.fetch_stmt);
    case PG_QUERY__NODE__NODE_CLOSE_PORTAL_STMT:
      return StatementBody(CloseStatement{text_of(n.close_portal_stmt->portalname)});
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      return vacuum(a, *n.vacuum_stmt);
    case PG_QUERY__NODE__NODE_LOCK_STMT:
      return lock_table(a, *n.lock_stmt);
    case PG_QUERY__NODE__NODE_CHECK_POINT_STMT:
      return StatementBody(CheckpointStatement{});
    case PG_QUERY__NODE__NODE_DISCARD_STMT: {
      using W = DiscardStatement::What;
      DiscardStatement out;
      auto t = n.discard_stmt->target;
      out.what = t == PG_QUERY__DISCARD_MODE__DISCARD_PLANS       ? W::kPlans
                 : t == PG_QUERY__DISCARD_MODE__DISCARD_SEQUENCES ? W::kSequences
                 : t == PG_QUERY__DISCARD_MODE__DISCARD_TEMP      ? W::kTemp
                                                                  : W::kAll;
      return StatementBody(out);
    }
    default:
      break;
  }
  ASSIGN_OR_RETURN(auto ddl, analyze_ddl(parsed, a));
  if (ddl) return StatementBody(std::move(*ddl));
  return unimplemented(parsed.tag());
}

}  // namespace

Result<Statement> analyze_statement(const ParsedStatement& statement, AnalyzeContext& context) {
  Statement out;
  out.tag = statement.tag();
  if (statement.is_query()) {
    ASSIGN_OR_RETURN(auto q, analyze(statement, context));
    out.body = std::move(q);
    return out;
  }
  ASSIGN_OR_RETURN(out.body, body(statement, context));
  return out;
}

}  // namespace quorate::sql

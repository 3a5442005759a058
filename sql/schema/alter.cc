// ALTER TABLE on a table that nobody else uses.
#include "sql/schema/changes.h"
#include "sql/types/text_io.h"

namespace quorate::sql {
namespace {

std::string quote(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
  return out + "'";
}

class Alteration {
 public:
  Alteration(CatalogWriter& w, DdlContext& c, TablePtr old)
      : w_(w), c_(c), old_(std::move(old)), t_(*old_) {
    context_.catalog = w_.snapshot();
    context_.database = c_.database;
    context_.database_name = c_.database_name;
    context_.search_path = c_.search_path;
    context_.io = c_.io;
  }

  Status apply(const AlterAction& a) {
    return std::visit([this](const auto& x) { return run(x); }, a);
  }

  Result<Change> finish() {
    Change out;
    auto to = std::make_shared<const TableDescriptor>(t_);
    auto job = std::make_shared<BackfillJob>();
    auto from = std::make_shared<TableDescriptor>(*old_);
    from->columns = t_.columns;  // old rows read with the new columns' missing values
    job->from = std::move(from);
    job->to = to;
    job->schema = w_.data().schema(to->schema)->name;
    bool rewritten = to->storage != old_->storage;
    for (size_t i = 0; i < to->indexes.size(); ++i)
      if (rewritten || is_new(to->indexes[i].id)) job->indexes.push_back(i);
    job->not_null = std::move(not_null_);
    job->numbered = std::move(numbered_);
    job->computed = std::move(computed_);
    job->eval = c_.eval;
    job->await_missing = c_.await_missing;
    for (const auto& check : to->checks) {
      if (!check.validated || !is_new_check(check.oid)) continue;
      ASSIGN_OR_RETURN(auto compiled, compile(check.expression_sql, to));
      job->checks.emplace_back(check.name, std::move(compiled));
    }
    for (const auto& f : to->foreign_keys) {
      if (!f.validated || std::find(new_keys_.begin(), new_keys_.end(), f.oid) == new_keys_.end())
        continue;
      TablePtr parent = f.referenced_table == to->oid ? to : w_.data().table(f.referenced_table);
      job->foreign_keys.emplace_back(f, std::move(parent));
    }
    if (!job->indexes.empty() || !job->not_null.empty() || !job->checks.empty() ||
        !job->foreign_keys.empty())
      out.jobs.push_back(std::move(job));
    if (rewritten) out.garbage.push_back(old_->storage);
    out.tables.push_back(t_);
    return out;
  }

 private:
  bool is_new(IndexId id) const {
    for (const auto& i : old_->indexes)
      if (i.id == id) return false;
    return true;
  }
  bool is_new_check(Oid oid) const {
    for (const auto& c : old_->checks)
      if (c.oid == oid && c.validated) return false;
    return true;
  }
  Result<CompiledExpr> compile(const std::string& sql, TablePtr table) {
    ASSIGN_OR_RETURN(ExprPtr e,
                     bind_table_expression(sql, std::move(table), std::nullopt, context_));
    return CompiledExpr::compile(*e, [](const Expr& x) -> std::optional<Slot> {
      if (x.kind != ExprKind::kColumn) return std::nullopt;
      return Slot{0, x.index};
    });
  }

  Status missing(const std::string& column) const {
    return ddl_error(sqlstate::kUndefinedColumn,
                     "column \"" + column + "\" of relation \"" + t_.name + "\" does not exist");
  }
  Result<size_t> column_at(const std::string& name) const {
    for (size_t i = 0; i < t_.columns.size(); ++i)
      if (!t_.columns[i].dropped && t_.columns[i].name == name) return i;
    return missing(name);
  }

  Status run(const AlterNothing&) { return {}; }

  Status run(const AddColumn& a) {
    if (t_.column(std::string_view(a.column.name)) != nullptr) {
      std::string message =
          "column \"" + a.column.name + "\" of relation \"" + t_.name + "\" already exists";
      if (!a.if_not_exists) return ddl_error(sqlstate::kDuplicateColumn, message);
      notice(&c_, message + ", skipping", sqlstate::kDuplicateColumn);
      return {};
    }
    RETURN_IF_ERROR(add_column(w_, c_, &t_, a.column));
    if (Oid sequence = t_.columns.back().owned_sequence; sequence != 0) {
      numbered_.push_back({newest_column(), w_.data().sequence(sequence)});
      rewrite();
    } else if (!a.column.default_sql.empty()) {
      RETURN_IF_ERROR(missing_value());
    }
    if (a.column.not_null) not_null_.push_back(t_.columns.size() - 1);
    for (const auto& k : a.keys) RETURN_IF_ERROR(add_key(k));
    for (const auto& k : a.checks) RETURN_IF_ERROR(add_check(w_, &t_, k));
    for (const auto& k : a.foreign_keys) RETURN_IF_ERROR(add_reference(k));
    return {};
  }

  uint32_t newest_column() const { return static_cast<uint32_t>(t_.columns.size() - 1); }

  // Rows are written anew, under another id.
  void rewrite() {
    if (t_.storage != old_->storage) return;
    CHECK(!c_.reserved.empty());
    t_.storage = TableId(c_.reserved.back());
    c_.reserved.pop_back();
  }

  // The value that the rows already there have: the default, evaluated once, or for each of them
  // where it is volatile.
  Status missing_value() {
    ColumnDescriptor& column = t_.columns.back();
    auto shape = std::make_shared<const TableDescriptor>(t_);
    ASSIGN_OR_RETURN(ExprPtr e,
                     bind_table_expression(column.default_sql, shape, column.type, context_));
    ASSIGN_OR_RETURN(auto compiled,
                     CompiledExpr::compile(*e, [](const Expr&) { return std::optional<Slot>(); }));
    if (!is_stable(*e)) {
      computed_.emplace_back(newest_column(), std::move(compiled));
      rewrite();
      return {};
    }
    EvalContext eval;
    if (c_.io != nullptr) eval.io = *c_.io;
    Frame frame;
    frame.context = &eval;
    Datum v;
    if (!compiled.eval(frame, &v)) return frame.error;
    if (!v.is_null()) column.missing_sql = quote(to_text(column.type, v, IoContext{}));
    return {};
  }

  Status add_key(const KeyDefinition& k) {
    std::vector<size_t> before;
    for (const auto& name : k.columns) {
      ASSIGN_OR_RETURN(size_t at, column_at(name));
      if (k.primary && !t_.columns[at].not_null) before.push_back(at);
    }
    RETURN_IF_ERROR(add_index(w_, &t_, k));
    for (size_t at : before) not_null_.push_back(at);
    if (!k.primary) return {};
    rewrite();  // rows move to where their key puts them
    return {};
  }

  Status add_reference(const ForeignKeyDefinition& k) {
    RETURN_IF_ERROR(add_foreign_key(w_, c_, &t_, k));
    new_keys_.push_back(t_.foreign_keys.back().oid);
    return {};
  }

  Status run(const AddConstraint& a) {
    if (const auto* k = std::get_if<KeyDefinition>(&a.constraint)) return add_key(*k);
    if (const auto* k = std::get_if<CheckDefinition>(&a.constraint)) return add_check(w_, &t_, *k);
    return add_reference(std::get<ForeignKeyDefinition>(a.constraint));
  }

  Status run(const SetDefault& a) {
    ASSIGN_OR_RETURN(size_t at, column_at(a.column));
    if (t_.columns[at].identity != Identity::kNone)
      return ddl_error(sqlstate::kSyntaxError, "column \"" + a.column + "\" of relation \"" +
                                                   t_.name + "\" is an identity column");
    t_.columns[at].default_sql = a.default_sql;
    return {};
  }

  Status run(const SetNotNull& a) {
    ASSIGN_OR_RETURN(size_t at, column_at(a.column));
    ColumnDescriptor& column = t_.columns[at];
    if (a.not_null) {
      if (!column.not_null) not_null_.push_back(at);
      column.not_null = true;
      return {};
    }
    if (t_.indexes[0].primary)
      for (const auto& k : t_.indexes[0].columns)
        if (k.column == column.id)
          return ddl_error(sqlstate::kInvalidTableDefinition,
                           "column \"" + a.column + "\" is in a primary key");
    if (column.identity != Identity::kNone)
      return ddl_error(sqlstate::kSyntaxError, "column \"" + a.column + "\" of relation \"" +
                                                   t_.name + "\" is an identity column");
    column.not_null = false;
    return {};
  }

  Status run(const ValidateConstraint& a) {
    for (auto& check : t_.checks)
      if (check.name == a.name) {
        check.validated = true;
        return {};
      }
    for (auto& f : t_.foreign_keys)
      if (f.name == a.name) {
        if (!f.validated) new_keys_.push_back(f.oid);
        f.validated = true;
        return {};
      }
    return no_constraint(a.name);
  }

  Status no_constraint(const std::string& name) const {
    return ddl_error(sqlstate::kUndefinedObject,
                     "constraint \"" + name + "\" of relation \"" + t_.name + "\" does not exist");
  }

  // Drops the keys of other tables that need this index, or refuses.
  Status release_index(const IndexDescriptor& index, bool cascade, const std::string& object) {
    for (Oid child : std::vector<Oid>(t_.referenced_by)) {
      TablePtr other = child == t_.oid ? nullptr : w_.data().table(child);
      if (!other) continue;
      TableDescriptor changed = *other;
      for (const auto& f : other->foreign_keys) {
        if (f.referenced_table != t_.oid || f.referenced_index != index.id) continue;
        if (!cascade)
          return ddl_error(sqlstate::kDependentObjectsStillExist,
                           "cannot drop " + object + " because other objects depend on it")
              .with_detail("constraint " + f.name + " on table " + other->name +
                           " depends on index " + index.name)
              .with_hint("Use DROP ... CASCADE to drop the dependent objects too.");
        notice(&c_, "drop cascades to constraint " + f.name + " on table " + other->name);
      }
      std::erase_if(changed.foreign_keys, [&](const ForeignKeyDescriptor& f) {
        return f.referenced_table == t_.oid && f.referenced_index == index.id;
      });
      if (changed.foreign_keys.size() != other->foreign_keys.size())
        RETURN_IF_ERROR(w_.put(std::move(changed)));
    }
    return {};
  }

  Status forget_parent(Oid parent) {
    for (const auto& f : t_.foreign_keys)
      if (f.referenced_table == parent) return {};
    if (parent == t_.oid) {
      std::erase(t_.referenced_by, t_.oid);
      return {};
    }
    TablePtr other = w_.data().table(parent);
    if (!other) return {};
    TableDescriptor changed = *other;
    std::erase(changed.referenced_by, t_.oid);
    return w_.put(std::move(changed));
  }

  Status run(const DropConstraint& a) {
    for (size_t i = 0; i < t_.indexes.size(); ++i) {
      if (!t_.indexes[i].constraint || t_.indexes[i].name != a.name) continue;
      if (t_.indexes[i].primary) return unimplemented("dropping a primary key");
      RETURN_IF_ERROR(
          release_index(t_.indexes[i], a.cascade, "constraint " + a.name + " on table " + t_.name));
      t_.indexes.erase(t_.indexes.begin() + static_cast<ptrdiff_t>(i));
      return {};
    }
    if (std::erase_if(t_.checks, [&](const auto& x) { return x.name == a.name; }) > 0) return {};
    for (size_t i = 0; i < t_.foreign_keys.size(); ++i) {
      if (t_.foreign_keys[i].name != a.name) continue;
      Oid parent = t_.foreign_keys[i].referenced_table;
      t_.foreign_keys.erase(t_.foreign_keys.begin() + static_cast<ptrdiff_t>(i));
      return forget_parent(parent);
    }
    if (!a.if_exists) return no_constraint(a.name);
    notice(&c_, "constraint \"" + a.name + "\" of relation \"" + t_.name +
                    "\" does not exist, skipping");
    return {};
  }

  Status run(const DropColumn& a) {
    if (t_.column(std::string_view(a.name)) == nullptr && a.if_exists) {
      notice(&c_,
             "column \"" + a.name + "\" of relation \"" + t_.name + "\" does not exist, skipping");
      return {};
    }
    ASSIGN_OR_RETURN(size_t at, column_at(a.name));
    ColumnId id = t_.columns[at].id;
    auto uses = [&](const IndexDescriptor& i) {
      for (const auto& k : i.columns)
        if (k.column == id) return true;
      return false;
    };
    if (uses(t_.indexes[0])) return unimplemented("dropping a column of the primary key");
    for (const auto& i : t_.indexes)
      if (uses(i))
        RETURN_IF_ERROR(release_index(i, a.cascade, "column " + a.name + " of table " + t_.name));
    std::erase_if(t_.indexes, uses);
    auto shape = std::make_shared<const TableDescriptor>(t_);
    std::vector<CheckDescriptor> kept;
    for (auto& check : t_.checks) {
      ASSIGN_OR_RETURN(ExprPtr e,
                       bind_table_expression(check.expression_sql, shape, std::nullopt, context_));
      bool used = false;
      walk(*e, [&](const Expr& x) { used |= x.kind == ExprKind::kColumn && x.index == at; });
      if (!used) kept.push_back(check);
    }
    t_.checks = std::move(kept);
    std::vector<Oid> parents;
    std::erase_if(t_.foreign_keys, [&](const ForeignKeyDescriptor& f) {
      bool used = std::find(f.columns.begin(), f.columns.end(), id) != f.columns.end();
      if (used) parents.push_back(f.referenced_table);
      return used;
    });
    for (Oid parent : parents) RETURN_IF_ERROR(forget_parent(parent));
    if (Oid sequence = t_.columns[at].owned_sequence; sequence != 0 && w_.data().sequence(sequence))
      RETURN_IF_ERROR(w_.remove(sequence));
    ColumnDescriptor& column = t_.columns[at];
    column.dropped = true;
    column.not_null = false;
    column.default_sql.clear();
    column.identity = Identity::kNone;
    column.name = "........pg.dropped." + std::to_string(column.id) + "........";
    return {};
  }

  CatalogWriter& w_;
  DdlContext& c_;
  TablePtr old_;
  TableDescriptor t_;
  AnalyzeContext context_;
  std::vector<size_t> not_null_;
  std::vector<ColumnNumbers> numbered_;
  std::vector<std::pair<uint32_t, CompiledExpr>> computed_;
  std::vector<Oid> new_keys_;
};

}  // namespace

Result<Change> alter_table(CatalogWriter& w, DdlContext& c, const AlterTable& s) {
  TablePtr old = lookup_table(w.data(), c, s.name);
  if (!old) {
    std::string message = "relation \"" + display_name(s.name) + "\" does not exist";
    if (!s.if_exists) return ddl_error(sqlstate::kUndefinedTable, message, s.name.position);
    notice(&c, message + ", skipping");
    return Change{};
  }
  Alteration a(w, c, old);
  for (const auto& action : s.actions) RETURN_IF_ERROR(a.apply(action));
  return a.finish();
}

}  // namespace quorate::sql

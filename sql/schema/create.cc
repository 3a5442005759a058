// CREATE TABLE, SEQUENCE, SCHEMA, DATABASE, and the parts that ALTER TABLE adds.
#include "base/limits.h"
#include "sql/schema/changes.h"
#include "sql/types/key_encoding.h"

namespace quorate::sql {
namespace {

constexpr size_t kIndexColumnsMax = 32, kColumnsMax = 1600;

Status missing_key_column(const std::string& name, int32_t position) {
  return ddl_error(sqlstate::kUndefinedColumn,
                   "column \"" + name + "\" named in key does not exist", position);
}

Status check_key_type(const ColumnDescriptor& c) {
  if (can_be_key(c.type.oid)) return {};
  return ddl_error(sqlstate::kUndefinedObject,
                   "data type " + format_type(c.type.oid) +
                       " has no default operator class for access method \"btree\"")
      .with_hint(
          "You must specify an operator class for the index or define a default operator class for "
          "the data type.");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : "_") + n;
  return out;
}

Result<SequenceDescriptor> describe_sequence(const SequenceOptions& o, Oid type) {
  SequenceDescriptor d;
  d.type = o.type.value_or(type);
  d.increment = o.increment.value_or(1);
  if (d.increment == 0) return invalid_argument("INCREMENT must not be zero");
  int64_t low = d.type == oid::kInt2 ? INT16_MIN : d.type == oid::kInt4 ? INT32_MIN : INT64_MIN;
  int64_t high = d.type == oid::kInt2 ? INT16_MAX : d.type == oid::kInt4 ? INT32_MAX : INT64_MAX;
  d.min = o.min.value_or(d.increment > 0 ? 1 : low);
  d.max = o.max.value_or(d.increment > 0 ? high : -1);
  if (d.min < low)
    return invalid_argument("MINVALUE (" + std::to_string(d.min) +
                            ") is out of range for sequence data type " + format_type(d.type));
  if (d.max > high)
    return invalid_argument("MAXVALUE (" + std::to_string(d.max) +
                            ") is out of range for sequence data type " + format_type(d.type));
  if (d.min >= d.max)
    return invalid_argument("MINVALUE (" + std::to_string(d.min) +
                            ") must be less than MAXVALUE (" + std::to_string(d.max) + ")");
  d.start = o.start.value_or(d.increment > 0 ? d.min : d.max);
  if (d.start < d.min)
    return invalid_argument("START value (" + std::to_string(d.start) +
                            ") cannot be less than MINVALUE (" + std::to_string(d.min) + ")");
  if (d.start > d.max)
    return invalid_argument("START value (" + std::to_string(d.start) +
                            ") cannot be greater than MAXVALUE (" + std::to_string(d.max) + ")");
  d.cache = o.cache.value_or(1);
  if (d.cache < 1)
    return invalid_argument("CACHE (" + std::to_string(d.cache) + ") must be greater than zero");
  d.cycle = o.cycle.value_or(false);
  return d;
}

Status put_state(CatalogWriter& w, Oid sequence, int64_t value, bool is_called) {
  SequenceState state;
  state.last_value = value;
  state.is_called = is_called;
  return w.txn()->put(catalog_store::sequence_key(sequence), encode(state), range::kAllColumns,
                      std::nullopt);
}

// The sequence behind a serial or identity column.
Status own_sequence(CatalogWriter& w, const TableDescriptor& t, const SequenceOptions& options,
                    ColumnDescriptor* c) {
  ASSIGN_OR_RETURN(SequenceDescriptor d, describe_sequence(options, c->type.oid));
  d.schema = t.schema;
  d.name = choose_relation_name(w.data(), t.schema, t.name, c->name, "seq");
  d.owner_table = t.oid;
  d.owner_column = c->id;
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  c->owned_sequence = d.oid;
  // By oid: the default holds whatever the sequence is called later and wherever it is looked for.
  c->default_sql = "nextval('" + std::to_string(d.oid) + "'::regclass)";
  RETURN_IF_ERROR(put_state(w, d.oid, d.start, false));
  return w.put(std::move(d));
}

bool same_key_form(Oid a, Oid b) {
  auto is_int = [](Oid t) { return t == oid::kInt2 || t == oid::kInt4 || t == oid::kInt8; };
  auto is_text = [](Oid t) { return t == oid::kText || t == oid::kVarchar; };
  return a == b || (is_int(a) && is_int(b)) || (is_text(a) && is_text(b));
}

}  // namespace

Status add_column(CatalogWriter& w, DdlContext& c, TableDescriptor* t, const ColumnDefinition& d) {
  (void)c;
  if (t->columns.size() >= kColumnsMax)
    return ddl_error(sqlstate::kTooManyColumns,
                     "tables can have at most " + std::to_string(kColumnsMax) + " columns");
  ColumnDescriptor out;
  out.id = t->next_column++;
  out.name = d.name;
  out.type = d.type;
  out.not_null = d.not_null;
  out.default_sql = d.default_sql;
  out.identity = d.identity;
  if (d.serial || d.identity != Identity::kNone)
    RETURN_IF_ERROR(own_sequence(w, *t, d.sequence, &out));
  t->columns.push_back(std::move(out));
  return {};
}

Status add_index(CatalogWriter& w, TableDescriptor* t, const KeyDefinition& key) {
  bool at_creation = w.data().table(t->oid) == nullptr;
  IndexDescriptor index;
  index.unique = index.constraint = true;
  index.primary = key.primary;
  if (key.columns.size() > kIndexColumnsMax)
    return ddl_error(sqlstate::kTooManyColumns, "cannot use more than 32 columns in an index");
  for (const auto& name : key.columns) {
    ColumnDescriptor* column = nullptr;
    for (auto& c : t->columns)
      if (!c.dropped && c.name == name) column = &c;
    if (column == nullptr) return missing_key_column(name, key.position);
    RETURN_IF_ERROR(check_key_type(*column));
    for (const auto& other : index.columns)
      if (other.column == column->id)
        return ddl_error(sqlstate::kDuplicateColumn, "column \"" + name + "\" appears twice in " +
                                                         (key.primary ? "primary key" : "unique") +
                                                         " constraint");
    index.columns.push_back({column->id, false, false});
    if (key.primary) column->not_null = true;
  }
  if (key.primary && !t->indexes.empty() && t->indexes[0].primary)
    return ddl_error(sqlstate::kInvalidTableDefinition,
                     "multiple primary keys for table \"" + t->name + "\" are not allowed",
                     at_creation ? key.position : 0);
  if (!key.name.empty()) {
    if (w.data().relation_exists(t->schema, key.name))
      return ddl_error(sqlstate::kDuplicateTable, "relation \"" + key.name + "\" already exists");
    index.name = key.name;
  } else {
    // The indexes of a table under construction are not in the catalog yet.
    std::string columns = key.primary ? "" : joined(key.columns);
    std::string label = key.primary ? "pkey" : "key";
    for (int pass = 0;; ++pass) {
      index.name =
          make_object_name(t->name, columns, pass == 0 ? label : label + std::to_string(pass));
      if (!w.data().relation_exists(t->schema, index.name) && !constraint_exists(*t, index.name))
        break;
    }
  }
  ASSIGN_OR_RETURN(index.oid, w.allocate_oid());
  index.id = t->next_index;
  t->next_index = t->next_index.next();
  if (!key.primary) {
    t->indexes.push_back(std::move(index));
    return {};
  }
  // It takes the place of the hidden rowid.
  index.id = IndexId(1);
  t->next_index = t->next_index.prev();
  if (t->indexes.empty())
    t->indexes.push_back(std::move(index));
  else
    t->indexes[0] = std::move(index);
  t->hidden_rowid = false;
  return {};
}

Status add_plain_index(CatalogWriter& w, DdlContext& c, TableDescriptor* t, const CreateIndex& s,
                       SchemaState state, size_t* position) {
  (void)c;
  IndexDescriptor index;
  index.unique = s.unique;
  index.state = state;
  if (s.columns.size() > kIndexColumnsMax)
    return ddl_error(sqlstate::kTooManyColumns, "cannot use more than 32 columns in an index");
  std::vector<std::string> names;
  for (const auto& column : s.columns) {
    const ColumnDescriptor* d = t->column(std::string_view(column.name));
    if (d == nullptr)
      return ddl_error(sqlstate::kUndefinedColumn, "column \"" + column.name + "\" does not exist");
    RETURN_IF_ERROR(check_key_type(*d));
    index.columns.push_back({d->id, column.descending, column.nulls_first});
    names.push_back(column.name);
  }
  index.name = s.name.empty()
                   ? choose_relation_name(w.data(), t->schema, t->name, joined(names), "idx")
                   : s.name;
  if (w.data().relation_exists(t->schema, index.name))
    return ddl_error(sqlstate::kDuplicateTable, "relation \"" + index.name + "\" already exists");
  ASSIGN_OR_RETURN(index.oid, w.allocate_oid());
  index.id = t->next_index;
  t->next_index = t->next_index.next();
  *position = t->indexes.size();
  t->indexes.push_back(std::move(index));
  return {};
}

Status add_check(CatalogWriter& w, TableDescriptor* t, const CheckDefinition& check) {
  CheckDescriptor d;
  d.expression_sql = check.expression_sql;
  d.validated = !check.not_valid;
  if (check.name.empty()) {
    d.name = choose_constraint_name(*t, w.data(), check.columns.size() == 1 ? check.columns[0] : "",
                                    "check");
  } else {
    if (constraint_exists(*t, check.name))
      return ddl_error(
          sqlstate::kDuplicateObject,
          "constraint \"" + check.name + "\" for relation \"" + t->name + "\" already exists");
    d.name = check.name;
  }
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  t->checks.push_back(std::move(d));
  return {};
}

namespace {

// The unique index of `parent` over exactly these columns.
const IndexDescriptor* key_over(const TableDescriptor& parent, std::vector<ColumnId> columns) {
  std::sort(columns.begin(), columns.end());
  for (const auto& i : parent.indexes) {
    if (!i.unique || i.state != SchemaState::kPublic) continue;
    std::vector<ColumnId> has;
    for (const auto& c : i.columns) has.push_back(c.column);
    std::sort(has.begin(), has.end());
    if (has == columns) return &i;
  }
  return nullptr;
}

// Whether the name is taken and that is well: then the client was told.
Result<bool> relation_is_there(CatalogWriter& w, DdlContext& c, const SchemaDescriptor& schema,
                               const std::string& name, bool if_not_exists) {
  if (!w.data().relation_exists(schema.oid, name)) return false;
  const std::string there = "relation \"" + name + "\" already exists";
  if (!if_not_exists) return ddl_error(sqlstate::kDuplicateTable, there);
  notice(&c, there + ", skipping", sqlstate::kDuplicateTable);
  return true;
}
}  // namespace

Status add_foreign_key(CatalogWriter& w, DdlContext& c, TableDescriptor* t,
                       const ForeignKeyDefinition& key) {
  bool self =
      key.referenced.name == t->name &&
      (key.referenced.schema.empty() || lookup_table(w.data(), c, key.referenced) == nullptr ||
       lookup_table(w.data(), c, key.referenced)->oid == t->oid);
  TablePtr other;
  if (!self) {
    ASSIGN_OR_RETURN(other, require_table(w.data(), c, key.referenced));
  }
  const TableDescriptor& parent = self ? *t : *other;
  ForeignKeyDescriptor d;
  d.referenced_table = parent.oid;
  d.on_delete = key.on_delete;
  d.on_update = key.on_update;
  d.validated = !key.not_valid;
  for (const auto& name : key.columns) {
    const ColumnDescriptor* column = t->column(std::string_view(name));
    if (column == nullptr)
      return ddl_error(
          sqlstate::kUndefinedColumn,
          "column \"" + name + "\" referenced in foreign key constraint does not exist");
    d.columns.push_back(column->id);
  }
  if (key.referenced_columns.empty()) {
    if (parent.indexes.empty() || !parent.indexes[0].primary)
      return ddl_error(sqlstate::kUndefinedObject,
                       "there is no primary key for referenced table \"" + parent.name + "\"");
    for (const auto& k : parent.indexes[0].columns) d.referenced_columns.push_back(k.column);
  }
  for (const auto& name : key.referenced_columns) {
    const ColumnDescriptor* column = parent.column(std::string_view(name));
    if (column == nullptr)
      return ddl_error(
          sqlstate::kUndefinedColumn,
          "column \"" + name + "\" referenced in foreign key constraint does not exist");
    d.referenced_columns.push_back(column->id);
  }
  if (d.columns.size() != d.referenced_columns.size())
    return ddl_error(sqlstate::kInvalidForeignKey,
                     "number of referencing and referenced columns for foreign key disagree");
  const IndexDescriptor* index = key_over(parent, d.referenced_columns);
  if (index == nullptr)
    return ddl_error(sqlstate::kInvalidForeignKey,
                     "there is no unique constraint matching given keys for referenced table \"" +
                         parent.name + "\"");
  d.referenced_index = index->id;
  d.name = key.name.empty() ? choose_constraint_name(*t, w.data(), joined(key.columns), "fkey")
                            : key.name;
  if (!key.name.empty() && constraint_exists(*t, key.name))
    return ddl_error(sqlstate::kDuplicateObject, "constraint \"" + key.name + "\" for relation \"" +
                                                     t->name + "\" already exists");
  for (size_t i = 0; i < d.columns.size(); ++i) {
    const ColumnDescriptor& a = *t->column(d.columns[i]);
    const ColumnDescriptor& b = *parent.column(d.referenced_columns[i]);
    if (same_key_form(a.type.oid, b.type.oid)) continue;
    if (find_operator("=", a.type.oid, b.type.oid) != nullptr)
      return unimplemented("a foreign key between " + format_type(a.type.oid) + " and " +
                           format_type(b.type.oid));
    return ddl_error(sqlstate::kDatatypeMismatch,
                     "foreign key constraint \"" + d.name + "\" cannot be implemented")
        .with_detail("Key columns \"" + a.name + "\" and \"" + b.name +
                     "\" are of incompatible types: " + format_type(a.type) + " and " +
                     format_type(b.type) + ".");
  }
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  t->foreign_keys.push_back(std::move(d));
  auto refer = [&](TableDescriptor* p) {
    auto& list = p->referenced_by;
    auto at = std::lower_bound(list.begin(), list.end(), t->oid);
    if (at == list.end() || *at != t->oid) list.insert(at, t->oid);
  };
  if (self) {
    refer(t);
    return {};
  }
  TableDescriptor changed = *other;
  refer(&changed);
  return w.put(std::move(changed));
}

Status create_table(CatalogWriter& w, DdlContext& c, const CreateTable& s) {
  ASSIGN_OR_RETURN(const SchemaDescriptor* schema, creation_schema(w.data(), c, s.name));
  ASSIGN_OR_RETURN(const bool there,
                   relation_is_there(w, c, *schema, s.name.name, s.if_not_exists));
  if (there) return {};
  TableDescriptor t;
  t.schema = schema->oid;
  t.name = s.name.name;
  ASSIGN_OR_RETURN(t.oid, w.allocate_oid());
  t.storage = TableId(t.oid);
  for (const auto& d : s.columns) RETURN_IF_ERROR(add_column(w, c, &t, d));
  // The primary index comes first: on the key, or on a hidden rowid.
  IndexDescriptor rowid;
  rowid.id = t.next_index;
  rowid.unique = true;
  rowid.columns = {{kRowidColumn, false, false}};
  t.next_index = t.next_index.next();
  t.hidden_rowid = true;
  t.indexes.push_back(std::move(rowid));
  for (bool primary : {true, false})
    for (const auto& k : s.keys)
      if (k.primary == primary) RETURN_IF_ERROR(add_index(w, &t, k));
  for (const auto& check : s.checks) RETURN_IF_ERROR(add_check(w, &t, check));
  for (const auto& key : s.foreign_keys) RETURN_IF_ERROR(add_foreign_key(w, c, &t, key));
  return w.put(std::move(t));
}

Status create_sequence(CatalogWriter& w, DdlContext& c, const CreateSequence& s) {
  ASSIGN_OR_RETURN(const SchemaDescriptor* schema, creation_schema(w.data(), c, s.name));
  ASSIGN_OR_RETURN(const bool there,
                   relation_is_there(w, c, *schema, s.name.name, s.if_not_exists));
  if (there) return {};
  ASSIGN_OR_RETURN(SequenceDescriptor d, describe_sequence(s.options, oid::kInt8));
  d.schema = schema->oid;
  d.name = s.name.name;
  if (s.options.owned_by_table) {
    ASSIGN_OR_RETURN(TablePtr t, require_table(w.data(), c, *s.options.owned_by_table));
    const ColumnDescriptor* column = t->column(std::string_view(s.options.owned_by_column));
    if (column == nullptr)
      return ddl_error(sqlstate::kUndefinedColumn, "column \"" + s.options.owned_by_column +
                                                       "\" of relation \"" + t->name +
                                                       "\" does not exist");
    d.owner_table = t->oid;
    d.owner_column = column->id;
  }
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  RETURN_IF_ERROR(put_state(w, d.oid, d.start, false));
  return w.put(std::move(d));
}

Status alter_sequence(CatalogWriter& w, DdlContext& c, const AlterSequence& s) {
  SequencePtr old = lookup_sequence(w.data(), c, s.name);
  if (!old) {
    std::string message = "relation \"" + display_name(s.name) + "\" does not exist";
    if (!s.if_exists) return ddl_error(sqlstate::kUndefinedTable, message, s.name.position);
    notice(&c, message + ", skipping");
    return {};
  }
  SequenceOptions o = s.options;
  if (!o.type) o.type = old->type;
  if (!o.start) o.start = old->start;
  if (!o.increment) o.increment = old->increment;
  if (!o.min && !o.no_min) o.min = old->min;
  if (!o.max && !o.no_max) o.max = old->max;
  if (!o.cache) o.cache = old->cache;
  if (!o.cycle) o.cycle = old->cycle;
  ASSIGN_OR_RETURN(SequenceDescriptor d, describe_sequence(o, old->type));
  d.oid = old->oid;
  d.schema = old->schema;
  d.name = old->name;
  d.owner_table = o.owned_by_none ? 0 : old->owner_table;
  d.owner_column = o.owned_by_none ? 0 : old->owner_column;
  if (o.owned_by_table) {
    ASSIGN_OR_RETURN(TablePtr t, require_table(w.data(), c, *o.owned_by_table));
    const ColumnDescriptor* column = t->column(std::string_view(o.owned_by_column));
    if (column == nullptr)
      return ddl_error(
          sqlstate::kUndefinedColumn,
          "column \"" + o.owned_by_column + "\" of relation \"" + t->name + "\" does not exist");
    d.owner_table = t->oid;
    d.owner_column = column->id;
  }
  if (o.restart || o.restart_at_start)
    RETURN_IF_ERROR(put_state(w, d.oid, o.restart.value_or(d.start), false));
  return w.put(std::move(d));
}

Status create_schema(CatalogWriter& w, DdlContext& c, const CreateSchema& s) {
  if (s.name.starts_with("pg_"))
    return ddl_error(sqlstate::kReservedName, "unacceptable schema name \"" + s.name + "\"")
        .with_detail("The prefix \"pg_\" is reserved for system schemas.");
  if (w.data().schema(c.database, s.name) != nullptr || is_system_schema(s.name)) {
    std::string message = "schema \"" + s.name + "\" already exists";
    if (!s.if_not_exists) return ddl_error(sqlstate::kDuplicateSchema, message);
    notice(&c, message + ", skipping", sqlstate::kDuplicateSchema);
    return {};
  }
  SchemaDescriptor d;
  d.database = c.database;
  d.name = s.name;
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  return w.put(std::move(d));
}

Status create_database(CatalogWriter& w, DdlContext& c, const CreateDatabase& s) {
  (void)c;
  if (w.data().database(s.name) != nullptr)
    return ddl_error(sqlstate::kDuplicateDatabase, "database \"" + s.name + "\" already exists");
  DatabaseDescriptor d;
  d.name = s.name;
  ASSIGN_OR_RETURN(d.oid, w.allocate_oid());
  SchemaDescriptor schema;
  schema.database = d.oid;
  schema.name = "public";
  ASSIGN_OR_RETURN(schema.oid, w.allocate_oid());
  RETURN_IF_ERROR(w.put(std::move(d)));
  return w.put(std::move(schema));
}

}  // namespace quorate::sql

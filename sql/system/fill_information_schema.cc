// information_schema, from the same descriptors as pg_catalog.
#include "sql/system/catalog_view.h"
#include "sql/system/rows.h"

namespace quorate::sql::system {
namespace {

Datum yes_no(bool v) { return text(v ? "YES" : "NO"); }

struct Names {
  CatalogView view;
  Datum database;
  explicit Names(const Source& s)
      : view(s.catalog, s.database, s.path()), database(text(s.database_name())) {}
  Datum schema(Oid oid) const { return text(view.schema_name(oid)); }
};

void fill_catalog_name(const Source& s, Rows* out) { out->add({text(s.database_name())}); }
void fill_enabled_roles(const Source&, Rows* out) { out->add({text("postgres")}); }

void fill_schemata(const Source& s, Rows* out) {
  const Names names(s);
  for (const SchemaName& n : names.view.schemas())
    out->add({names.database, text(n.name),
              text(n.oid == kPublic ? "pg_database_owner" : "postgres"), null(), null(), null(),
              null()});
}

void fill_tables(const Source& s, Rows* out) {
  const Names names(s);
  for (const Relation& r : names.view.relations())
    if (r.kind == 'r' || r.kind == 'v')
      out->add({names.database, names.schema(r.schema), text(r.name),
                text(r.kind == 'r' ? "BASE TABLE" : "VIEW"), null(), null(), null(), null(), null(),
                yes_no(r.table != nullptr), yes_no(false), null()});
}

// --- columns ---

// What a type says of its length and precision, as the views compute it.
struct Precision {
  Datum length, octets, precision, radix, scale, datetime, interval;
};

Precision precision_of(Type type) {
  Precision p;
  const int64_t mod = type.typmod;
  switch (type.oid) {
    case oid::kVarchar:
    case oid::kBpchar:
      if (mod >= 4) p.length = num(mod - 4);
      p.octets = num(mod >= 4 ? (mod - 4) * 4 : 1'073'741'824);
      break;
    case oid::kText:
      p.octets = num(1'073'741'824);
      break;
    case oid::kBit:
    case oid::kVarbit:
      if (mod > 0) p.length = num(mod);
      break;
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
      p.precision = num(type.oid == oid::kInt2 ? 16 : type.oid == oid::kInt4 ? 32 : 64);
      p.radix = num(2);
      p.scale = num(0);
      break;
    case oid::kFloat4:
    case oid::kFloat8:
      p.precision = num(type.oid == oid::kFloat4 ? 24 : 53);
      p.radix = num(2);
      break;
    case oid::kNumeric:
      p.radix = num(10);
      if (mod >= 4) {
        p.precision = num(((mod - 4) >> 16) & 0xffff);
        p.scale = num((((mod - 4) & 0x7ff) ^ 1024) - 1024);
      }
      break;
    case oid::kDate:
      p.datetime = num(0);
      break;
    case oid::kTime:
    case oid::kTimetz:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      p.datetime = num(mod < 0 ? 6 : mod);
      break;
    case oid::kInterval:
      p.datetime = num(mod < 0 || (mod & 0xffff) == 0xffff ? 6 : mod & 0xffff);
      break;
    default:
      break;
  }
  return p;
}

struct Column {
  const Relation* relation = nullptr;
  std::string_view name;
  Type type;
  int64_t number = 0;
  bool not_null = false;
  std::string_view default_sql;
  Identity identity = Identity::kNone;
  SequencePtr sequence;  // of an identity column
};

void add_column(const Names& names, const Column& c, Rows* out) {
  const TypeInfo& t = type_info(c.type.oid);
  const Precision p = precision_of(c.type);
  const bool identity = c.identity != Identity::kNone;
  const bool numbered = identity && c.sequence;
  const auto of_sequence = [&](int64_t v) { return text(std::to_string(v)); };
  const bool other_collation = t.collation != 0 && t.collation != kDefaultCollation;
  out->add({names.database,
            names.schema(c.relation->schema),
            text(c.relation->name),
            text(c.name),
            num(c.number),
            c.default_sql.empty() || identity ? null()
                                              : text(names.view.shown_expression(c.default_sql)),
            yes_no(!c.not_null),
            text(t.is_array() ? std::string("ARRAY") : format_type(c.type.oid)),
            p.length,
            p.octets,
            p.precision,
            p.radix,
            p.scale,
            p.datetime,
            p.interval,
            null(),
            null(),
            null(),
            null(),
            other_collation ? names.database : null(),
            other_collation ? text("pg_catalog") : null(),
            other_collation ? text("C") : null(),
            null(),
            null(),
            null(),
            names.database,
            text("pg_catalog"),
            text(t.name),
            null(),
            null(),
            null(),
            null(),
            text(std::to_string(c.number)),
            yes_no(false),
            yes_no(identity),
            identity ? text(c.identity == Identity::kAlways ? "ALWAYS" : "BY DEFAULT") : null(),
            numbered ? of_sequence(c.sequence->start) : null(),
            numbered ? of_sequence(c.sequence->increment) : null(),
            numbered ? of_sequence(c.sequence->max) : null(),
            numbered ? of_sequence(c.sequence->min) : null(),
            yes_no(numbered && c.sequence->cycle),
            text("NEVER"),
            null(),
            yes_no(c.relation->table != nullptr)});
}

void fill_columns(const Source& s, Rows* out) {
  const Names names(s);
  for (const Relation& r : names.view.relations()) {
    if (r.kind != 'r' && r.kind != 'v') continue;
    if (r.table) {
      for (const ColumnDescriptor& c : r.table->columns)
        if (!c.dropped)
          add_column(names,
                     {&r, c.name, c.type, c.id, c.not_null, c.default_sql, c.identity,
                      s.catalog.sequence(c.owned_sequence)},
                     out);
      continue;
    }
    for (size_t i = 0; i < r.system->columns().size(); ++i)
      add_column(names,
                 {&r,
                  r.system->columns()[i].name,
                  r.system->columns()[i].type,
                  static_cast<int64_t>(i) + 1,
                  r.system->not_null(i),
                  {},
                  Identity::kNone,
                  nullptr},
                 out);
  }
}

// --- constraints ---

void fill_table_constraints(const Source& s, Rows* out) {
  const Names names(s);
  for (const TablePtr& t : s.catalog.tables(s.database)) {
    const auto add = [&](std::string_view name, std::string_view type, bool nulls_distinct) {
      out->add({names.database, names.schema(t->schema), text(name), names.database,
                names.schema(t->schema), text(t->name), text(type), yes_no(false), yes_no(false),
                yes_no(true), nulls_distinct ? yes_no(true) : null()});
    };
    for (const CheckDescriptor& c : t->checks) add(c.name, "CHECK", false);
    for (const IndexDescriptor& i : t->indexes)
      if (i.constraint && i.oid != 0) add(i.name, i.primary ? "PRIMARY KEY" : "UNIQUE", !i.primary);
    for (const ForeignKeyDescriptor& k : t->foreign_keys) add(k.name, "FOREIGN KEY", false);
    for (const ColumnDescriptor& c : t->columns)
      if (c.not_null && !c.dropped)
        add(std::to_string(t->schema) + "_" + std::to_string(t->oid) + "_" + std::to_string(c.id) +
                "_not_null",
            "CHECK", false);
  }
}

void fill_check_constraints(const Source& s, Rows* out) {
  const Names names(s);
  for (const TablePtr& t : s.catalog.tables(s.database)) {
    for (const CheckDescriptor& c : t->checks)
      out->add({names.database, names.schema(t->schema), text(c.name), text(c.expression_sql)});
    for (const ColumnDescriptor& c : t->columns)
      if (c.not_null && !c.dropped)
        out->add({names.database, names.schema(t->schema),
                  text(std::to_string(t->schema) + "_" + std::to_string(t->oid) + "_" +
                       std::to_string(c.id) + "_not_null"),
                  text(c.name + " IS NOT NULL")});
  }
}

// The index that a foreign key refers to, with its table.
const IndexDescriptor* referenced_index(const ForeignKeyDescriptor& key, const TablePtr& target) {
  if (target)
    for (const IndexDescriptor& i : target->indexes)
      if (i.id == key.referenced_index) return &i;
  return nullptr;
}

int64_t place_of(const IndexDescriptor& index, ColumnId column) {
  for (size_t i = 0; i < index.columns.size(); ++i)
    if (index.columns[i].column == column) return static_cast<int64_t>(i) + 1;
  return 0;
}

void fill_key_column_usage(const Source& s, Rows* out) {
  const Names names(s);
  for (const TablePtr& t : s.catalog.tables(s.database)) {
    const auto add = [&](std::string_view name, ColumnId id, size_t position, Datum unique) {
      const ColumnDescriptor* c = t->column(id);
      out->add({names.database, names.schema(t->schema), text(name), names.database,
                names.schema(t->schema), text(t->name), c != nullptr ? text(c->name) : null(),
                num(static_cast<int64_t>(position) + 1), std::move(unique)});
    };
    for (const IndexDescriptor& i : t->indexes)
      if (i.constraint && i.oid != 0)
        for (size_t n = 0; n < i.columns.size(); ++n) add(i.name, i.columns[n].column, n, null());
    for (const ForeignKeyDescriptor& k : t->foreign_keys) {
      TablePtr target = s.catalog.table(k.referenced_table);
      const IndexDescriptor* index = referenced_index(k, target);
      for (size_t n = 0; n < k.columns.size(); ++n)
        add(k.name, k.columns[n], n,
            index != nullptr ? num(place_of(*index, k.referenced_columns[n])) : null());
    }
  }
}

std::string_view rule(ForeignKeyAction a) {
  switch (a) {
    case ForeignKeyAction::kNoAction:
      return "NO ACTION";
    case ForeignKeyAction::kRestrict:
      return "RESTRICT";
    case ForeignKeyAction::kCascade:
      return "CASCADE";
    case ForeignKeyAction::kSetNull:
      return "SET NULL";
    case ForeignKeyAction::kSetDefault:
      return "SET DEFAULT";
  }
  return {};
}

void fill_referential_constraints(const Source& s, Rows* out) {
  const Names names(s);
  for (const TablePtr& t : s.catalog.tables(s.database))
    for (const ForeignKeyDescriptor& k : t->foreign_keys) {
      TablePtr target = s.catalog.table(k.referenced_table);
      const IndexDescriptor* index = referenced_index(k, target);
      const bool constraint = index != nullptr && index->constraint;
      out->add({names.database, names.schema(t->schema), text(k.name),
                constraint ? names.database : null(),
                constraint ? names.schema(target->schema) : null(),
                constraint ? text(index->name) : null(), text("NONE"), text(rule(k.on_update)),
                text(rule(k.on_delete))});
    }
}

using Usage = std::function<void(const TableDescriptor& table, ColumnId column,
                                 const TableDescriptor& owner, std::string_view constraint)>;

// Columns that constraints use: of keys their own, of foreign keys the referenced ones.
void each_usage(const Source& s, const Usage& use) {
  for (const TablePtr& t : s.catalog.tables(s.database)) {
    for (const IndexDescriptor& i : t->indexes)
      if (i.constraint && i.oid != 0)
        for (const IndexColumn& c : i.columns) use(*t, c.column, *t, i.name);
    for (const ForeignKeyDescriptor& k : t->foreign_keys)
      if (TablePtr target = s.catalog.table(k.referenced_table))
        for (ColumnId c : k.referenced_columns) use(*target, c, *t, k.name);
  }
}

void fill_constraint_column_usage(const Source& s, Rows* out) {
  const Names names(s);
  each_usage(s, [&](const TableDescriptor& table, ColumnId id, const TableDescriptor& owner,
                    std::string_view constraint) {
    const ColumnDescriptor* c = table.column(id);
    out->add({names.database, names.schema(table.schema), text(table.name),
              c != nullptr ? text(c->name) : null(), names.database, names.schema(owner.schema),
              text(constraint)});
  });
}

void fill_constraint_table_usage(const Source& s, Rows* out) {
  const Names names(s);
  std::set<std::pair<Oid, std::string>> done;
  each_usage(s, [&](const TableDescriptor& table, ColumnId, const TableDescriptor& owner,
                    std::string_view constraint) {
    if (!done.emplace(owner.oid, constraint).second) return;
    out->add({names.database, names.schema(table.schema), text(table.name), names.database,
              names.schema(owner.schema), text(constraint)});
  });
}

void fill_sequences(const Source& s, Rows* out) {
  const Names names(s);
  for (const SequencePtr& q : s.catalog.sequences(s.database)) {
    const Precision p = precision_of(Type{q->type, -1});
    const auto number = [](int64_t v) { return text(std::to_string(v)); };
    out->add({names.database, names.schema(q->schema), text(q->name), text(format_type(q->type)),
              p.precision, p.radix, p.scale, number(q->start), number(q->min), number(q->max),
              number(q->increment), yes_no(q->cycle)});
  }
}

void fill_views(const Source& s, Rows* out) {
  const Names names(s);
  for (const Relation& r : names.view.relations())
    if (r.kind == 'v')
      out->add({names.database, names.schema(r.schema), text(r.name), null(), text("NONE"),
                yes_no(false), yes_no(false), yes_no(false), yes_no(false), yes_no(false)});
}

void fill_table_privileges(const Source& s, Rows* out) {
  const Names names(s);
  for (const TablePtr& t : s.catalog.tables(s.database))
    for (std::string_view privilege :
         {"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"})
      out->add({text("postgres"), text("postgres"), names.database, names.schema(t->schema),
                text(t->name), text(privilege), yes_no(true), yes_no(privilege == "SELECT")});
}

constexpr Filler kFillers[] = {
    {"information_schema_catalog_name", fill_catalog_name},
    {"enabled_roles", fill_enabled_roles},
    {"schemata", fill_schemata},
    {"tables", fill_tables},
    {"columns", fill_columns},
    {"table_constraints", fill_table_constraints},
    {"check_constraints", fill_check_constraints},
    {"key_column_usage", fill_key_column_usage},
    {"referential_constraints", fill_referential_constraints},
    {"constraint_column_usage", fill_constraint_column_usage},
    {"constraint_table_usage", fill_constraint_table_usage},
    {"sequences", fill_sequences},
    {"views", fill_views},
    {"table_privileges", fill_table_privileges},
};

}  // namespace

std::span<const Filler> information_schema_fillers() { return kFillers; }

}  // namespace quorate::sql::system

// pg_index, pg_constraint, pg_attrdef and pg_depend.
#include "sql/system/btree_classes.h"
#include "sql/system/catalog_functions.h"
#include "sql/system/catalog_view.h"
#include "sql/system/rows.h"

namespace quorate::sql::system {
namespace {

std::vector<ColumnId> columns_of(const IndexDescriptor& index) {
  std::vector<ColumnId> out;
  for (const IndexColumn& c : index.columns) out.push_back(c.column);
  return out;
}

Oid type_of(const TableDescriptor& table, ColumnId id) {
  const ColumnDescriptor* c = table.column(id);
  return c != nullptr ? c->type.oid : 0;
}

void add_index(const TableDescriptor& t, const IndexDescriptor& index, Rows* out) {
  std::vector<Oid> collations, classes;
  std::vector<int> options;
  for (const IndexColumn& c : index.columns) {
    const Oid type = type_of(t, c.column);
    const BtreeClass* cls = btree_class_of(type);
    collations.push_back(collation_of(type));
    classes.push_back(cls != nullptr ? cls->oid : 0);
    options.push_back((c.descending ? 1 : 0) | (c.nulls_first ? 2 : 0));
  }
  const bool usable = index.state == SchemaState::kPublic;
  const auto columns = static_cast<int64_t>(index.columns.size());
  out->add({num(index.oid),
            num(t.oid),
            num(columns),
            num(columns),
            flag(index.unique),
            flag(false),
            flag(index.primary),
            flag(false),
            flag(true),
            flag(false),
            flag(usable),
            flag(false),
            flag(index.state != SchemaState::kDropping),
            flag(true),
            flag(false),
            int2vector(columns_of(index)),
            oidvector(collations),
            oidvector(classes),
            int2vector(options),
            null(),
            null()});
}

void fill_index(const Source& s, Rows* out) {
  for (const TablePtr& t : s.catalog.tables(s.database))
    for (const IndexDescriptor& i : t->indexes)
      if (i.oid != 0) add_index(*t, i, out);
}

// --- pg_constraint ---

struct Constraint {
  Oid oid = 0;
  std::string_view name;
  char type = 'c';
  bool validated = true, no_inherit = false;
  const TableDescriptor* table = nullptr;
  Oid index = 0;
  const ForeignKeyDescriptor* key = nullptr;
  std::vector<ColumnId> columns;
  std::string_view expression;
};

Oid index_oid(const Source& s, const ForeignKeyDescriptor& key) {
  TablePtr target = s.catalog.table(key.referenced_table);
  if (!target) return 0;
  for (const IndexDescriptor& i : target->indexes)
    if (i.id == key.referenced_index) return i.oid;
  return 0;
}

Datum equality_operators(const TableDescriptor& table, const ForeignKeyDescriptor& key) {
  std::vector<Oid> operators;
  for (ColumnId c : key.columns) {
    const BtreeClass* cls = btree_class_of(type_of(table, c));
    operators.push_back(cls != nullptr ? cls->equal : 0);
  }
  return number_array(oid::kOid, operators);
}

void add_constraint(const Constraint& c, Rows* out) {
  const ForeignKeyDescriptor* k = c.key;
  const Datum operators = k != nullptr ? equality_operators(*c.table, *k) : null();
  out->add({num(c.oid),
            text(c.name),
            num(c.table->schema),
            letter(c.type),
            flag(false),
            flag(false),
            flag(c.validated),
            num(c.table->oid),
            num(0),
            num(c.index),
            num(0),
            num(k != nullptr ? k->referenced_table : 0),
            letter(k != nullptr ? static_cast<char>(k->on_update) : ' '),
            letter(k != nullptr ? static_cast<char>(k->on_delete) : ' '),
            letter(k != nullptr ? 's' : ' '),
            flag(true),
            num(0),
            flag(c.no_inherit),
            c.columns.empty() ? null() : number_array(oid::kInt2, c.columns),
            k != nullptr ? number_array(oid::kInt2, k->referenced_columns) : null(),
            operators,
            operators,
            operators,
            null(),
            null(),
            c.expression.empty() ? null() : text(c.expression)});
}

// Every constraint of the database, by table: checks, keys, foreign keys.
std::vector<Constraint> constraints(const Source& s, const TableDescriptor& t) {
  std::vector<Constraint> out;
  for (const CheckDescriptor& c : t.checks)
    out.push_back({c.oid, c.name, 'c', c.validated, false, &t, 0, nullptr,
                   check_columns(t, c.expression_sql), c.expression_sql});
  for (const IndexDescriptor& i : t.indexes)
    if (i.constraint && i.oid != 0)
      out.push_back({i.oid,
                     i.name,
                     i.primary ? 'p' : 'u',
                     true,
                     true,
                     &t,
                     i.oid,
                     nullptr,
                     columns_of(i),
                     {}});
  for (const ForeignKeyDescriptor& k : t.foreign_keys)
    out.push_back({k.oid, k.name, 'f', k.validated, true, &t, index_oid(s, k), &k, k.columns, {}});
  return out;
}

void fill_constraint(const Source& s, Rows* out) {
  for (const TablePtr& t : s.catalog.tables(s.database))
    for (const Constraint& c : constraints(s, *t)) add_constraint(c, out);
}

// --- pg_attrdef ---

bool has_default(const ColumnDescriptor& c) {
  return !c.dropped && !c.default_sql.empty() && c.identity == Identity::kNone;
}

// Defaults have no OID of their own in a descriptor; the pair gives one that is unique there.
Oid default_oid(const TableDescriptor& t, const ColumnDescriptor& c) { return t.oid * 1600 + c.id; }

void fill_attrdef(const Source& s, Rows* out) {
  for (const TablePtr& t : s.catalog.tables(s.database))
    for (const ColumnDescriptor& c : t->columns)
      if (has_default(c))
        out->add({num(default_oid(*t, c)), num(t->oid), num(c.id), text(c.default_sql)});
}

// --- pg_depend ---

struct Object {
  Oid cls = 0, oid = 0;
  int64_t sub = 0;
};

void add_dependency(Object dependent, Object on, char type, Rows* out) {
  out->add({num(dependent.cls), num(dependent.oid), num(dependent.sub), num(on.cls), num(on.oid),
            num(on.sub), letter(type)});
}

void constraint_dependencies(const Constraint& c, Rows* out) {
  const Object self{kConstraintClass, c.oid};
  for (ColumnId column : c.columns)
    add_dependency(self, {kRelationClass, c.table->oid, column}, 'a', out);
  if (c.type == 'p' || c.type == 'u') add_dependency({kRelationClass, c.index}, self, 'i', out);
  if (c.type == 'f') {
    for (ColumnId column : c.key->referenced_columns)
      add_dependency(self, {kRelationClass, c.key->referenced_table, column}, 'n', out);
    if (c.index != 0) add_dependency(self, {kRelationClass, c.index}, 'n', out);
  }
}

void fill_depend(const Source& s, Rows* out) {
  for (const TablePtr& t : s.catalog.tables(s.database)) {
    const Object table{kRelationClass, t->oid};
    add_dependency(table, {kNamespaceClass, t->schema}, 'n', out);
    for (const ColumnDescriptor& c : t->columns) {
      if (!has_default(c)) continue;
      const Object self{kAttrdefClass, default_oid(*t, c)};
      add_dependency(self, {kRelationClass, t->oid, c.id}, 'a', out);
      if (c.owned_sequence != 0) add_dependency(self, {kRelationClass, c.owned_sequence}, 'n', out);
    }
    for (const Constraint& c : constraints(s, *t)) constraint_dependencies(c, out);
    for (const IndexDescriptor& i : t->indexes)
      if (i.oid != 0 && !i.constraint)
        for (const IndexColumn& c : i.columns)
          add_dependency({kRelationClass, i.oid}, {kRelationClass, t->oid, c.column}, 'a', out);
  }
  for (const SequencePtr& q : s.catalog.sequences(s.database)) {
    add_dependency({kRelationClass, q->oid}, {kNamespaceClass, q->schema}, 'n', out);
    TablePtr owner = q->owner_table != 0 ? s.catalog.table(q->owner_table) : nullptr;
    if (!owner) continue;
    const ColumnDescriptor* c = owner->column(q->owner_column);
    const bool identity = c != nullptr && c->identity != Identity::kNone;
    add_dependency({kRelationClass, q->oid}, {kRelationClass, owner->oid, q->owner_column},
                   identity ? 'i' : 'a', out);
  }
}

constexpr Filler kFillers[] = {
    {"pg_index", fill_index},
    {"pg_constraint", fill_constraint},
    {"pg_attrdef", fill_attrdef},
    {"pg_depend", fill_depend},
};

}  // namespace

std::span<const Filler> constraint_fillers() { return kFillers; }

}  // namespace quorate::sql::system

// pg_class, pg_attribute and the other tables and views that list relations.
#include "sql/functions/quote.h"
#include "sql/system/catalog_view.h"
#include "sql/system/rows.h"

namespace quorate::sql::system {
namespace {

CatalogView view_of(const Source& s) { return CatalogView(s.catalog, s.database); }

void fill_namespace(const Source& s, Rows* out) {
  out->add({num(99), text("pg_toast"), num(kSuperuser), null()});
  for (const SchemaName& n : view_of(s).schemas())
    out->add(
        {num(n.oid), text(n.name), num(n.oid == kPublic ? kDatabaseOwner : kSuperuser), null()});
}

void fill_database(const Source& s, Rows* out) {
  for (const DatabaseDescriptor* d : s.catalog.databases()) {
    const bool is_template = d->name == "template1" || d->name == "template0";
    out->add({num(d->oid), text(d->name), num(kSuperuser), num(6), letter('c'), flag(is_template),
              flag(d->name != "template0"), num(-1), num(0), num(0), num(kDefaultTablespace),
              text("C"), text("C"), null(), null(), null()});
  }
}

// --- pg_class ---

struct ClassFacts {
  Oid am = 0;
  double tuples = 0;
  bool has_index = false, triggers = false;
  size_t columns = 0, checks = 0;
  char replica_identity = 'n';
};

ClassFacts class_facts(const Relation& r) {
  ClassFacts f;
  if (r.index != nullptr) {
    f.am = kBtreeAm;
    f.columns = r.index->columns.size();
  } else if (r.table) {
    f.am = kHeapAm;
    f.tuples = -1;  // never counted
    f.columns = r.table->columns.size();
    f.checks = r.table->checks.size();
    f.has_index = std::any_of(r.table->indexes.begin(), r.table->indexes.end(),
                              [](const IndexDescriptor& i) { return i.oid != 0; });
    f.triggers = !r.table->foreign_keys.empty() || !r.table->referenced_by.empty();
    f.replica_identity = 'd';
  } else if (r.sequence) {
    f.columns = 3;
    f.tuples = 1;
  } else {
    f.columns = r.system->columns().size();
    if (r.kind == 'r') {
      f.am = kHeapAm;
      f.tuples = -1;
    }
  }
  return f;
}

void fill_class(const Source& s, Rows* out) {
  for (const Relation& r : view_of(s).relations()) {
    const ClassFacts f = class_facts(r);
    out->add({num(r.oid),
              text(r.name),
              num(r.schema),
              num(0),
              num(0),
              num(kSuperuser),
              num(f.am),
              num(r.kind == 'v' || r.system != nullptr ? 0 : r.oid),
              num(0),
              num(0),
              real(f.tuples),
              num(0),
              num(0),
              flag(f.has_index),
              flag(false),
              letter('p'),
              letter(r.kind),
              num(static_cast<int64_t>(f.columns)),
              num(static_cast<int64_t>(f.checks)),
              flag(r.kind == 'v'),  // a view is a rule
              flag(f.triggers),
              flag(false),
              flag(false),
              flag(false),
              flag(true),
              letter(f.replica_identity),
              flag(false),
              num(0),
              num(0),
              num(0),
              null(),
              null(),
              null()});
  }
}

// --- pg_attribute ---

struct Attribute {
  Oid relation = 0;
  std::string_view name;
  Type type;
  int64_t number = 0;
  bool not_null = false, has_default = false, dropped = false, has_missing = false;
  Identity identity = Identity::kNone;
};

void add_attribute(const Attribute& a, Rows* out) {
  const TypeInfo* t = find_type(a.type.oid);
  const bool is_array = t != nullptr && t->is_array();
  out->add({num(a.relation),
            text(a.name),
            num(a.dropped ? 0 : a.type.oid),
            num(a.dropped ? 0 : -1),
            num(t != nullptr ? t->len : -1),
            num(a.number),
            num(is_array ? 1 : 0),
            num(-1),
            num(a.type.typmod),
            flag(t != nullptr && t->by_value),
            letter(t != nullptr ? t->align : 'i'),
            letter(t != nullptr ? t->storage : 'x'),
            no_letter(),
            flag(a.not_null),
            flag(a.has_default),
            flag(a.has_missing),
            a.identity == Identity::kNone ? no_letter() : letter(static_cast<char>(a.identity)),
            no_letter(),
            flag(a.dropped),
            flag(true),
            num(0),
            num(t != nullptr ? t->collation : 0),
            null(),
            null(),
            null(),
            null()});
}

std::string dropped_name(ColumnId id) {
  return "........pg.dropped." + std::to_string(id) + "........";
}

void table_attributes(const Relation& r, Rows* out) {
  for (const ColumnDescriptor& c : r.table->columns) {
    const std::string name = c.dropped ? dropped_name(c.id) : c.name;
    add_attribute({r.oid, name, c.type, c.id, c.not_null && !c.dropped,
                   !c.default_sql.empty() && !c.dropped && c.identity == Identity::kNone, c.dropped,
                   !c.missing_sql.empty(), c.identity},
                  out);
  }
}

void index_attributes(const Relation& r, Rows* out) {
  for (size_t i = 0; i < r.index->columns.size(); ++i)
    if (const ColumnDescriptor* c = r.table->column(r.index->columns[i].column))
      add_attribute({r.oid, c->name, c->type, static_cast<int64_t>(i) + 1}, out);
}

void fill_attribute(const Source& s, Rows* out) {
  for (const Relation& r : view_of(s).relations()) {
    if (r.index != nullptr) {
      index_attributes(r, out);
    } else if (r.table) {
      table_attributes(r, out);
    } else if (r.sequence) {
      add_attribute({r.oid, "last_value", {oid::kInt8, -1}, 1, true}, out);
      add_attribute({r.oid, "log_cnt", {oid::kInt8, -1}, 2, true}, out);
      add_attribute({r.oid, "is_called", {oid::kBool, -1}, 3, true}, out);
    } else {
      const auto columns = r.system->columns();
      for (size_t i = 0; i < columns.size(); ++i)
        add_attribute({r.oid, columns[i].name, columns[i].type, static_cast<int64_t>(i) + 1,
                       r.system->not_null(i)},
                      out);
    }
  }
}

// --- views over them ---

void fill_tables(const Source& s, Rows* out) {
  const CatalogView view = view_of(s);
  for (const Relation& r : view.relations()) {
    if (r.kind != 'r') continue;
    const ClassFacts f = class_facts(r);
    out->add({text(view.schema_name(r.schema)), text(r.name), text("postgres"), null(),
              flag(f.has_index), flag(false), flag(f.triggers), flag(false)});
  }
}

void fill_views(const Source& s, Rows* out) {
  const CatalogView view = view_of(s);
  for (const Relation& r : view.relations())
    if (r.kind == 'v')
      out->add({text(view.schema_name(r.schema)), text(r.name), text("postgres"), null()});
}

void fill_indexes(const Source& s, Rows* out) {
  const CatalogView view = view_of(s);
  for (const Relation& r : view.own_relations()) {
    if (r.index == nullptr) continue;
    const std::string_view schema = view.schema_name(r.schema);
    const std::string table = quoted_identifier(schema) + "." + quoted_identifier(r.table->name);
    out->add({text(schema), text(r.table->name), text(r.name), null(),
              text(index_definition(*r.table, *r.index, table))});
  }
}

void fill_sequence(const Source& s, Rows* out) {
  for (const SequencePtr& q : s.catalog.sequences(s.database))
    out->add({num(q->oid), num(q->type), num(q->start), num(q->increment), num(q->max), num(q->min),
              num(q->cache), flag(q->cycle)});
}

void fill_sequences(const Source& s, Rows* out) {
  const CatalogView view = view_of(s);
  for (const SequencePtr& q : s.catalog.sequences(s.database))
    out->add({text(view.schema_name(q->schema)), text(q->name), text("postgres"), num(q->type),
              num(q->start), num(q->min), num(q->max), num(q->increment), flag(q->cycle),
              num(q->cache), null()});
}

constexpr Filler kFillers[] = {
    {"pg_namespace", fill_namespace}, {"pg_database", fill_database},
    {"pg_class", fill_class},         {"pg_attribute", fill_attribute},
    {"pg_tables", fill_tables},       {"pg_views", fill_views},
    {"pg_indexes", fill_indexes},     {"pg_sequence", fill_sequence},
    {"pg_sequences", fill_sequences},
};

}  // namespace

std::span<const Filler> relation_fillers() { return kFillers; }

}  // namespace quorate::sql::system

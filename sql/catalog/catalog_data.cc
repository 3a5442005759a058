#include "sql/catalog/catalog_data.h"

namespace quorate::sql {

Oid CatalogData::find(const ByName& names, Oid parent, std::string_view name) {
  auto it = names.find(std::pair<Oid, std::string_view>(parent, name));
  return it == names.end() ? 0 : it->second;
}

const DatabaseDescriptor* CatalogData::database(std::string_view name) const {
  Oid oid = find(database_names_, 0, name);
  return oid == 0 ? nullptr : databases_.at(oid).get();
}

const SchemaDescriptor* CatalogData::schema(Oid database, std::string_view name) const {
  Oid oid = find(schema_names_, database, name);
  return oid == 0 ? nullptr : schemas_.at(oid).get();
}

const SchemaDescriptor* CatalogData::schema(Oid oid) const {
  auto it = schemas_.find(oid);
  return it == schemas_.end() ? nullptr : it->second.get();
}

TablePtr CatalogData::table(Oid schema, std::string_view name) const {
  Oid oid = find(table_names_, schema, name);
  return oid == 0 ? nullptr : tables_.at(oid);
}

TablePtr CatalogData::table(Oid oid) const {
  auto it = tables_.find(oid);
  return it == tables_.end() ? nullptr : it->second;
}

SequencePtr CatalogData::sequence(Oid schema, std::string_view name) const {
  Oid oid = find(sequence_names_, schema, name);
  return oid == 0 ? nullptr : sequences_.at(oid);
}

SequencePtr CatalogData::sequence(Oid oid) const {
  auto it = sequences_.find(oid);
  return it == sequences_.end() ? nullptr : it->second;
}

std::vector<const DatabaseDescriptor*> CatalogData::databases() const {
  std::vector<const DatabaseDescriptor*> out;
  for (const auto& [oid, d] : databases_) out.push_back(d.get());
  return out;
}

std::vector<const SchemaDescriptor*> CatalogData::schemas(Oid database) const {
  std::vector<const SchemaDescriptor*> out;
  for (const auto& [oid, d] : schemas_)
    if (d->database == database) out.push_back(d.get());
  return out;
}

std::vector<TablePtr> CatalogData::tables(Oid database) const {
  std::vector<TablePtr> out;
  for (const auto& [oid, t] : tables_) {
    const SchemaDescriptor* s = schema(t->schema);
    if (s != nullptr && s->database == database) out.push_back(t);
  }
  return out;
}

std::vector<SequencePtr> CatalogData::sequences(Oid database) const {
  std::vector<SequencePtr> out;
  for (const auto& [oid, q] : sequences_) {
    const SchemaDescriptor* s = schema(q->schema);
    if (s != nullptr && s->database == database) out.push_back(q);
  }
  return out;
}

TablePtr CatalogData::table_of_index(Oid schema, std::string_view name, size_t* position) const {
  Oid oid = find(index_names_, schema, name);
  if (oid == 0) return nullptr;
  TablePtr t = tables_.at(oid);
  for (size_t i = 0; i < t->indexes.size(); ++i) {
    if (t->indexes[i].name != name) continue;
    *position = i;
    return t;
  }
  UNREACHABLE("the catalog's index names and tables disagree");
}

bool CatalogData::relation_exists(Oid schema, std::string_view name) const {
  return find(table_names_, schema, name) != 0 || find(sequence_names_, schema, name) != 0 ||
         find(index_names_, schema, name) != 0;
}

void CatalogData::put(DatabaseDescriptor d) {
  remove(d.oid);
  database_names_[{0, d.name}] = d.oid;
  databases_[d.oid] = std::make_shared<const DatabaseDescriptor>(std::move(d));
}

void CatalogData::put(SchemaDescriptor d) {
  remove(d.oid);
  schema_names_[{d.database, d.name}] = d.oid;
  schemas_[d.oid] = std::make_shared<const SchemaDescriptor>(std::move(d));
}

void CatalogData::put(TableDescriptor d) {
  remove(d.oid);
  table_names_[{d.schema, d.name}] = d.oid;
  for (const auto& i : d.indexes)
    if (!i.name.empty()) index_names_[{d.schema, i.name}] = d.oid;
  tables_[d.oid] = std::make_shared<const TableDescriptor>(std::move(d));
}

void CatalogData::put(SequenceDescriptor d) {
  remove(d.oid);
  sequence_names_[{d.schema, d.name}] = d.oid;
  sequences_[d.oid] = std::make_shared<const SequenceDescriptor>(std::move(d));
}

void CatalogData::remove(Oid oid) {
  if (auto it = tables_.find(oid); it != tables_.end()) {
    table_names_.erase({it->second->schema, it->second->name});
    for (const auto& i : it->second->indexes) index_names_.erase({it->second->schema, i.name});
    tables_.erase(it);
  } else if (auto s = sequences_.find(oid); s != sequences_.end()) {
    sequence_names_.erase({s->second->schema, s->second->name});
    sequences_.erase(s);
  } else if (auto c = schemas_.find(oid); c != schemas_.end()) {
    schema_names_.erase({c->second->database, c->second->name});
    schemas_.erase(c);
  } else if (auto d = databases_.find(oid); d != databases_.end()) {
    database_names_.erase({0, d->second->name});
    databases_.erase(d);
  }
}

}  // namespace quorate::sql

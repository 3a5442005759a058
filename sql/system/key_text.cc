#include "sql/system/key_text.h"

#include "range/keys.h"
#include "sql/types/key_encoding.h"
#include "sql/types/text_io.h"

namespace quorate::sql::system {
namespace {

namespace keys = range::keys;

std::string hex_tail(BytesView rest) { return rest.empty() ? std::string() : "/" + to_hex(rest); }

// The values of an index's columns, as far as they can be read from `rest`.
std::string column_values(const TableDescriptor& table, const IndexDescriptor& index,
                          BytesView rest) {
  std::string out;
  for (const IndexColumn& c : index.columns) {
    if (rest.empty()) return out;
    const ColumnDescriptor* column = table.column(c.column);
    const Type type = column == nullptr ? Type{oid::kInt8, -1} : column->type;
    BytesView in = rest;
    Datum value;
    if (!decode_key(type, in, c.descending, c.nulls_first, &value).ok()) break;
    out += "/" + (value.is_null() ? std::string("NULL") : to_text(type, value, IoContext()));
    rest = in;
  }
  return out + hex_tail(rest);
}

}  // namespace

KeyText::KeyText(const CatalogSnapshot& catalog, Oid database) {
  for (const DatabaseDescriptor* d : catalog.databases()) {
    for (const TablePtr& table : catalog.tables(d->oid)) {
      std::string name;
      if (d->oid != database) name = d->name + ".";
      const SchemaDescriptor* schema = catalog.schema(table->schema);
      if (schema != nullptr && (d->oid != database || schema->name != "public"))
        name += schema->name + ".";
      tables_[table->storage] = {name + table->name, table};
    }
  }
}

const KeyText::Named* KeyText::find(BytesView key) const {
  TableId table;
  IndexId index;
  BytesView rest;
  if (!keys::parse_table_key(key, table, index, rest)) return nullptr;
  auto it = tables_.find(table);
  return it == tables_.end() ? nullptr : &it->second;
}

std::string KeyText::table_of(BytesView key) const {
  const Named* named = find(key);
  return named == nullptr ? std::string() : named->name;
}

std::string KeyText::tables_in(const KeySpan& span) const {
  std::string out;
  size_t count = 0;
  for (const auto& [id, named] : tables_) {
    if (!span.overlaps(KeySpan::prefix(keys::table_prefix(id)))) continue;
    if (++count <= kTablesShown) out += (out.empty() ? "" : ", ") + named.name;
  }
  if (count > kTablesShown) out += " and " + std::to_string(count - kTablesShown) + " more";
  return out;
}

std::string KeyText::key(BytesView key) const {
  if (key.empty()) return "";
  TableId table;
  IndexId index;
  BytesView rest;
  if (keys::parse_table_key(key, table, index, rest)) {
    const Named* named = find(key);
    if (named != nullptr) {
      for (const IndexDescriptor& i : named->table->indexes) {
        if (i.id != index) continue;
        return "/" + named->name + "/" + (i.name.empty() ? "rowid" : i.name) +
               column_values(*named->table, i, rest);
      }
    }
    return "/" + table.to_string() + "/" + index.to_string() + hex_tail(rest);
  }
  const BytesView tail = key.substr(1);
  switch (key[0]) {
    case keys::kDirectoryPrefix:
      return "/directory" + hex_tail(tail);
    case keys::kSystemPrefix:
      return "/system" + (tail.empty() ? std::string() : "/" + escape_bytes(tail));
    case keys::kTablePrefix: {
      if (tail.empty()) return "/tables";
      for (const auto& [id, named] : tables_) {
        if (keys::table_prefix(id) == key) return "/" + named.name;
      }
      return "/tables/" + to_hex(tail);
    }
    default:
      return "\\x" + to_hex(key);
  }
}

}  // namespace quorate::sql::system

#include "sql/catalog/catalog_store.h"

#include "base/ordered_encoding.h"
#include "range/keys.h"

namespace quorate::sql::catalog_store {
namespace {

constexpr TableId kHeadTable{1}, kDescriptorTable{2}, kLeaseTable{3}, kSequenceTable{4},
    kGarbageTable{5}, kStatusTable{6};
constexpr IndexId kOnlyIndex{1}, kChangesIndex{2};

// Frozen: on disk.
enum class DescriptorKind : char { kDatabase = 'd', kSchema = 'n', kTable = 'r', kSequence = 'S' };

Bytes oid_key(TableId table, Oid oid) {
  Bytes key = range::keys::index_prefix(table, kOnlyIndex);
  put_ordered_u32(oid, key);
  return key;
}

Bytes wide_key(TableId table, uint64_t id) {
  Bytes key = range::keys::index_prefix(table, kOnlyIndex);
  put_ordered_u64(id, key);
  return key;
}

template <class D>
Bytes encode_as(DescriptorKind kind, const D& d) {
  Bytes out(1, static_cast<char>(kind));
  out += encode(d);
  return out;
}

template <class D>
Status decode_into(BytesView bytes, CatalogData* into) {
  D d;
  RETURN_IF_ERROR(decode(bytes, d));
  into->put(std::move(d));
  return {};
}

}  // namespace

Bytes head_key() { return range::keys::index_prefix(kHeadTable, kOnlyIndex); }
Bytes changes_key() { return range::keys::index_prefix(kHeadTable, kChangesIndex); }
Bytes descriptor_key(Oid oid) { return oid_key(kDescriptorTable, oid); }
Bytes lease_key(NodeId node) { return wide_key(kLeaseTable, node.value); }
Bytes sequence_key(Oid oid) { return oid_key(kSequenceTable, oid); }
Bytes garbage_key(TableId table) { return wide_key(kGarbageTable, table.value); }
Bytes status_key(uint64_t xid) { return wide_key(kStatusTable, xid); }
KeySpan statuses_below(uint64_t xid) {
  return KeySpan{range::keys::index_prefix(kStatusTable, kOnlyIndex), status_key(xid)};
}
KeySpan descriptors_span() {
  return KeySpan::prefix(range::keys::index_prefix(kDescriptorTable, kOnlyIndex));
}
KeySpan leases_span() {
  return KeySpan::prefix(range::keys::index_prefix(kLeaseTable, kOnlyIndex));
}
KeySpan garbage_span() {
  return KeySpan::prefix(range::keys::index_prefix(kGarbageTable, kOnlyIndex));
}

runtime::Task<Result<HeadRow>> read_head(txn::Transaction* txn, txn::LockMode lock) {
  txn::ReadOptions options;
  options.lock = lock;
  std::vector<Bytes> keys;
  keys.push_back(head_key());
  auto rows = co_await txn->get(std::move(keys), options);
  if (!rows.ok()) co_return rows.status();
  HeadRow out;
  out.present = rows->present(0);
  out.base = rows->ts(0);
  if (out.present) CO_RETURN_IF_ERROR(decode(rows->value(0), out.head));
  co_return out;
}

runtime::Task<Status> lock_changes(txn::Transaction* txn) {
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  std::vector<Bytes> keys;
  keys.push_back(changes_key());
  auto rows = co_await txn->get(std::move(keys), options);
  co_return rows.status();
}

runtime::Task<Result<CatalogData>> load(txn::Transaction* txn, uint64_t version, Bases* bases) {
  CatalogData data;
  data.set_version(version);
  txn::ScanOptions options;
  options.span = descriptors_span();
  while (!options.span.empty()) {
    KeySpan rest;
    auto rows = co_await txn->scan(options, &rest);
    if (!rows.ok()) co_return rows.status();
    for (size_t i = 0; i < rows->size(); ++i) {
      CO_RETURN_IF_ERROR(decode_descriptor(rows->value(i), &data));
      if (bases == nullptr) continue;
      BytesView rest = rows->key(i);
      rest.remove_prefix(rest.size() - sizeof(Oid));
      Oid oid = 0;
      if (!take_ordered_u32(rest, oid)) co_return corruption("a descriptor's key without its oid");
      (*bases)[oid] = rows->ts(i);
    }
    options.span = rest;
  }
  co_return data;
}

Bytes encode_descriptor(const DatabaseDescriptor& d) {
  return encode_as(DescriptorKind::kDatabase, d);
}
Bytes encode_descriptor(const SchemaDescriptor& d) { return encode_as(DescriptorKind::kSchema, d); }
Bytes encode_descriptor(const TableDescriptor& d) { return encode_as(DescriptorKind::kTable, d); }
Bytes encode_descriptor(const SequenceDescriptor& d) {
  return encode_as(DescriptorKind::kSequence, d);
}

Status decode_descriptor(BytesView value, CatalogData* into) {
  if (value.empty()) return corruption("an empty descriptor");
  auto kind = static_cast<DescriptorKind>(value.front());
  value.remove_prefix(1);
  switch (kind) {
    case DescriptorKind::kDatabase:
      return decode_into<DatabaseDescriptor>(value, into);
    case DescriptorKind::kSchema:
      return decode_into<SchemaDescriptor>(value, into);
    case DescriptorKind::kTable:
      return decode_into<TableDescriptor>(value, into);
    case DescriptorKind::kSequence:
      return decode_into<SequenceDescriptor>(value, into);
  }
  return corruption("a descriptor of unknown kind");
}

Status bootstrap(txn::Transaction* txn) {
  constexpr Oid kTemplatePublic = 2199;
  DatabaseDescriptor postgres, template1;
  postgres.oid = kPostgresDatabase;
  postgres.name = "postgres";
  template1.oid = kTemplate1Database;
  template1.name = "template1";
  SchemaDescriptor schema, template_schema;
  schema.oid = kPublicSchema;
  schema.database = kPostgresDatabase;
  template_schema.oid = kTemplatePublic;
  template_schema.database = kTemplate1Database;
  schema.name = template_schema.name = "public";
  CatalogHead head;
  head.version = 1;
  auto put = [&](Oid oid, const Bytes& value) {
    return txn->put(descriptor_key(oid), value, range::kAllColumns, Timestamp());
  };
  RETURN_IF_ERROR(put(postgres.oid, encode_descriptor(postgres)));
  RETURN_IF_ERROR(put(template1.oid, encode_descriptor(template1)));
  RETURN_IF_ERROR(put(schema.oid, encode_descriptor(schema)));
  RETURN_IF_ERROR(put(template_schema.oid, encode_descriptor(template_schema)));
  return txn->put(head_key(), encode(head), range::kAllColumns, Timestamp());
}

}  // namespace quorate::sql::catalog_store

#include "sql/catalog/catalog_writer.h"

namespace quorate::sql {

runtime::Task<Status> CatalogWriter::begin() {
  if (begun_) co_return Status();
  auto row = co_await catalog_store::read_head(txn_, txn::LockMode::kExclusive);
  if (!row.ok()) co_return row.status();
  if (!row->present) co_return unavailable("the cluster has no catalog yet");
  head_ = row->head;
  head_base_ = row->base;
  auto data = co_await catalog_store::load(txn_, head_.version);
  if (!data.ok()) co_return data.status();
  data_ = std::make_shared<CatalogData>(std::move(data).value());
  begun_ = true;
  co_return Status();
}

runtime::Task<Status> CatalogWriter::reload() {
  if (!begun_) co_return Status();
  auto row = co_await catalog_store::read_head(txn_, txn::LockMode::kExclusive);
  if (!row.ok()) co_return row.status();
  // Our own buffered head, where it survived, says the new version already.
  uint64_t base = head_.version;
  head_ = row->head;
  head_.version = base;
  auto data = co_await catalog_store::load(txn_, base);
  if (!data.ok()) co_return data.status();
  data_ = std::make_shared<CatalogData>(std::move(data).value());
  published_.reset();
  std::erase_if(own_, [&](Oid oid) {
    return data_->table(oid) == nullptr && data_->sequence(oid) == nullptr;
  });
  co_return Status();
}

CatalogPtr CatalogWriter::snapshot() {
  CHECK(begun_);
  if (!published_) published_ = std::make_shared<const CatalogData>(*data_);
  return published_;
}

Status CatalogWriter::write_head() {
  CatalogHead next = head_;
  next.version = new_version();
  return txn_->put(catalog_store::head_key(), encode(next), range::kAllColumns, head_base_);
}

Result<Oid> CatalogWriter::allocate_oid() {
  CHECK(begun_);
  Oid oid = head_.next_oid++;
  RETURN_IF_ERROR(write_head());
  return oid;
}

// `fresh`: no row can be there, since the oid was just allocated; otherwise the row was read by
// load() at the transaction's timestamp, under the head's lock.
template <class D>
Status CatalogWriter::write(D d, bool fresh) {
  CHECK(begun_);
  std::optional<Timestamp> base;
  if (fresh) base = Timestamp();
  RETURN_IF_ERROR(txn_->put(catalog_store::descriptor_key(d.oid),
                            catalog_store::encode_descriptor(d), range::kAllColumns, base));
  RETURN_IF_ERROR(write_head());
  data_->put(std::move(d));
  published_.reset();
  return {};
}

Status CatalogWriter::put(TableDescriptor d) {
  bool fresh = data_->table(d.oid) == nullptr;
  if (fresh) own_.push_back(d.oid);
  d.version = new_version();
  return write(std::move(d), fresh);
}
Status CatalogWriter::put(SequenceDescriptor d) {
  bool fresh = data_->sequence(d.oid) == nullptr;
  if (fresh) own_.push_back(d.oid);
  return write(std::move(d), fresh);
}
Status CatalogWriter::put(SchemaDescriptor d) {
  bool fresh = data_->schema(d.oid) == nullptr;
  return write(std::move(d), fresh);
}
Status CatalogWriter::put(DatabaseDescriptor d) { return write(std::move(d), false); }

Status CatalogWriter::remove(Oid oid) {
  CHECK(begun_);
  RETURN_IF_ERROR(txn_->remove(catalog_store::descriptor_key(oid), std::nullopt));
  RETURN_IF_ERROR(write_head());
  data_->remove(oid);
  published_.reset();
  return {};
}

}  // namespace quorate::sql

#include "sql/catalog/catalog_writer.h"

#include "base/sqlstate.h"

namespace quorate::sql {

namespace {

constexpr int kReadAttempts = 10;

struct Newest {
  catalog_store::HeadRow row;
  CatalogData data;
  catalog_store::Bases bases;
};

runtime::Task<Result<Newest>> read_newest(txn::Client* client) {
  txn::TxnOptions options;
  options.read_only = true;
  auto reader = client->begin(options);
  reader->begin_statement();
  auto row = co_await catalog_store::read_head(reader.get(), txn::LockMode::kNone);
  if (!row.ok()) co_return row.status();
  if (!row->present) co_return unavailable("the cluster has no catalog yet");
  Newest out;
  out.row = *row;
  auto data = co_await catalog_store::load(reader.get(), row->head.version, &out.bases);
  if (!data.ok()) co_return data.status();
  out.data = std::move(data).value();
  CO_RETURN_IF_ERROR(co_await reader->commit());
  co_return out;
}

}  // namespace

runtime::Task<Status> CatalogWriter::lock() {
  if (locked_ || lock_ == Lock::kHeldByBlock) co_return Status();
  CO_RETURN_IF_ERROR(co_await catalog_store::lock_changes(txn_));
  locked_ = true;
  co_return Status();
}

runtime::Task<Status> CatalogWriter::begin() {
  if (begun_) co_return Status();
  CO_RETURN_IF_ERROR(co_await lock());
  CO_RETURN_IF_ERROR(co_await load());
  for (const auto& [oid, version] : expected_) {
    TablePtr now = data_->table(oid);
    if (now == nullptr || now->version != version) {
      co_return Status(StatusCode::kAborted, sqlstate::kSerializationFailure,
                       "could not serialize access due to a concurrent schema change");
    }
  }
  begun_ = true;
  co_return Status();
}

runtime::Task<Status> CatalogWriter::load() {
  Result<Newest> newest(unavailable("not read"));
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    newest = co_await read_newest(&client_);
    if (newest.ok() || newest.status().code() != StatusCode::kAborted) break;
  }
  if (!newest.ok()) co_return newest.status();
  const Oid next_oid = head_.next_oid;
  head_ = newest->row.head;
  head_.next_oid = std::max(head_.next_oid, next_oid);
  head_base_ = newest->row.base.value_or(Timestamp());
  bases_ = std::move(newest->bases);
  published_data_ = std::move(newest->data);
  co_return replay();
}

runtime::Task<Status> CatalogWriter::rebase(const std::vector<Oid>& tables) {
  CO_RETURN_IF_ERROR(co_await load());
  // Nobody else writes these rows, and no publication on our behalf will again.
  txn::ReadOptions options;
  options.lock = txn::LockMode::kExclusive;
  std::vector<Bytes> keys;
  for (Oid oid : tables) keys.push_back(catalog_store::descriptor_key(oid));
  auto rows = co_await txn_->get(std::move(keys), options);
  co_return rows.status();
}

Status CatalogWriter::replay() {
  data_ = std::make_shared<CatalogData>(published_data_);
  published_.reset();
  for (const Change& c : changes_) {
    if (c.descriptor.empty())
      data_->remove(c.oid);
    else
      RETURN_IF_ERROR(catalog_store::decode_descriptor(c.descriptor, data_.get()));
  }
  return {};
}

Status CatalogWriter::rollback_to(size_t mark) {
  if (!begun_) return {};
  CHECK(mark <= changes_.size());
  changes_.resize(mark);
  return replay();
}

bool CatalogWriter::is_own(Oid oid) const {
  return !bases_.contains(oid) && (data_->table(oid) != nullptr || data_->sequence(oid) != nullptr);
}

bool CatalogWriter::has_changed(Oid oid) const {
  return bases_.contains(oid) && std::any_of(changes_.begin(), changes_.end(),
                                             [&](const Change& c) { return c.oid == oid; });
}

CatalogPtr CatalogWriter::snapshot() {
  CHECK(begun_);
  if (!published_) published_ = std::make_shared<const CatalogData>(*data_);
  return published_;
}

Status CatalogWriter::seal() {
  if (!begun_) return {};
  CatalogHead next = head_;
  next.version = new_version();
  return txn_->put(catalog_store::head_key(), encode(next), range::kAllColumns, head_base_);
}

Result<Oid> CatalogWriter::allocate_oid() {
  CHECK(begun_);
  return head_.next_oid++;
}

// Zero: no row can be there, the oid was just allocated.
Timestamp CatalogWriter::base(Oid oid) const {
  auto it = bases_.find(oid);
  return it == bases_.end() ? Timestamp() : it->second;
}

template <class D>
Status CatalogWriter::write(D d) {
  CHECK(begun_);
  Bytes encoded = catalog_store::encode_descriptor(d);
  RETURN_IF_ERROR(
      txn_->put(catalog_store::descriptor_key(d.oid), encoded, range::kAllColumns, base(d.oid)));
  changes_.push_back({d.oid, std::move(encoded)});
  data_->put(std::move(d));
  published_.reset();
  return {};
}

Status CatalogWriter::put(TableDescriptor d) {
  d.version = new_version();
  d.format = TableDescriptor::kFormat;
  return write(std::move(d));
}
Status CatalogWriter::put(SequenceDescriptor d) { return write(std::move(d)); }
Status CatalogWriter::put(SchemaDescriptor d) { return write(std::move(d)); }
Status CatalogWriter::put(DatabaseDescriptor d) { return write(std::move(d)); }

Status CatalogWriter::remove(Oid oid) {
  CHECK(begun_);
  RETURN_IF_ERROR(txn_->remove(catalog_store::descriptor_key(oid), base(oid)));
  changes_.push_back({oid, {}});
  data_->remove(oid);
  published_.reset();
  return {};
}

}  // namespace quorate::sql

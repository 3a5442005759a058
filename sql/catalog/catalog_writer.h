// What one transaction does to the catalog.
//
// begin() takes the head's lock, so that nobody else changes the catalog before this transaction
// ends, and learns the newest version. Changes are written through the transaction at once and are
// seen in snapshot(), which is what the transaction's later statements resolve names against. A
// commit of the transaction publishes version() + 1; a rollback leaves nothing. After
// rollback_to() of a savepoint that lies before a change, call reload().
//
// Belongs to the session whose transaction it is; dies with it.
#pragma once

#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

class CatalogWriter {
 public:
  explicit CatalogWriter(txn::Transaction* txn) : txn_(txn) {}
  CatalogWriter(const CatalogWriter&) = delete;

  // Idempotent. 55P03 or a wait for another schema change, by the transaction's lock timeout.
  runtime::Task<Status> begin();
  runtime::Task<Status> reload();
  bool begun() const { return begun_; }

  const CatalogData& data() const { return *data_; }
  // Immutable; a new one after each change.
  CatalogPtr snapshot();
  // The version that commit publishes.
  uint64_t new_version() const { return head_.version + 1; }

  Result<Oid> allocate_oid();
  Status put(TableDescriptor d);  // raises its version
  Status put(SequenceDescriptor d);
  Status put(SchemaDescriptor d);
  Status put(DatabaseDescriptor d);
  Status remove(Oid oid);
  // Whether the table or sequence was made by this transaction: nobody else can know it.
  bool is_own(Oid oid) const { return std::find(own_.begin(), own_.end(), oid) != own_.end(); }

  txn::Transaction* txn() { return txn_; }

 private:
  template <class D>
  Status write(D d, bool fresh);
  Status write_head();

  txn::Transaction* txn_;
  bool begun_ = false;
  CatalogHead head_;
  std::optional<Timestamp> head_base_;
  std::shared_ptr<CatalogData> data_;
  CatalogPtr published_;
  std::vector<Oid> own_;
};

}  // namespace quorate::sql

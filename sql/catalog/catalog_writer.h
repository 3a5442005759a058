// What one transaction does to the catalog.
//
// begin() waits until nobody else changes schemas, keeps others out until the transaction ends, and
// reads the newest version, beside the transaction: so that publications made meanwhile on its
// behalf (tables taken offline, sql/schema) take nothing from under it; rebase() follows them.
// Changes are written through the transaction and are seen in snapshot(), which is what the
// transaction's later statements resolve names against. seal() goes before the commit, which
// publishes new_version(); a rollback leaves nothing.
//
// Belongs to the session whose transaction it is; dies with it.
#pragma once

#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

class CatalogWriter {
 public:
  // Who keeps others out: this transaction, or the block on whose behalf it publishes.
  enum class Lock { kTake, kHeldByBlock };
  CatalogWriter(txn::Transaction* txn, txn::Client& client, Lock lock = Lock::kTake)
      : txn_(txn), client_(client), lock_(lock) {}
  CatalogWriter(const CatalogWriter&) = delete;

  // Tables that earlier statements of the transaction used, by oid and version: begin() fails with
  // 40001 where another one's change of them was published meanwhile.
  void expect(std::map<Oid, uint64_t> tables) { expected_ = std::move(tables); }
  // Idempotent, both. 55P03 or a wait for another schema change, by the transaction's lock timeout.
  runtime::Task<Status> lock();
  runtime::Task<Status> begin();
  bool begun() const { return begun_; }
  // After publications on this transaction's behalf, which changed `tables`: reads anew, and moves
  // the transaction's timestamp past them (40001 where it can't be moved).
  runtime::Task<Status> rebase(const std::vector<Oid>& tables);

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
  Status seal();
  // Whether the table or sequence was made by this transaction: nobody else can know it.
  bool is_own(Oid oid) const;
  // Whether this transaction has changed what others know.
  bool has_changed(Oid oid) const;

  // How far changes have come; rollback_to() takes back what came after, as the transaction's
  // rollback to a savepoint has done.
  size_t mark() const { return changes_.size(); }
  Status rollback_to(size_t mark);

  txn::Transaction* txn() { return txn_; }

 private:
  struct Change {
    Oid oid;
    Bytes descriptor;  // empty: removed
  };
  runtime::Task<Status> load();
  Status replay();
  Timestamp base(Oid oid) const;
  template <class D>
  Status write(D d);

  txn::Transaction* txn_;
  txn::Client& client_;
  const Lock lock_;
  bool locked_ = false, begun_ = false;
  std::map<Oid, uint64_t> expected_;
  CatalogHead head_;
  Timestamp head_base_;
  catalog_store::Bases bases_;
  CatalogData published_data_;  // as read; data_ is that with changes_
  std::shared_ptr<CatalogData> data_;
  CatalogPtr published_;
  std::vector<Change> changes_;
};

}  // namespace quorate::sql

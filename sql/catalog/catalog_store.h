// The catalog's own rows, in reserved tables with ids below 100. Frozen: on disk.
//
//   table 1   index 1, one row:           CatalogHead, which every schema change writes
//             index 2, no row:            its key is locked by who changes schemas
//   table 2   key: oid, 4 bytes           value: kind byte, then the encoded descriptor
//   table 3   key: node id, 8 bytes       value: NodeLease
//   table 4   key: sequence's oid         value: SequenceState
//   table 5   key: table id, 8 bytes      value: empty; the table's rows are to be removed
//   table 6   key: xid8, 8 bytes          value: TxnOutcome; see sql/session/txn_status.h
//
// Schema changes are serialized by that lock, so a change knows the whole catalog as of its version
// and checks names in memory. A lock may be lost with its leaseholder: then the head's version,
// which each change writes on, fails all changes but one.
#pragma once

#include "sql/catalog/catalog_data.h"
#include "txn/transaction.h"

namespace quorate::sql {

inline constexpr Oid kFirstUserOid = 16384;
inline constexpr Oid kPostgresDatabase = 5, kTemplate1Database = 1, kPublicSchema = 2200,
                     kPgCatalogSchema = 11, kPostgresRole = 10;

struct CatalogHead {
  uint8_t format = 1;
  uint64_t version = 0;
  Oid next_oid = kFirstUserOid;
  template <class A>
  void serialize(A& a) {
    a(format, version, next_oid);
  }
};

// What a node may be using. An older version stays listed while a transaction there holds it.
struct NodeLease {
  uint8_t format = 1;
  std::vector<std::pair<uint64_t, Timestamp>> versions;  // version, expiry
  template <class A>
  void serialize(A& a) {
    a(format, versions);
  }
};

struct SequenceState {
  uint8_t format = 1;
  int64_t last_value = 0;
  bool is_called = false;
  template <class A>
  void serialize(A& a) {
    a(format, last_value, is_called);
  }
};

enum class TxnOutcome : char { kCommitted = 'c', kAborted = 'a' };

namespace catalog_store {

Bytes head_key();
Bytes changes_key();
Bytes descriptor_key(Oid oid);
Bytes lease_key(NodeId node);
Bytes sequence_key(Oid oid);
Bytes garbage_key(TableId table);
Bytes status_key(uint64_t xid);
// Of all transactions with a number below `xid`.
KeySpan statuses_below(uint64_t xid);
KeySpan descriptors_span();
KeySpan leases_span();
KeySpan garbage_span();

struct HeadRow {
  CatalogHead head;
  std::optional<Timestamp> base;  // for txn::Transaction::put
  bool present = false;
};
runtime::Task<Result<HeadRow>> read_head(txn::Transaction* txn, txn::LockMode lock);
// Waits until nobody else changes schemas; held until the transaction ends.
runtime::Task<Status> lock_changes(txn::Transaction* txn);
// By oid: the timestamp of the version that was read, for txn::Transaction::put.
using Bases = std::map<Oid, Timestamp>;
// All descriptors at the transaction's timestamp.
runtime::Task<Result<CatalogData>> load(txn::Transaction* txn, uint64_t version,
                                        Bases* bases = nullptr);

Bytes encode_descriptor(const DatabaseDescriptor& d);
Bytes encode_descriptor(const SchemaDescriptor& d);
Bytes encode_descriptor(const TableDescriptor& d);
Bytes encode_descriptor(const SequenceDescriptor& d);
Status decode_descriptor(BytesView value, CatalogData* into);

// The rows of a new cluster: databases postgres and template1, their schemas public.
Status bootstrap(txn::Transaction* txn);

}  // namespace catalog_store
}  // namespace quorate::sql

// What the schema `quorate` tells of the cluster. Implemented by the server; the system tables and
// the functions of that schema ask through SystemTableContext::node, which points to one of these
// (or is null where there is no server, as in tests of a session alone).
//
// Answers are snapshots: each row was true at some moment of the call. One executor, the session's.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/span.h"
#include "base/status.h"
#include "runtime/task.h"

namespace quorate::sql {

struct RangeRow {
  uint64_t id = 0;
  KeySpan span;
  std::vector<uint64_t> replicas;  // node ids, sorted
  uint64_t leaseholder = 0;        // node id; 0: none is known
  uint64_t term = 0, applied_index = 0, size_bytes = 0, rows = 0;
};

struct NodeRow {
  uint64_t id = 0;
  std::string address, sql_address, version;
  bool alive = false, draining = false;
  int64_t started_at = 0;  // microseconds since 2000-01-01 UTC
  uint64_t ranges = 0, leases = 0;
};

struct LockRow {
  uint64_t range_id = 0;
  Bytes key;
  std::string transaction;  // short id
  std::string mode;         // "shared" or "exclusive"
  bool granted = true;      // false: it waits in the queue
  int64_t since = 0;        // microseconds since 2000-01-01 UTC
  template <class A>
  void serialize(A& a) {
    a(range_id, key, transaction, mode, granted, since);
  }
};

struct ChecksumRow {
  uint64_t range_id = 0, node_id = 0, replica_id = 0;
  uint64_t applied_index = 0, rows = 0;
  std::string
      checksum;  // hex; empty: entries kept being applied, or the node did not answer in time
};

struct SessionRow {
  int32_t pid = 0;
  std::string user, database, application_name, client_addr;
  int32_t client_port = 0;
  std::string state, query;  // pg_stat_activity's words
  int64_t backend_start = 0, xact_start = 0, query_start = 0, state_change = 0;  // 0: null
};

class ClusterInfo {
 public:
  virtual ~ClusterInfo() = default;
  virtual runtime::Task<Result<std::vector<RangeRow>>> ranges() = 0;
  virtual runtime::Task<Result<std::vector<NodeRow>>> nodes() = 0;
  // Of all nodes that answer, by range and key; who holds before who waits.
  virtual runtime::Task<Result<std::vector<LockRow>>> locks() = 0;
  // Of every replica on nodes that live, by range and node. Reads everything: slow.
  virtual runtime::Task<Result<std::vector<ChecksumRow>>> replica_checksums() = 0;
  // The sessions of this node.
  virtual runtime::Task<Result<std::vector<SessionRow>>> sessions() = 0;
  // quorate.transfer_lease(): returns when the lease has moved, or 55000 with the reason.
  virtual runtime::Task<Status> transfer_lease(uint64_t range, uint64_t node) = 0;
};

}  // namespace quorate::sql

// What the schema `quorate` shows of the cluster (sql/system/cluster_info.h), gathered from this
// node and, by message, from the others; and what SQL may ask of it: splits and lease transfers.
#pragma once

#include "range/replica_checksum.h"
#include "server/kv_node.h"
#include "sql/catalog/descriptor.h"
#include "sql/system/cluster_info.h"

namespace quorate::server {

class ClusterView : public sql::ClusterInfo {
 public:
  // `sessions`: those of this node.
  ClusterView(KvNode& node, std::function<std::vector<sql::SessionRow>()> sessions);

  runtime::Task<Result<std::vector<sql::RangeRow>>> ranges() override;
  runtime::Task<Result<std::vector<sql::NodeRow>>> nodes() override;
  runtime::Task<Result<std::vector<sql::LockRow>>> locks() override;
  runtime::Task<Result<std::vector<sql::ChecksumRow>>> replica_checksums() override;
  runtime::Task<Result<std::vector<sql::SessionRow>>> sessions() override;
  runtime::Task<Status> transfer_lease(uint64_t range, uint64_t node) override;

  // ALTER TABLE ... SPLIT AT: ranges begin at each of the keys when it returns.
  runtime::Task<Status> split_at(std::vector<Bytes> keys);

  // From this node's own replicas; looked at anew every few seconds.
  double table_rows(const sql::TableDescriptor& table);

  static constexpr runtime::RpcMethod kStatusMethod = 10;
  static constexpr runtime::RpcMethod kLocksMethod = 20;
  static constexpr runtime::RpcMethod kChecksumMethod = 21;

 private:
  // Every node's replicas.
  runtime::Task<std::vector<range::RangeStatus>> statuses();
  runtime::Task<std::vector<Bytes>> ask_all(runtime::RpcMethod method);
  runtime::Task<Result<Bytes>> ask(NodeId node, runtime::RpcMethod method);
  runtime::Task<Result<Bytes>> own(runtime::RpcMethod method);
  std::vector<sql::LockRow> own_locks();
  runtime::Task<Result<Bytes>> on_checksum(Bytes request);
  runtime::Task<Result<range::ReplicaChecksum>> ask_checksum(NodeId node, RangeId range);

  struct Estimate {
    double rows = 0;
    runtime::Instant until;
  };
  KvNode& node_;
  std::function<std::vector<sql::SessionRow>()> sessions_;
  std::map<TableId, Estimate> estimates_;
};

}  // namespace quorate::server

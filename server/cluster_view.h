// What the schema `quorate` shows of the cluster (sql/system/cluster_info.h), gathered from this
// node and, by message, from the others; and what SQL may ask of it: splits and lease transfers.
#pragma once

#include "server/kv_node.h"
#include "sql/catalog/descriptor.h"
#include "sql/system/cluster_info.h"

namespace quorate::server {

class ClusterView : public sql::ClusterInfo {
 public:
  explicit ClusterView(KvNode& node);

  runtime::Task<Result<std::vector<sql::RangeRow>>> ranges() override;
  runtime::Task<Result<std::vector<sql::NodeRow>>> nodes() override;
  runtime::Task<Result<std::vector<sql::LockRow>>> locks() override;
  runtime::Task<Result<std::vector<sql::SessionRow>>> sessions() override;
  runtime::Task<Status> transfer_lease(uint64_t range, uint64_t node) override;

  // ALTER TABLE ... SPLIT AT: ranges begin at each of the keys when it returns.
  runtime::Task<Status> split_at(std::vector<Bytes> keys);

  // From this node's own replicas; looked at anew every few seconds.
  double table_rows(const sql::TableDescriptor& table);

  static constexpr runtime::RpcMethod kStatusMethod = 10;

 private:
  runtime::Task<std::vector<range::RangeStatus>> statuses();
  runtime::Task<Result<Bytes>> ask(NodeId node);

  struct Estimate {
    double rows = 0;
    runtime::Instant until;
  };
  KvNode& node_;
  std::map<TableId, Estimate> estimates_;
};

// A key as people read it: /table/index/hex, and the table's id where it belongs to one.
std::string pretty_key(BytesView key);

}  // namespace quorate::server

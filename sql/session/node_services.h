// What sessions of one node share. Made by the server; outlives every session. One executor.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sql/catalog/catalog_manager.h"
#include "sql/catalog/system_table.h"
#include "sql/session/plan_cache.h"
#include "sql/session/sequences.h"
#include "sql/system/system_tables.h"
#include "txn/transaction.h"

namespace quorate::sql {

class Session;

struct NodeServices {
  NodeServices(txn::Client& client, CatalogManager& catalog)
      : client(client), catalog(catalog), sequences(client) {}
  NodeServices(const NodeServices&) = delete;

  txn::Client& client;
  CatalogManager& catalog;
  const SystemTables* system_tables = &sql::system_tables();
  void* system_node = nullptr;  // SystemTableContext::node
  // ALTER TABLE ... SPLIT AT: ranges are to begin at these keys. Empty: this server can't.
  std::function<runtime::Task<Status>(std::vector<Bytes> keys)> split_at;
  // quorate.transfer_lease(): returns when the range's lease is at the node. Empty: this server
  // can't.
  std::function<runtime::Task<Status>(uint64_t range, uint64_t node)> transfer_lease;
  // An estimate of a table's rows, for the planner.
  std::function<double(const TableDescriptor&)> table_rows = [](const TableDescriptor&) {
    return 1000.0;
  };
  // Those that are open, in the order in which they were opened.
  std::vector<Session*> sessions;
  PlanCache plans;
  SequenceCache sequences;
  // Codecs of table versions, shared by plans.
  CodecCache codecs;
};

}  // namespace quorate::sql

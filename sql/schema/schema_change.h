// DDL carried out.
//
// Alone (execute_ddl): the change is online and done when the task ends. It runs in transactions of
// its own:
//
//   CREATE INDEX          delete-only -> write-only -> backfill in chunks -> public, each step
//                         published and waited for, while writes go on
//   what needs the table  the table is taken offline (TableDescriptor::offline_until), leases on
//                         older versions drain, then it is changed: TRUNCATE, keys and constraints
//                         on filled tables, DROP COLUMN
//   everything else       one transaction
//
// A change that fails is undone before its error is returned.
//
// In a block (execute_ddl_in): the change belongs to the session's transaction and is seen by its
// later statements through CatalogWriter::snapshot(). From its first change on a block keeps other
// schema changes out; older tables are taken offline, in transactions of their own, when a
// statement needs them, and stay so until the block ends: after COMMIT the session calls
// finish_block(), after ROLLBACK bring_online().
//
// The session holds no CatalogPtr while either runs, or the change waits for itself.
#pragma once

#include "sql/analyze/analyze.h"
#include "sql/catalog/catalog_manager.h"
#include "sql/catalog/catalog_writer.h"

namespace quorate::sql {

struct DdlContext {
  CatalogManager* manager = nullptr;
  Oid database = 0;
  std::string database_name;
  std::vector<std::string> search_path;
  std::string user;
  const IoContext* io = nullptr;
  // For defaults that are evaluated for each row: the session's functions, and its way to await
  // what one of them found missing (sql/exec/execution.h).
  EvalContext* eval = nullptr;
  std::function<runtime::Task<Status>()> await_missing;
  // Tells the session which catalog such defaults are evaluated with, and that none is any more.
  std::function<void(CatalogPtr)> use_catalog;
  runtime::CancelToken cancel;
  // Notices in order (SQLSTATE 00000 and a message), for the client.
  std::vector<Status> notices;
  // Tables that a block has taken offline.
  std::vector<Oid> offline;
  // While it does so: publications are made under its lock.
  bool under_block = false;
  // Until when they are: the deadline of what is done with them.
  Timestamp offline_until;
  // Ids for rewritten tables, taken in a transaction that has committed: a change that fails leaves
  // rows under an id that nobody gets again.
  std::vector<Oid> reserved;
};

runtime::Task<Status> execute_ddl(const Ddl* ddl, DdlContext* context);
runtime::Task<Status> execute_ddl_in(const Ddl* ddl, CatalogWriter* writer, DdlContext* context);

// After a block with DDL: its version is known to this node before the session goes on.
runtime::Task<Status> finish_block(DdlContext* context);
// After a rolled back block: its tables are free again. Where that can't be done just now
// free_abandoned() does it.
runtime::Task<Status> bring_online(DdlContext* context);

// A session that ends in a block: its tables are given back in the background.
void abandon(const DdlContext& context);

// Gives back tables that a schema change holds of which nothing is left: its node is gone, or is
// this one and owes them, or held them in an earlier life; that life's last commit may come to be
// long after this one began. Called in the background by every node.
runtime::Task<Status> free_abandoned(CatalogManager* manager);

// The keys at which ALTER TABLE ... SPLIT AT wants ranges to begin; the caller asks for the splits.
Result<std::vector<Bytes>> split_keys(const SplitAt& split);

}  // namespace quorate::sql

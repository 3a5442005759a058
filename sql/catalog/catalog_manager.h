// A node's view of the catalog, under leases (safety: schema-steps).
//
//   statement --snapshot()--> newest version that this node holds a lease on
//   background: reads the head every poll; a newer version is loaded and leased at once; leases are
//               renewed well before they end, those of older versions while a transaction holds one
//   schema change: publishes version v only when no live lease is left on v - 2
//
// A lease is a row {node, (version, expiry)...}. It is written by a transaction that reads the
// head, so after a version was published nobody can take a lease on an older one; and every
// transaction that used a snapshot commits before lease_expiry() or not at all. Hence a version
// whose leases have all been given back or have expired is out of use for ever.
//
// One a node, on one executor. Sessions hold a snapshot no longer than their transaction: a held
// one keeps schema changes waiting, as PostgreSQL's table locks do.
#pragma once

#include <set>

#include "runtime/sync.h"
#include "sql/catalog/catalog_store.h"

namespace quorate::sql {

struct CatalogOptions {
  runtime::Duration lease = std::chrono::seconds(12);
  runtime::Duration renew = std::chrono::seconds(4);
  runtime::Duration poll = std::chrono::milliseconds(100);
};

class CatalogManager {
 public:
  CatalogManager(txn::Client& client, NodeId node, CatalogOptions options = {});
  ~CatalogManager();
  CatalogManager(const CatalogManager&) = delete;

  // Bootstraps a cluster that has no catalog, takes the first lease and begins to renew it.
  // Repeats while the cluster is unavailable, until the token is cancelled.
  runtime::Task<Status> start(runtime::CancelToken token = {});

  // The newest version with a live lease, or null: then acquire() waits for one.
  CatalogPtr snapshot() const;
  // What was read last, whether or not it may be used.
  CatalogPtr last_known() const { return current_; }
  // Fails with 57P03 where no lease can be had within nine seconds.
  runtime::Task<Result<CatalogPtr>> acquire(runtime::CancelToken token = {});

  // Reads the head now: after this node's own schema change has committed.
  runtime::Task<Status> refresh();
  // Makes sure that snapshot() is the newest version there is; reads the head alone where it is
  // already.
  runtime::Task<Status> catch_up();
  // Waits until no live lease on a version before `version` is left anywhere. The caller holds no
  // snapshot.
  runtime::Task<Status> wait_for_leases(uint64_t version, runtime::CancelToken token = {});
  // Waits until none of these tables is held offline by another's schema change.
  runtime::Task<Status> wait_online(std::vector<Oid> tables, runtime::CancelToken token = {});

  // Whether nothing of a node's present life is left: it has no live lease.
  runtime::Task<Result<bool>> gone(NodeId node);
  // Tables that a schema change of this node holds until that time and could not give back:
  // free_abandoned() does.
  void owe(Oid table, Timestamp until) { owed_.emplace(table, until); }
  std::set<std::pair<Oid, Timestamp>>& owed() { return owed_; }

  txn::Client& client() { return client_; }
  NodeId node() const { return node_; }
  // Later than whatever an earlier life of this node has done.
  Timestamp began() const { return began_; }

 private:
  struct Held {
    uint64_t version;
    std::shared_ptr<LeaseTerm> term;
    std::weak_ptr<const CatalogData> users;
  };
  runtime::Task<void> run();
  runtime::Task<Status> lease_once();
  runtime::Task<Result<bool>> head_changed();
  bool old_ones_given_back() const;

  txn::Client& client_;
  const NodeId node_;
  const Timestamp began_;
  const CatalogOptions options_;
  runtime::Executor& executor_;
  std::shared_ptr<const CatalogData> current_;
  std::vector<Held> held_;  // ascending; the last is current_'s
  bool leasing_ = false;    // one lease transaction at a time
  std::set<std::pair<Oid, Timestamp>> owed_;
  Status failure_;  // why the last renewal failed; ok: it did not
  runtime::TaskScope scope_;
};

}  // namespace quorate::sql

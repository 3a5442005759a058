#include "sql/catalog/catalog_manager.h"

#include "base/mark.h"

namespace quorate::sql {

using runtime::Task;

CatalogManager::CatalogManager(txn::Client& client, NodeId node, CatalogOptions options)
    : client_(client),
      node_(node),
      began_(client.now()),
      options_(options),
      executor_(*client.env().executor),
      scope_(executor_) {}

CatalogManager::~CatalogManager() = default;

namespace {

int64_t micros(runtime::Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

Task<Status> bootstrap_once(txn::Client* client) {
  auto txn = client->begin({});
  txn->begin_statement();
  auto row = co_await catalog_store::read_head(txn.get(), txn::LockMode::kExclusive);
  if (!row.ok()) co_return row.status();
  if (row->present) {
    co_await txn->rollback();
    co_return Status();
  }
  CO_RETURN_IF_ERROR(catalog_store::bootstrap(txn.get()));
  co_return co_await txn->commit();
}

}  // namespace

Task<Status> CatalogManager::start(runtime::CancelToken token) {
  for (;;) {
    Status s = co_await bootstrap_once(&client_);
    if (s.ok()) s = co_await lease_once();
    if (s.ok()) break;
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, options_.poll, token));
  }
  scope_.spawn(run());
  co_return Status();
}

CatalogPtr CatalogManager::snapshot() const {
  if (client_.planted.lease_outlived) return current_;
  if (!current_ || client_.now() >= current_->lease_expiry()) return nullptr;
  return current_;
}

Task<Result<CatalogPtr>> CatalogManager::acquire(runtime::CancelToken token) {
  runtime::Instant deadline = executor_.now() + std::chrono::seconds(9);
  for (;;) {
    CatalogPtr c = snapshot();
    if (c) co_return c;
    if (executor_.now() >= deadline) {
      MARK("sql: no lease on the catalog can be had");
      co_return unavailable("the catalog is not available: " +
                            (failure_.ok() ? "no lease on it can be had" : failure_.message()));
    }
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, options_.poll, token));
  }
}

bool CatalogManager::old_ones_given_back() const {
  for (size_t i = 0; i + 1 < held_.size(); ++i)
    if (held_[i].users.expired()) {
      MARK("sql: an old version of the catalog is given back");
      return true;
    }
  return false;
}

// Takes or renews: one transaction that reads the head and writes this node's row.
Task<Status> CatalogManager::lease_once() {
  while (leasing_)
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, std::chrono::milliseconds(1)));
  leasing_ = true;
  struct Done {
    bool* flag;
    ~Done() { *flag = false; }
  } done{&leasing_};
  auto txn = client_.begin({});
  txn->begin_statement();
  auto row = co_await catalog_store::read_head(txn.get(), txn::LockMode::kNone);
  if (!row.ok()) co_return row.status();
  if (!row->present) co_return unavailable("the cluster has no catalog yet");
  std::shared_ptr<CatalogData> fresh;
  std::shared_ptr<LeaseTerm> term;
  if (!current_ || current_->version() != row->head.version) {
    auto loaded = co_await catalog_store::load(txn.get(), row->head.version);
    if (!loaded.ok()) co_return loaded.status();
    fresh = std::make_shared<CatalogData>(std::move(loaded).value());
    term = std::make_shared<LeaseTerm>();
    fresh->set_lease(term);
  }
  std::vector<Held> next;
  for (size_t i = 0; i < held_.size(); ++i) {
    bool newest = i + 1 == held_.size();
    // The present version is in use until its successor stands in its place.
    const bool used = !held_[i].users.expired() && !client_.planted.lease_given_back_early;
    if ((newest && !fresh) || used) next.push_back(held_[i]);
  }
  if (fresh) next.push_back({fresh->version(), term, fresh});
  Timestamp expiry = client_.now().add_micros(micros(options_.lease));
  NodeLease lease;
  for (const Held& h : next) lease.versions.emplace_back(h.version, expiry);
  CO_RETURN_IF_ERROR(
      txn->put(catalog_store::lease_key(node_), encode(lease), range::kAllColumns, std::nullopt));
  CO_RETURN_IF_ERROR(co_await txn->commit());
  for (Held& h : next) h.term->expiry = expiry;
  held_ = std::move(next);
  if (fresh) current_ = std::move(fresh);
  co_return Status();
}

Task<Result<bool>> CatalogManager::head_changed() {
  txn::TxnOptions options;
  options.read_only = true;
  auto txn = client_.begin(options);
  txn->begin_statement();
  auto row = co_await catalog_store::read_head(txn.get(), txn::LockMode::kNone);
  if (!row.ok()) co_return row.status();
  co_await txn->rollback();
  co_return row->present && (!current_ || row->head.version != current_->version());
}

Task<void> CatalogManager::run() {
  runtime::Instant renew_at = executor_.now() + options_.renew;
  for (;;) {
    Status slept = co_await runtime::sleep_for(executor_, options_.poll);
    if (!slept.ok()) co_return;
    bool due = executor_.now() >= renew_at || old_ones_given_back();
    if (!due) {
      auto changed = co_await head_changed();
      due = changed.ok() && *changed;
    }
    if (!due) continue;
    Status leased = co_await lease_once();
    failure_ = leased;
    if (leased.ok()) renew_at = executor_.now() + options_.renew;
  }
}

Task<Status> CatalogManager::refresh() {
  for (int attempt = 0; attempt < 50; ++attempt) {
    Status s = co_await lease_once();
    if (s.ok()) co_return s;
    if (s.code() != StatusCode::kAborted && s.code() != StatusCode::kUnavailable &&
        s.code() != StatusCode::kAmbiguous)
      co_return s;
    MARK("sql: a lease on the catalog is tried again");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, std::chrono::milliseconds(10)));
  }
  co_return unavailable("the catalog can't be read");
}

Task<Status> CatalogManager::catch_up() {
  CO_ASSIGN_OR_RETURN(bool changed, co_await head_changed());
  if (!changed) co_return Status();
  co_return co_await refresh();
}

namespace {

// Whether a live lease on a version before `version` is left.
Task<Result<bool>> old_lease_lives(txn::Client* client, uint64_t version) {
  txn::TxnOptions read_only;
  read_only.read_only = true;
  auto txn = client->begin(read_only);
  txn->begin_statement();
  Timestamp now = txn->read_timestamp();
  txn::ScanOptions options;
  options.span = catalog_store::leases_span();
  bool lives = false;
  while (!options.span.empty()) {
    KeySpan rest;
    auto rows = co_await txn->scan(options, &rest);
    if (!rows.ok()) co_return rows.status();
    for (size_t i = 0; i < rows->size(); ++i) {
      NodeLease lease;
      CO_RETURN_IF_ERROR(decode(rows->value(i), lease));
      for (const auto& [held, expiry] : lease.versions) lives |= held < version && expiry > now;
    }
    options.span = rest;
  }
  co_await txn->rollback();
  co_return lives;
}

}  // namespace

Task<Status> CatalogManager::wait_for_leases(uint64_t version, runtime::CancelToken token) {
  runtime::Duration pause = std::chrono::milliseconds(2);
  if (client_.planted.change_waits_for_nobody) co_return Status();
  for (;;) {
    if (!current_ || current_->version() < version || old_ones_given_back()) {
      Status s = co_await lease_once();
      (void)s;  // tried again below
    }
    auto lives = co_await old_lease_lives(&client_, version);
    if (lives.ok() && !*lives) co_return Status();
    MARK("sql: a schema change waits for old leases");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, pause, token));
    pause = std::min<runtime::Duration>(pause * 2, options_.poll);
  }
}

Task<Result<bool>> CatalogManager::gone(NodeId node) {
  txn::TxnOptions options;
  options.read_only = true;
  auto txn = client_.begin(options);
  txn->begin_statement();
  std::vector<Bytes> key{catalog_store::lease_key(node)};
  auto row = co_await txn->get(std::move(key), {});
  if (!row.ok()) co_return row.status();
  bool lives = false;
  if (row->present(0)) {
    NodeLease lease;
    CO_RETURN_IF_ERROR(decode(row->value(0), lease));
    for (const auto& [version, expiry] : lease.versions) lives |= expiry > txn->read_timestamp();
  }
  co_await txn->rollback();
  co_return !lives;
}

Task<Status> CatalogManager::wait_online(std::vector<Oid> tables, runtime::CancelToken token) {
  for (;;) {
    bool waiting = !snapshot();
    for (Oid oid : tables) {
      TablePtr t = current_ ? current_->table(oid) : nullptr;
      waiting |= t != nullptr && t->offline_until > client_.now();
    }
    if (!waiting) co_return Status();
    MARK("sql: a table's schema change is waited for");
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(executor_, std::chrono::milliseconds(5), token));
    auto changed = co_await head_changed();
    if (changed.ok() && *changed) {
      Status s = co_await lease_once();
      (void)s;  // tried again
    }
  }
}

}  // namespace quorate::sql

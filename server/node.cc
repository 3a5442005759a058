#include "server/node.h"

#include "runtime/sync.h"
#include "sql/schema/backfill.h"
#include "sql/schema/schema_change.h"
#include "sql/session/txn_status.h"
#include "sql/system/system_tables.h"

namespace quorate::server {

namespace {
constexpr runtime::Duration kGarbageInterval = std::chrono::seconds(5);
}  // namespace

Node::Node(runtime::Env& env, NodeOptions options)
    : env_(env), options_(std::move(options)), kv_(env, options_.kv), scope_(*env.executor) {
  kv_.clients = [this] { return listener_ == nullptr ? 0 : listener_->connections(); };
  kv_.rpc().handle(kDrainMethod, [this](runtime::PeerId, Bytes) { return on_drain(); });
}

// From the outside in: clients first, then what serves them.
Node::~Node() {
  scope_.cancel_all();
  http_.reset();
  listener_.reset();
  services_.reset();
  view_.reset();
  catalog_.reset();
}

runtime::Task<Status> Node::start(runtime::CancelToken token) {
  if (!options_.http_listen.empty()) {
    http_ = std::make_unique<HttpServer>(env_, [this] { return serving(); });
    CO_RETURN_IF_ERROR(http_->listen(options_.http_listen));
  }
  CO_RETURN_IF_ERROR(co_await kv_.start(token));
  catalog_ = std::make_unique<sql::CatalogManager>(kv_.txn(), kv_.id());
  CO_RETURN_IF_ERROR(co_await catalog_->start(token));
  view_ = std::make_unique<ClusterView>(kv_, [this] {
    std::vector<sql::SessionRow> rows;
    for (const sql::Session* s : services_->sessions) rows.push_back(s->activity());
    return rows;
  });
  services_ = std::make_unique<sql::NodeServices>(kv_.txn(), *catalog_);
  services_->system_tables = &sql::system_tables();
  services_->system_node = static_cast<sql::ClusterInfo*>(view_.get());
  services_->split_at = [this](std::vector<Bytes> keys) {
    return view_->split_at(std::move(keys));
  };
  services_->transfer_lease = [this](uint64_t range, uint64_t node) {
    return view_->transfer_lease(range, node);
  };
  services_->table_rows = [this](const sql::TableDescriptor& t) { return view_->table_rows(t); };
  auto listener = std::make_unique<pgwire::PgListener>(env_, [this](sql::SessionOptions o) {
    return sql::Session::open(services_.get(), std::move(o));
  });
  listener->planted = options_.kv.planted;
  CO_RETURN_IF_ERROR(listener->listen(options_.sql_listen));
  listener_ = std::move(listener);
  scope_.spawn(collect_garbage());
  co_return Status();
}

// Tables that a lost schema change holds, rows of dropped and truncated ones, and old outcomes of
// transactions. Every node does it, where
// it finds something to do; one that fails, or is in another's way, tries again later.
runtime::Task<void> Node::collect_garbage() {
  for (;;) {
    const auto pause = kGarbageInterval + std::chrono::milliseconds(env_.random->below(1000));
    Status slept = co_await runtime::sleep_for(*env_.executor, pause);
    if (!slept.ok()) co_return;
    Status freed = co_await sql::free_abandoned(catalog_.get());
    if (!freed.ok()) env_.log.debug("abandoned tables: {}", freed.message());
    Status removed = co_await sql::remove_garbage(&kv_.txn());
    if (!removed.ok()) env_.log.debug("garbage of tables: {}", removed.message());
    for (bool again = true; again;) {
      auto more = co_await sql::remove_old_statuses(&kv_.txn());
      again = more.ok() && *more;
      if (!more.ok()) env_.log.debug("old outcomes: {}", more.status().message());
    }
  }
}

runtime::Task<Status> Node::drain(runtime::Duration limit) {
  const runtime::Instant deadline = env_.executor->now() + limit;
  kv_.cluster().mutable_self().draining = true;
  // Leases first, while clients are still served: they follow to the other nodes without an outage.
  Status drained = co_await kv_.drain(env_.executor->now() + limit / 2);
  if (!drained.ok()) env_.log.info("drain: {}", drained.message());
  if (listener_ != nullptr)
    co_await listener_->drain(std::max(runtime::Duration(0), deadline - env_.executor->now()));
  co_return co_await kv_.store().engine().checkpoint_now();
}

runtime::Task<Result<Bytes>> Node::on_drain() {
  if (!serving()) co_return unavailable("the node does not serve yet");
  kv_.cluster().mutable_self().draining = true;
  CO_RETURN_IF_ERROR(co_await kv_.drain(env_.executor->now() + std::chrono::seconds(30)));
  co_return Bytes();
}

}  // namespace quorate::server

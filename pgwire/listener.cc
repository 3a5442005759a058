#include "pgwire/listener.h"

#include "base/limits.h"
#include "base/mark.h"

namespace quorate::pgwire {

using runtime::Task;

namespace {
// How often statements are looked at for a client that has gone meanwhile.
constexpr runtime::Duration kTick = std::chrono::milliseconds(500);
}  // namespace

PgListener::PgListener(runtime::Env& env, SessionFactory factory, size_t connections_max)
    : env_(env),
      factory_(std::move(factory)),
      connections_max_(connections_max),
      cancels_(env),
      gone_(*env.executor),
      accepted_(env.metrics->counter("quorate_client_connections_total", "Clients accepted")),
      refused_(env.metrics->counter("quorate_client_connections_refused_total",
                                    "Clients beyond the limit")),
      scope_(*env.executor) {}

PgListener::PgListener(runtime::Env& env, SessionFactory factory)
    : PgListener(env, std::move(factory), limits::kConnectionsMax) {}

PgListener::~PgListener() = default;

Status PgListener::listen(const std::string& address) {
  ASSIGN_OR_RETURN(listener_, env_.network->listen_stream(address));
  scope_.spawn(accept_all());
  scope_.spawn(tick());
  return Status();
}

Task<void> PgListener::accept_all() {
  for (;;) {
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await listener_->accept(runtime::CancelToken());
    if (!stream.ok()) co_return;
    scope_.spawn(serve(std::move(*stream)));
  }
}

Task<void> PgListener::serve(std::unique_ptr<runtime::Stream> stream) {
  ConnectionOptions options;
  options.planted = planted;
  options.refused = connections_.size() >= connections_max_;
  (options.refused ? refused_ : accepted_).add();
  // Told 53300 after its start-up packet; a flood of these is cut off without a word.
  if (connections_.size() >= 2 * connections_max_) {
    MARK("pgwire: a flood of clients is cut off");
    co_return;
  }
  Connection connection(env_, std::move(stream), &factory_, &cancels_, options);
  auto at = connections_.insert(connections_.end(), &connection);
  co_await connection.run();
  connections_.erase(at);
  gone_.wake_all();
}

Task<void> PgListener::tick() {
  for (;;) {
    Status s = co_await runtime::sleep_for(*env_.executor, kTick);
    if (!s.ok()) co_return;
    for (Connection* c : connections_) c->tick();
  }
}

Task<void> PgListener::drain(runtime::Duration limit) {
  if (listener_ != nullptr) listener_->close();
  for (Connection* c : connections_) c->shut_down();
  runtime::Instant deadline = env_.executor->now() + limit;
  while (!connections_.empty()) {
    Status s = co_await gone_.wait(runtime::CancelToken(), deadline);
    if (!s.ok()) co_return;
  }
}

}  // namespace quorate::pgwire

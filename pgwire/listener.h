// Accepts clients on one address and runs a Connection for each, on the node's executor.
//
//   PgListener listener(env, factory);
//   listener.listen("127.0.0.1:26257");
//   ... listener.drain(limit) ... destroy
//
// Beyond limits::kConnectionsMax clients are told 53300 and let go. Destroying the listener ends
// all connections at once.
#pragma once

#include <list>

#include "pgwire/connection.h"

namespace quorate::pgwire {

class PgListener {
 public:
  PgListener(runtime::Env& env, SessionFactory factory, size_t connections_max);
  PgListener(runtime::Env& env, SessionFactory factory);
  ~PgListener();
  PgListener(const PgListener&) = delete;

  PlantedBugs planted;  // before listen()
  Status listen(const std::string& address);
  // With the port that was given for ":0".
  std::string local_address() const { return listener_->local_address(); }
  size_t connections() const { return connections_.size(); }

  // No new clients; idle ones are told 57P01, others after their statement. Returns when all have
  // gone or the time is over.
  runtime::Task<void> drain(runtime::Duration limit);

 private:
  runtime::Task<void> accept_all();
  runtime::Task<void> serve(std::unique_ptr<runtime::Stream> stream);
  runtime::Task<void> tick();

  runtime::Env& env_;
  SessionFactory factory_;
  const size_t connections_max_;
  CancelRegistry cancels_;
  std::unique_ptr<runtime::Listener> listener_;
  std::list<Connection*> connections_;
  runtime::WaitList gone_;
  Counter& accepted_;
  Counter& refused_;
  runtime::TaskScope scope_;  // last: its frames refer to the rest
};

}  // namespace quorate::pgwire

// Requests and answers between nodes, over Network's messages.
//
// A call is sent once. It ends with the handler's answer, with kUnavailable when the connection to
// the peer broke or could not be made, or with kDeadlineExceeded when no answer came: then the
// request may or may not have been served, and the caller knows whether asking again is harmless.
// Handlers run as tasks on the server's executor; at most `inflight_max` at once, further ones are
// refused with kUnavailable (53300). A caller that goes away cancels nothing at the server.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <string>

#include "runtime/env.h"
#include "runtime/sync.h"

namespace quorate::runtime {

using RpcMethod = uint16_t;
using RpcHandler = std::function<Task<Result<Bytes>>(PeerId from, Bytes request)>;

class Rpc {
 public:
  Rpc(Env& env, size_t inflight_max = 10'000);
  ~Rpc();
  Rpc(const Rpc&) = delete;

  // Once a method, before the network listens.
  void handle(RpcMethod method, RpcHandler handler);
  // Drops what is being served and serves nothing more: before the handlers' owners go. Calls that
  // this side made are their callers'.
  void stop();
  // Told after the calls to the peer have ended. A hint, as in Network::on_loss.
  LossHandler on_loss;
  Task<Result<Bytes>> call(PeerId to, RpcMethod method, Bytes request, Instant deadline,
                           CancelToken token = {});
  size_t serving() const { return serving_.size(); }  // requests in progress here

 private:
  struct Pending;
  void on_request(PeerId from, BytesView frame);
  void on_reply(PeerId from, BytesView frame);
  void lost(PeerId peer, bool refused);
  Task<void> serve(PeerId from, uint64_t id, RpcMethod method, Bytes request);

  Env& env_;
  const size_t inflight_max_;
  uint64_t next_id_ = 1;
  absl::flat_hash_map<uint64_t, Pending*> pending_;
  std::map<RpcMethod, RpcHandler> handlers_;
  TaskScope serving_;
};

}  // namespace quorate::runtime

#include "runtime/rpc.h"

#include <algorithm>

#include "runtime/rpc_frames.h"

namespace quorate::runtime {
struct Rpc::Pending {
  Pending(Executor& e, PeerId to) : to(to), answer(e) {}
  const PeerId to;
  OneShot<Result<Bytes>> answer;
};

Rpc::Rpc(Env& env, size_t inflight_max)
    : env_(env), inflight_max_(inflight_max), serving_(*env.executor) {
  // Ids of an earlier life of this process must not meet ours: a late reply would answer another
  // call.
  env_.entropy(reinterpret_cast<char*>(&next_id_), sizeof next_id_);
  env_.network->receive(Channel::kRpcRequest,
                        [this](PeerId from, BytesView f) { on_request(from, f); });
  env_.network->receive(Channel::kRpcReply,
                        [this](PeerId from, BytesView f) { on_reply(from, f); });
  env_.network->on_loss([this](PeerId peer, bool refused) { lost(peer, refused); });
}

Rpc::~Rpc() {
  env_.network->receive(Channel::kRpcRequest, nullptr);
  env_.network->receive(Channel::kRpcReply, nullptr);
  env_.network->on_loss(nullptr);
}

void Rpc::stop() {
  env_.network->receive(Channel::kRpcRequest, nullptr);
  serving_.cancel_all();
}

void Rpc::handle(RpcMethod method, RpcHandler handler) {
  CHECK(handlers_.emplace(method, std::move(handler)).second);
}

Task<Result<Bytes>> Rpc::call(PeerId to, RpcMethod method, Bytes request, Instant deadline,
                              CancelToken token) {
  uint64_t id = next_id_++;
  Pending pending(*env_.executor, to);
  // Unhooks on every way out, destruction of this frame included.
  struct Registration {
    absl::flat_hash_map<uint64_t, Pending*>& map;
    uint64_t id;
    ~Registration() { map.erase(id); }
  } registration{pending_, id};
  pending_[id] = &pending;
  env_.network->send(to, Channel::kRpcRequest,
                     encode(RpcRequestFrame{id, method, std::move(request)}));
  Status waited = co_await pending.answer.wait(token, deadline);
  if (!waited.ok()) co_return waited;
  co_return pending.answer.take();
}

void Rpc::on_request(PeerId from, BytesView frame) {
  RpcRequestFrame header;
  if (!decode(frame, header).ok()) {
    env_.log.warning("malformed request from {}", env_.network->address(from));
    return;
  }
  serving_.spawn_now(serve(from, header.id, header.method, std::move(header.body)));
}

Task<void> Rpc::serve(PeerId from, uint64_t id, RpcMethod method, Bytes request) {
  RpcReplyFrame reply{id, {}, {}};
  auto found = handlers_.find(method);
  if (found == handlers_.end()) {
    reply.status = unavailable("this node does not know request " + std::to_string(method));
  } else if (serving_.size() > inflight_max_) {
    reply.status = unavailable("too many requests in progress", sqlstate::kTooManyConnections);
  } else {
    Result<Bytes> result = co_await found->second(from, std::move(request));
    if (result.ok()) {
      reply.body = std::move(result).value();
    } else {
      reply.status = result.status();
    }
  }
  env_.network->send(from, Channel::kRpcReply, encode(reply));
}

void Rpc::on_reply(PeerId from, BytesView frame) {
  RpcReplyFrame reply;
  if (!decode(frame, reply).ok()) {
    env_.log.warning("malformed reply from {}", env_.network->address(from));
    return;
  }
  auto found = pending_.find(reply.id);
  if (found == pending_.end()) return;  // its caller gave up, or a duplicate
  if (reply.status.ok()) {
    found->second->answer.set(std::move(reply.body));
  } else {
    found->second->answer.set(reply.status);
  }
}

void Rpc::lost(PeerId peer, bool refused) {
  std::vector<uint64_t> ids;  // sorted: the table's own order differs from process to process
  for (const auto& [id, pending] : pending_) {
    if (pending->to == peer) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  const Status why =
      unavailable(refused ? "nobody takes connections at " + env_.network->address(peer)
                          : "the connection to " + env_.network->address(peer) + " broke");
  for (uint64_t id : ids) pending_.at(id)->answer.set(why);
  if (on_loss) on_loss(peer, refused);
}

}  // namespace quorate::runtime

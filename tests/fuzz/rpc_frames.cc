// Frames of calls as a peer may send them. What could go wrong: a malformed frame ends the process,
// or answers another call than its own.
#include "runtime/rpc_frames.h"

#include "runtime/sim/sim_env.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::runtime {
namespace {

Task<Result<Bytes>> echo(PeerId, Bytes request) { co_return std::move(request); }
Task<void> call_into(Rpc* rpc, PeerId to, Instant deadline, std::optional<Result<Bytes>>* out) {
  auto calling = rpc->call(to, 1, "question", deadline);
  *out = co_await std::move(calling);
}

}  // namespace

// Frames of the peer, each with a byte for its channel and its length before it, while a call to
// that peer is under way.
FUZZ_TARGET(rpc_frames) {
  fuzz::InputReader in(input);
  SimWorld world(1);
  SimNodeEnv node(world, "n1"), peer(world, "n2");
  for (SimNodeEnv* n : {&node, &peer}) {
    CHECK(n->env().network->listen(n->machine().name() + ":1", "").ok());
  }
  Rpc rpc(node.env(), 4);
  rpc.handle(1, echo);
  const PeerId to_peer = node.env().network->peer("n2:1");
  const PeerId to_node = peer.env().network->peer("n1:1");
  // The peer's side is the input's; it learns the call's number as a peer does.
  uint64_t asked = 0;
  bool answered = false;
  peer.env().network->receive(Channel::kRpcRequest, [&](PeerId, BytesView frame) {
    RpcRequestFrame request;
    CHECK(decode(frame, request).ok() && request.body == "question");
    asked = request.id;
  });
  peer.env().network->receive(Channel::kRpcReply, [&](PeerId, BytesView frame) {
    RpcReplyFrame reply;
    CHECK(decode(frame, reply).ok());
  });
  std::optional<Result<Bytes>> result;
  TaskScope scope(node.executor());
  scope.spawn(call_into(&rpc, to_peer, world.now() + std::chrono::seconds(1), &result));
  world.run_for(std::chrono::milliseconds(20));
  while (!in.done()) {
    const uint8_t head = in.byte();
    Bytes frame(in.text());
    const Channel channel = (head & 1) != 0 ? Channel::kRpcReply : Channel::kRpcRequest;
    if (RpcReplyFrame reply; channel == Channel::kRpcReply && (head & 2) != 0) {
      // Now and then the right number before whatever follows.
      Bytes number;
      Encoder(number).varint(asked);
      frame = number + frame;
      answered |= decode(frame, reply).ok();
    }
    peer.env().network->send(to_node, channel, std::move(frame));
  }
  world.run_for(std::chrono::milliseconds(20));
  if (asked != 0) CHECK(answered || !result.has_value());
  world.run_for(std::chrono::seconds(2));
  CHECK(result.has_value() && rpc.serving() == 0);
}

FUZZ_SEEDS(rpc_frames) {
  auto put = [](char head, const Bytes& frame) {
    return Bytes{head, static_cast<char>(frame.size())} + frame;
  };
  const Bytes request = encode(RpcRequestFrame{7, 1, "hello"});
  const Bytes unknown = encode(RpcRequestFrame{8, 99, ""});
  const Bytes good = encode(RpcReplyFrame{1, {}, "answer"}).substr(1);
  const Bytes bad = encode(RpcReplyFrame{1, aborted("no").with_hint("again"), ""}).substr(1);
  return {put(0, request) + put(0, unknown) + put(3, good), put(3, bad) + put(3, good),
          put(1, encode(RpcReplyFrame{5, {}, "stray"})), put(0, "short") + put(2, request)};
}

}  // namespace quorate::runtime

// What Rpc sends: the payloads of Channel::kRpcRequest and kRpcReply.
#pragma once

#include "base/archive.h"
#include "runtime/rpc.h"

namespace quorate::runtime {

struct RpcRequestFrame {
  uint64_t id = 0;
  RpcMethod method = 0;
  Bytes body;
  template <class A>
  void serialize(A& a) {
    a(id, method, body);
  }
};

struct RpcReplyFrame {
  uint64_t id = 0;
  Status status;
  Bytes body;
  template <class A>
  void serialize(A& a) {
    a(id, status, body);
  }
};

}  // namespace quorate::runtime

// How a cluster is born and how nodes come to it.
//
//   start --join A,B,C        waits: asks each address in turn to be let in, and answers others
//   that
//                             there is no cluster yet, until one node is told `init`
//   init                      makes that node the cluster's first; the others' next question
//   succeeds start --single            init without being told
//
// The answer to a join is an identity: the cluster's id and a node id that was never given before.
// It is kept in the file Cluster::kIdentityFile; a node that has one never asks again.
#pragma once

#include <functional>

#include "range/cluster.h"
#include "range/system_kv.h"
#include "runtime/rpc.h"

namespace quorate::range {

class Membership {
 public:
  static constexpr runtime::RpcMethod kJoinMethod = 3;
  static constexpr runtime::RpcMethod kInitMethod = 4;
  static constexpr runtime::RpcMethod kClusterMethod = 12;

  Membership(runtime::Env& env, runtime::Rpc& rpc);

  // The identity in the data directory; nullopt: a new one.
  runtime::Task<Result<std::optional<Identity>>> load();
  runtime::Task<Status> save(Identity identity);

  // Waits until this node is told to be the first (true), or was let in by one of `addresses`
  // (false); the identity and what is known of the others are then in place.
  struct Joined {
    Identity identity;
    bool first = false;
    std::vector<NodeInfo> nodes;
    std::optional<RangeDescriptor> root;
  };
  runtime::Task<Result<Joined>> join(std::vector<std::string> addresses, NodeInfo self,
                                     runtime::CancelToken token);
  Joined make_first() const;
  // What `quorate init` does: a join() that waits makes this node the first.
  void tell_to_be_first() { told_to_be_first_ = true; }

  // From now on this node lets others in. Both outlive this.
  void serve(Cluster& cluster, SystemKv& system);

  // For a node that had an identity: whether those at `addresses` belong to the same cluster. Ok as
  // soon as one does, or when nobody has said otherwise for some rounds; an error names what
  // differs, and the node should stop: its directory is another cluster's.
  runtime::Task<Status> confirm(std::vector<std::string> addresses, std::string own_address);

  // The other side of `quorate init`: asks the node at `address`.
  static runtime::Task<Status> init(runtime::Env& env, runtime::Rpc& rpc, std::string address);

 private:
  struct JoinAnswer;
  runtime::Task<Result<Bytes>> on_join(Bytes request);
  runtime::Task<Result<Bytes>> on_init();
  runtime::Task<Result<Bytes>> on_cluster();

  runtime::Env& env_;
  runtime::Rpc& rpc_;
  Cluster* cluster_ = nullptr;
  SystemKv* system_ = nullptr;
  bool told_to_be_first_ = false;
  bool has_identity_ = false;
};

}  // namespace quorate::range

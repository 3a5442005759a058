#include "range/membership.h"

#include "base/archive.h"
#include "range/keys.h"
#include "runtime/sync.h"

namespace quorate::range {

struct Membership::JoinAnswer {
  std::string cluster;
  NodeId node;
  std::vector<NodeInfo> nodes;
  std::optional<RangeDescriptor> root;
  template <class A>
  void serialize(A& a) {
    a(cluster, node, nodes, root);
  }
};

Membership::Membership(runtime::Env& env, runtime::Rpc& rpc) : env_(env), rpc_(rpc) {
  rpc_.handle(kJoinMethod,
              [this](runtime::PeerId, Bytes request) { return on_join(std::move(request)); });
  rpc_.handle(kInitMethod, [this](runtime::PeerId, Bytes) { return on_init(); });
  rpc_.handle(kClusterMethod, [this](runtime::PeerId, Bytes) { return on_cluster(); });
}

runtime::Task<Result<std::optional<Identity>>> Membership::load() {
  auto kept = co_await env_.disk->read_file(Cluster::kIdentityFile);
  if (!kept.ok()) {
    if (kept.status().code() == StatusCode::kNotFound) co_return std::optional<Identity>();
    co_return kept.status();
  }
  Identity identity;
  CO_RETURN_IF_ERROR(decode(*kept, identity).with_context("the identity file"));
  if (identity.format > Identity::kFormat) {
    co_return failed_precondition(
        "the data directory was written by a newer version (identity format " +
        std::to_string(identity.format) + "); start that version");
  }
  has_identity_ = true;
  co_return std::optional<Identity>(std::move(identity));
}

runtime::Task<Status> Membership::save(Identity identity) {
  has_identity_ = true;
  co_return co_await env_.disk->write_file(Cluster::kIdentityFile, encode(identity));
}

Membership::Joined Membership::make_first() const {
  char raw[16];
  env_.entropy(raw, sizeof raw);
  Joined joined;
  joined.identity.cluster = to_hex(BytesView(raw, sizeof raw));
  joined.identity.node = NodeId(1);
  joined.first = true;
  return joined;
}

runtime::Task<Result<Membership::Joined>> Membership::join(std::vector<std::string> addresses,
                                                           NodeInfo self,
                                                           runtime::CancelToken token) {
  for (size_t turn = 0;; ++turn) {
    if (told_to_be_first_) co_return make_first();
    if (token.cancelled()) co_return token.status();
    const std::string& address = addresses[turn % addresses.size()];
    if (address != self.address) {
      const runtime::Instant deadline = env_.executor->now() + std::chrono::seconds(5);
      auto answer = co_await rpc_.call(env_.network->peer(address), kJoinMethod, encode(self),
                                       deadline, token);
      if (answer.ok()) {
        JoinAnswer a;
        CO_RETURN_IF_ERROR(decode(*answer, a));
        Joined joined;
        joined.identity.cluster = a.cluster;
        joined.identity.node = a.node;
        joined.identity.peers = addresses;
        joined.nodes = a.nodes;
        joined.root = a.root;
        co_return joined;
      }
      if (turn % (addresses.size() * 20) == 0) {
        env_.log.info("not in a cluster yet: {} says: {}", address, answer.status().message());
      }
    }
    if (turn % addresses.size() == addresses.size() - 1) {
      CO_RETURN_IF_ERROR(
          co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(200), token));
    }
  }
}

void Membership::serve(Cluster& cluster, SystemKv& system) {
  cluster_ = &cluster;
  system_ = &system;
}

runtime::Task<Result<Bytes>> Membership::on_join(Bytes request) {
  NodeInfo node;
  CO_RETURN_IF_ERROR(decode(request, node));
  if (cluster_ == nullptr)
    co_return unavailable("no cluster has been made yet: run `quorate init` at one node");
  // A node that asks again because the answer was lost gets a further number; the first stays
  // unused.
  CO_ASSIGN_OR_RETURN(uint64_t id, co_await system_->take(keys::system_key("next_node"), 1, 2));
  node.id = NodeId(id);
  cluster_->add(node);
  env_.log.info("node {} at {} joins", id, node.address);
  JoinAnswer answer;
  answer.cluster = cluster_->identity().cluster;
  answer.node = node.id;
  for (const auto& [other, info] : cluster_->nodes()) answer.nodes.push_back(info);
  answer.root = cluster_->root();
  co_return encode(answer);
}

runtime::Task<Result<Bytes>> Membership::on_init() {
  if (has_identity_ || cluster_ != nullptr || told_to_be_first_) {
    co_return failed_precondition("this node belongs to a cluster already");
  }
  told_to_be_first_ = true;
  co_return Bytes();
}

runtime::Task<Result<Bytes>> Membership::on_cluster() {
  if (cluster_ == nullptr) co_return unavailable("this node is in no cluster yet");
  co_return Bytes(cluster_->identity().cluster);
}

runtime::Task<Status> Membership::confirm(std::vector<std::string> addresses,
                                          std::string own_address) {
  constexpr int kRounds = 5;
  const std::string own = cluster_->identity().cluster;
  Status stranger;
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& address : addresses) {
      if (address == own_address) continue;
      const runtime::Instant deadline = env_.executor->now() + std::chrono::seconds(1);
      auto answer =
          co_await rpc_.call(env_.network->peer(address), kClusterMethod, Bytes(), deadline);
      if (!answer.ok()) continue;
      if (*answer == own) co_return Status();
      stranger = failed_precondition("the data directory belongs to another cluster (" + own +
                                     ") than the node at " + address + " (" + *answer + ")");
    }
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env_.executor, std::chrono::milliseconds(500)));
  }
  co_return stranger;
}

runtime::Task<Status> Membership::init(runtime::Env& env, runtime::Rpc& rpc, std::string address) {
  const runtime::Instant deadline = env.executor->now() + std::chrono::seconds(10);
  Result<Bytes> answer(unavailable("nothing was asked"));
  for (;;) {
    answer = co_await rpc.call(env.network->peer(address), kInitMethod, Bytes(), deadline);
    // It may be starting still.
    if (answer.status().code() != StatusCode::kUnavailable) break;
    CO_RETURN_IF_ERROR(co_await runtime::sleep_for(*env.executor, std::chrono::milliseconds(100)));
    if (env.executor->now() >= deadline) break;
  }
  if (answer.status().code() == StatusCode::kDeadlineExceeded) {
    co_return unavailable("no node answers at " + address);
  }
  co_return answer.status();
}

}  // namespace quorate::range

// Client streams of the simulated network: see sim_network.h.
#pragma once

#include "runtime/sim/sim_network.h"
#include "runtime/sync.h"

namespace quorate::runtime {

// Both directions of one connection. Shared by its two streams and by what is on the wire.
struct SimConnection {
  enum class Kind : uint8_t { kData, kEnd, kReset };
  struct Segment {
    Kind kind;
    Bytes data;
    Instant due;
  };
  // What travels towards side i.
  struct Pipe {
    std::deque<Segment> wire;
    Instant last;
    bool pumping = false;
    Instant stalled_since = Instant::never();
  };
  std::string host[2], address[2];
  SimStream* side[2] = {nullptr, nullptr};  // null: closed and destroyed, or crashed
  Pipe pipe[2];
};

class SimStream : public Stream {
 public:
  static constexpr size_t kWindowBytes = 256 * 1024;  // sent and not yet read, a direction

  SimStream(SimEndpoint& endpoint, std::shared_ptr<SimConnection> connection, int side,
            uint64_t number);
  ~SimStream() override;
  Task<Status> read(Bytes& into, size_t limit, CancelToken token) override;
  Task<Status> write(BytesView bytes, CancelToken token) override;
  void close() override;
  std::string peer_address() const override { return connection_->address[1 - side_]; }

  void die(bool orderly);

 private:
  friend class SimNetwork;
  void put_on_wire(SimConnection::Kind kind, Bytes data);
  void arrived(Bytes data);
  void ended();
  void broken(const Status& why);
  void credit(size_t bytes);

  SimEndpoint& endpoint_;
  SimNetwork& network_;
  const std::shared_ptr<SimConnection> connection_;
  const int side_;
  const uint64_t number_;
  Bytes received_;
  size_t outstanding_ = 0;
  bool peer_ended_ = false;
  bool closed_ = false;
  bool dead_ = false;
  Status broken_;
  WaitList readers_, writers_;
};

class SimListener : public Listener {
 public:
  static constexpr size_t kBacklogMax = 128;

  SimListener(SimEndpoint& endpoint, std::string address, uint64_t number);
  ~SimListener() override;
  Task<Result<std::unique_ptr<Stream>>> accept(CancelToken token) override;
  std::string local_address() const override { return address_; }
  void close() override;

  SimEndpoint& endpoint() { return endpoint_; }
  bool full() const { return backlog_.size() >= kBacklogMax; }
  void offer(std::unique_ptr<SimStream> stream);
  void die();

 private:
  SimEndpoint& endpoint_;
  SimNetwork& network_;
  const std::string address_;
  const uint64_t number_;
  std::deque<std::unique_ptr<SimStream>> backlog_;
  bool closed_ = false;
  bool dead_ = false;
  WaitList acceptors_;
};

}  // namespace quorate::runtime

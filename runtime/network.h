// Messages between nodes, and byte streams for clients.
//
// Messages: one frame each, best effort. Frames to one peer arrive in the order sent, or not at all
// after a connection broke; they may be lost, and in the simulator also duplicated and reordered. A
// send never waits: frames of one executor step are gathered and leave together, one system call a
// peer; beyond limits::kPeerQueueBytesMax frames are dropped and counted. Peers are named by the
// address they listen on for messages ("host:port"); a peer's first frame tells its own address.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/status.h"
#include "runtime/cancel.h"
#include "runtime/task.h"

namespace quorate::runtime {

using PeerId = uint32_t;  // this process's number for an address; 0: none

// A frame's first byte: who it is for.
enum class Channel : uint8_t {
  kRpcRequest = 1,
  kRpcReply = 2,
  kRaft = 3,
  kLiveness = 4,
  kGossip = 5
};
inline constexpr size_t kChannels = 8;

using MessageHandler = std::function<void(PeerId from, BytesView payload)>;
// A peer's connection has broken, or could not be made (`refused`): what was sent to it and is not
// answered may be lost. A hint: nothing may follow from silence, and it may come late.
using LossHandler = std::function<void(PeerId peer, bool refused)>;

// One client's connection.
class Stream {
 public:
  virtual ~Stream() = default;
  // Appends what has arrived, at least one byte, to `into` (at most `limit` bytes); kNotFound at
  // the peer's orderly end. One reader at a time.
  virtual Task<Status> read(Bytes& into, size_t limit, CancelToken token) = 0;
  // Writes all of it. One writer at a time. The bytes must stay until it returns.
  virtual Task<Status> write(BytesView bytes, CancelToken token) = 0;
  // Further reads and writes fail; what waits is woken.
  virtual void close() = 0;
  virtual std::string peer_address() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual Task<Result<std::unique_ptr<Stream>>> accept(CancelToken token) = 0;
  virtual std::string local_address() const = 0;  // with the port that was given for ":0"
  virtual void close() = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  // Starts taking messages on `address`; others reach us by `advertised`. Once, before any send.
  virtual Status listen(const std::string& address, const std::string& advertised) = 0;
  virtual PeerId peer(const std::string& address) = 0;  // idempotent
  virtual std::string address(PeerId peer) const = 0;
  virtual void send(PeerId to, Channel channel, Bytes payload) = 0;
  // The handler runs on this network's executor; the payload is gone when it returns.
  virtual void receive(Channel channel, MessageHandler handler) = 0;
  // In a step of its own, on this network's executor.
  virtual void on_loss(LossHandler handler) = 0;

  virtual Result<std::unique_ptr<Listener>> listen_stream(const std::string& address) = 0;
  virtual Task<Result<std::unique_ptr<Stream>>> connect_stream(std::string address,
                                                               CancelToken token) = 0;
};

}  // namespace quorate::runtime

// Messages between nodes over TCP, and client streams.
//
// A connection carries frames both ways. Whoever has something to send and no connection dials one;
// an accepted one serves for the way back, so two nodes usually share one connection. When both
// dial at the same moment two stay, and each side keeps to one of them, which is what keeps the
// order.
//
//   hello   4 magic "QRT1"   4 protocol version   4 length n   n bytes of Hello (base/archive.h)
//   frame   4 length n       4 crc32c             1 channel    n - 1 bytes of payload
//
// Numbers are little-endian; the checksum covers channel and payload. A frame that is too long or
// damaged, or a hello of another version or cluster, costs the connection.
//
// A connection that breaks takes what was queued for it along. The next send dials again, with
// pauses that grow from 50 ms to 1 s; frames wait meanwhile, up to limits::kPeerQueueBytesMax.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/env.h"
#include "runtime/real/socket.h"
#include "runtime/real/tcp_stream.h"
#include "runtime/sync.h"

namespace quorate::runtime {

class TcpNetwork : public Network {
 public:
  static constexpr uint32_t kProtocolVersion = 3;

  TcpNetwork(Reactor& reactor, HelperPool& helpers, Metrics& metrics, Logger log, Random random);
  ~TcpNetwork() override;

  Status listen(const std::string& address, const std::string& advertised) override;
  PeerId peer(const std::string& address) override;
  std::string address(PeerId peer) const override;
  void send(PeerId to, Channel channel, Bytes payload) override;
  void receive(Channel channel, MessageHandler handler) override;
  void on_loss(LossHandler handler) override { loss_handler_ = std::move(handler); }
  Result<std::unique_ptr<Listener>> listen_stream(const std::string& address) override;
  Task<Result<std::unique_ptr<Stream>>> connect_stream(std::string address,
                                                       CancelToken token) override;

  // Connections to nodes of another cluster are refused from now on; empty: not known yet.
  void set_cluster_id(std::string id) { cluster_id_ = std::move(id); }
  // Where messages arrive: with the port that was given for ":0".
  std::string local_address() const { return local_address_; }
  // Closes all connections to the peer, as a broken cable would: for tests.
  void disconnect(PeerId peer);

 private:
  class Connection;
  struct Peer;

  void accept_all();
  void add_connection(Fd fd, PeerId dialled);
  void on_hello(Connection* connection, const std::string& address);
  void on_frame(PeerId from, Channel channel, BytesView payload);
  void broke(Connection* connection, const Status& why);
  Task<void> dial(PeerId to);
  void back_off(Peer& peer);
  void flush_all();
  void flush(Peer& peer);
  void drop_queue(Peer& peer);
  void tell_loss(PeerId peer, bool refused);
  Connection* connection_to(PeerId peer) const;
  Bytes hello() const;

  Reactor& reactor_;
  HelperPool& helpers_;
  Metrics& metrics_;
  Logger log_;
  Random random_;
  SocketCounters counters_;
  Counter &frames_sent_, &frames_received_, &frames_dropped_, &dials_;

  std::string cluster_id_, advertised_, local_address_;
  class Acceptor;
  std::unique_ptr<Acceptor> acceptor_;
  MessageHandler handlers_[kChannels];
  LossHandler loss_handler_;
  std::map<std::string, PeerId> peer_ids_;
  std::vector<std::unique_ptr<Peer>> peers_;  // PeerId - 1
  std::vector<Peer*> dirty_;                  // have frames to send at the turn's end
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> broken_;  // may be on the stack: freed at the turn's end
  uint64_t next_connection_ = 1;
  TaskScope dialling_;
};

}  // namespace quorate::runtime

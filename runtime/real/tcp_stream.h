// Client connections over TCP. A read first takes what is there and a write first tries to send, so
// an answer costs one recv and one send and, when the bytes are there, no suspension.
#pragma once

#include <memory>
#include <string>

#include "runtime/network.h"
#include "runtime/real/socket.h"
#include "runtime/sync.h"

namespace quorate::runtime {

struct SocketCounters {
  explicit SocketCounters(Metrics& m)
      : recvs(m.counter("quorate_socket_recv_total", "recv system calls")),
        sends(m.counter("quorate_socket_send_total", "send system calls")),
        received_bytes(m.counter("quorate_socket_received_bytes_total", "Bytes received")),
        sent_bytes(m.counter("quorate_socket_sent_bytes_total", "Bytes sent")) {}
  Counter &recvs, &sends, &received_bytes, &sent_bytes;
};

class TcpStream : public Stream, private IoHandler {
 public:
  TcpStream(Reactor& reactor, SocketCounters& counters, Fd fd, std::string peer_address);
  ~TcpStream() override;
  Task<Status> read(Bytes& into, size_t limit, CancelToken token) override;
  Task<Status> write(BytesView bytes, CancelToken token) override;
  void close() override;
  std::string peer_address() const override { return peer_address_; }

 private:
  void on_io(bool readable, bool writable, bool hung_up) override;

  Reactor& reactor_;
  SocketCounters& counters_;
  Fd fd_;
  const std::string peer_address_;
  bool readable_ = true;  // as far as we know: a call may be tried
  bool writable_ = true;
  bool hung_up_ = false;
  WaitList readers_, writers_;
};

class TcpListener : public Listener, private IoHandler {
 public:
  TcpListener(Reactor& reactor, SocketCounters& counters, Metrics& metrics, ListeningSocket socket);
  ~TcpListener() override;
  // Survives what a connection or a moment's shortage does to accept(); counts it.
  Task<Result<std::unique_ptr<Stream>>> accept(CancelToken token) override;
  std::string local_address() const override { return local_address_; }
  void close() override;

 private:
  void on_io(bool readable, bool writable, bool hung_up) override;

  Reactor& reactor_;
  SocketCounters& counters_;
  Counter& accept_errors_;
  Fd fd_;
  const std::string local_address_;
  WaitList acceptors_;
};

}  // namespace quorate::runtime

#include "runtime/real/tcp_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace quorate::runtime {
namespace {

// One read takes at most this much: enough for a pipeline of statements.
constexpr size_t kReadBytesMax = 64 * 1024;
// How long accept() waits after it ran out of descriptors or memory.
constexpr Duration kAcceptPause = std::chrono::milliseconds(50);

Status stream_closed() { return unavailable("stream is closed", sqlstate::kConnectionFailure); }

// A thread's place to receive into: what is read is appended to the caller's bytes, which then need
// not be sized (and zeroed) for the most that could come.
char* scratch() {
  static thread_local std::unique_ptr<char[]> buffer(new char[kReadBytesMax]);
  return buffer.get();
}

}  // namespace

TcpStream::TcpStream(Reactor& reactor, SocketCounters& counters, Fd fd, std::string peer_address)
    : reactor_(reactor),
      counters_(counters),
      fd_(std::move(fd)),
      peer_address_(std::move(peer_address)),
      readers_(reactor),
      writers_(reactor) {
  set_no_delay(fd_.get());
  reactor_.watch(fd_.get(), this);
}

TcpStream::~TcpStream() { close(); }

void TcpStream::close() {
  if (!fd_.valid()) return;
  reactor_.unwatch(fd_.get(), this);
  fd_.reset();
  readers_.wake_all();
  writers_.wake_all();
}

void TcpStream::on_io(bool readable, bool writable, bool hung_up) {
  hung_up_ |= hung_up;
  if (readable) {
    readable_ = true;
    readers_.wake_all();
  }
  if (writable) {
    writable_ = true;
    writers_.wake_all();
  }
}

Task<Status> TcpStream::read(Bytes& into, size_t limit, CancelToken token) {
  CHECK(limit > 0);
  Bytes* out = &into;
  while (fd_.valid()) {
    if (readable_) {
      size_t want = std::min(limit, kReadBytesMax);
      ssize_t n = ::recv(fd_.get(), scratch(), want, 0);
      counters_.recvs.add();
      if (n > 0) {
        // A short count means drained: the next bytes are a new edge. Not so behind a hang-up,
        // whose edge may have been the last.
        if (static_cast<size_t>(n) < want && !hung_up_) readable_ = false;
        counters_.received_bytes.add(n);
        out->append(scratch(), n);
        co_return Status();
      }
      if (n == 0) co_return not_found("end of stream");
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return socket_error("receive", errno);
      readable_ = false;
    }
    Status s = co_await readers_.wait(token);
    if (!s.ok()) co_return s;
  }
  co_return stream_closed();
}

Task<Status> TcpStream::write(BytesView bytes, CancelToken token) {
  while (!bytes.empty()) {
    if (!fd_.valid()) co_return stream_closed();
    if (writable_) {
      ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      counters_.sends.add();
      if (n >= 0) {
        counters_.sent_bytes.add(n);
        bytes.remove_prefix(n);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return socket_error("send", errno);
      writable_ = false;
    }
    Status s = co_await writers_.wait(token);
    if (!s.ok()) co_return s;
  }
  co_return Status();
}

TcpListener::TcpListener(Reactor& reactor, SocketCounters& counters, Metrics& metrics,
                         ListeningSocket socket)
    : reactor_(reactor),
      counters_(counters),
      accept_errors_(metrics.counter("quorate_accept_errors_total", "Failed accept calls")),
      fd_(std::move(socket.fd)),
      local_address_(socket.address.to_string()),
      acceptors_(reactor) {
  reactor_.watch(fd_.get(), this);
}

TcpListener::~TcpListener() { close(); }

void TcpListener::close() {
  if (!fd_.valid()) return;
  reactor_.unwatch(fd_.get(), this);
  fd_.reset();
  acceptors_.wake_all();
}

void TcpListener::on_io(bool, bool, bool) { acceptors_.wake_all(); }

Task<Result<std::unique_ptr<Stream>>> TcpListener::accept(CancelToken token) {
  while (fd_.valid()) {
    SocketAddress from;
    from.length = sizeof from.storage;
    Fd fd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&from.storage), &from.length,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    int error = fd.valid() ? 0 : errno;
    if (error == 0) {
      std::unique_ptr<Stream> stream =
          std::make_unique<TcpStream>(reactor_, counters_, std::move(fd), from.to_string());
      co_return std::move(stream);
    }
    if (error == EAGAIN) {
      Status s = co_await acceptors_.wait(token);
      if (!s.ok()) co_return s;
      continue;
    }
    accept_errors_.add();
    bool short_of_something =
        error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (!short_of_something) continue;  // that connection is gone: EINTR, ECONNABORTED, ...
    Status s = co_await sleep_for(reactor_, kAcceptPause, token);
    if (!s.ok()) co_return s;
  }
  co_return stream_closed();
}

}  // namespace quorate::runtime

#include "runtime/real/tcp_network.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/archive.h"
#include "base/crc32c.h"
#include "base/limits.h"

namespace quorate::runtime {
namespace {

constexpr char kMagic[4] = {'Q', 'R', 'T', '1'};
constexpr size_t kHelloHeaderBytes = 12;
constexpr size_t kHelloBytesMax = 1024;
constexpr size_t kFrameHeaderBytes = 9;
// Frames are gathered into segments of about this size; a payload above it is one by itself.
constexpr size_t kSegmentBytes = 16 * 1024;
constexpr size_t kSegmentsPerSend = 16;
constexpr size_t kReadBytes = 64 * 1024;
// One connection's input before others get their turn.
constexpr size_t kReadBytesPerTurn = 1u << 20;
constexpr Duration kDialTimeout = std::chrono::seconds(3);
constexpr Duration kUnacknowledgedMax = std::chrono::seconds(5);
constexpr Duration kBackoffMin = std::chrono::milliseconds(50);
constexpr Duration kBackoffMax = std::chrono::seconds(1);

void put_u32(char* out, uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(v >> (8 * i));
}
uint32_t get_u32(const char* in) {
  uint32_t v = 0;
  for (int i = 0; i < 4; ++i)
    v |= static_cast<uint32_t>(static_cast<unsigned char>(in[i])) << 8 * i;
  return v;
}

struct Hello {
  std::string address, cluster_id;
  template <class A>
  void serialize(A& a) {
    a(address, cluster_id);
  }
};

}  // namespace

struct TcpNetwork::Peer {
  PeerId id = 0;
  std::string address;
  std::deque<Bytes> segments;
  size_t head_sent = 0;  // bytes of the first segment that have left
  size_t queued_bytes = 0;
  uint64_t queued_frames = 0;
  Connection* connection = nullptr;
  bool dirty = false;
  bool dialling = false;
  Duration backoff = kBackoffMin;
  Instant not_before;  // for the next dial
};

class TcpNetwork::Acceptor final : public IoHandler {
 public:
  Acceptor(TcpNetwork& network, ListeningSocket socket)
      : network_(network), socket_(std::move(socket)) {
    network_.reactor_.watch(socket_.fd.get(), this);
  }
  ~Acceptor() {
    network_.reactor_.cancel_timer(timer_);
    network_.reactor_.unwatch(socket_.fd.get(), this);
  }
  void on_io(bool, bool, bool) override { network_.accept_all(); }
  int fd() const { return socket_.fd.get(); }
  std::string address() const { return socket_.address.to_string(); }
  void again_later() {
    timer_ = network_.reactor_.schedule_after(kBackoffMin, [this] { network_.accept_all(); });
  }

 private:
  TcpNetwork& network_;
  ListeningSocket socket_;
  TimerId timer_ = 0;
};

class TcpNetwork::Connection final : public IoHandler {
 public:
  Connection(TcpNetwork& network, uint64_t number, Fd fd, PeerId dialled)
      : number(number), dialled(dialled), network_(network), fd_(std::move(fd)) {
    set_no_delay(fd_.get());
    set_unacknowledged_timeout(fd_.get(), kUnacknowledgedMax);
    network_.reactor_.watch(fd_.get(), this);
  }
  ~Connection() { close(); }
  void close() {
    if (!fd_.valid()) return;
    network_.reactor_.unwatch(fd_.get(), this);
    fd_.reset();
  }

  void on_io(bool readable, bool writable, bool hung_up) override {
    hung_up_ |= hung_up;
    if (readable) read_all();
    if (writable && fd_.valid()) {
      writable_ = true;
      if (Peer* p = sender) network_.flush(*p);
    }
  }

  // Bytes sent, 0 when the socket is full; an error breaks the connection.
  size_t send(const iovec* parts, size_t count) {
    if (!writable_) return 0;
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = count;
    while (true) {
      ssize_t n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
      network_.counters_.sends.add();
      if (n >= 0) {
        network_.counters_.sent_bytes.add(n);
        return n;
      }
      if (errno == EINTR) continue;
      writable_ = false;
      if (errno != EAGAIN) network_.broke(this, socket_error("send to a peer", errno));
      return 0;
    }
  }

  const uint64_t number;
  const PeerId dialled;  // 0: accepted
  PeerId from = 0;       // by its hello; 0 before
  Peer* sender = nullptr;

 private:
  void read_all() {
    static thread_local std::unique_ptr<char[]> buffer(new char[kReadBytes]);
    for (size_t total = 0; fd_.valid();) {
      ssize_t n = ::recv(fd_.get(), buffer.get(), kReadBytes, 0);
      network_.counters_.recvs.add();
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) return network_.broke(this, socket_error("receive from a peer", errno));
      if (n == 0) return network_.broke(this, unavailable("the peer closed the connection"));
      network_.counters_.received_bytes.add(n);
      take({buffer.get(), static_cast<size_t>(n)});
      // A short count means drained, but behind a hang-up the end is still to be read.
      if (static_cast<size_t>(n) < kReadBytes && !hung_up_) return;
      total += n;
      if (total < kReadBytesPerTurn) continue;
      // More may be there and its edge is used up: look again after the others.
      network_.reactor_.post([network = &network_, number = number] {
        auto found = network->connections_.find(number);
        if (found != network->connections_.end()) found->second->read_all();
      });
      return;
    }
  }

  // Frames that came as a whole are handled where they lie; only an unfinished one is kept.
  void take(BytesView bytes) {
    if (in_.empty()) {
      in_.assign(bytes.substr(parse(bytes)));
      return;
    }
    in_.append(bytes);
    in_.erase(0, parse(in_));
    // A large frame's room is given back.
    if (in_.empty() && in_.capacity() > 4 * kReadBytes) Bytes().swap(in_);
  }

  // Bytes that are done with.
  size_t parse(BytesView bytes) {
    size_t at = 0;
    while (fd_.valid()) {
      BytesView rest = bytes.substr(at);
      size_t taken = from == 0 ? parse_hello(rest) : parse_frame(rest);
      if (taken == 0) break;
      at += taken;
    }
    return at;
  }

  // Bytes taken, 0 when more are needed or the connection broke.
  size_t parse_hello(BytesView in) {
    if (in.size() < kHelloHeaderBytes) return 0;
    uint32_t length = get_u32(in.data() + 8);
    if (std::memcmp(in.data(), kMagic, 4) != 0 || get_u32(in.data() + 4) != kProtocolVersion ||
        length > kHelloBytesMax) {
      network_.broke(this, failed_precondition("not a node of this version"));
      return 0;
    }
    if (in.size() < kHelloHeaderBytes + length) return 0;
    Hello hello;
    Status decoded = decode(in.substr(kHelloHeaderBytes, length), hello);
    bool other_cluster = !hello.cluster_id.empty() && !network_.cluster_id_.empty() &&
                         hello.cluster_id != network_.cluster_id_;
    if (!decoded.ok() || hello.address.empty() || other_cluster) {
      network_.broke(this, failed_precondition(other_cluster ? "a node of another cluster"
                                                             : "a malformed hello"));
      return 0;
    }
    network_.on_hello(this, hello.address);
    return kHelloHeaderBytes + length;
  }

  size_t parse_frame(BytesView in) {
    if (in.size() < kFrameHeaderBytes) return 0;
    uint32_t length = get_u32(in.data());
    if (length < 1 || length > limits::kFrameBytesMax + 1) {
      network_.broke(this, corruption("a frame of impossible length"));
      return 0;
    }
    if (in.size() < kFrameHeaderBytes - 1 + length) return 0;
    BytesView body = in.substr(kFrameHeaderBytes - 1, length);
    auto channel = static_cast<unsigned char>(body[0]);
    if (crc32c(body) != get_u32(in.data() + 4) || channel >= kChannels) {
      network_.broke(this, corruption("a damaged frame"));
      return 0;
    }
    network_.on_frame(from, static_cast<Channel>(channel), body.substr(1));
    return kFrameHeaderBytes - 1 + length;
  }

  TcpNetwork& network_;
  Fd fd_;
  bool writable_ = true;
  bool hung_up_ = false;
  Bytes in_;  // bounded by one frame and one read
};

TcpNetwork::TcpNetwork(Reactor& reactor, HelperPool& helpers, Metrics& metrics, Logger log,
                       Random random)
    : reactor_(reactor),
      helpers_(helpers),
      metrics_(metrics),
      log_(std::move(log)),
      random_(random),
      counters_(metrics),
      frames_sent_(metrics.counter("quorate_network_frames_sent_total", "Frames sent")),
      frames_received_(metrics.counter("quorate_network_frames_received_total", "Frames received")),
      frames_dropped_(metrics.counter("quorate_network_frames_dropped_total",
                                      "Frames dropped: queue full or connection broken")),
      dials_(metrics.counter("quorate_network_dials_total", "Connections tried")),
      dialling_(reactor) {
  reactor_.at_turn_end([this] { flush_all(); });
}

TcpNetwork::~TcpNetwork() {
  reactor_.at_turn_end(nullptr);
  dialling_.cancel_all();
}

Status TcpNetwork::listen(const std::string& address, const std::string& advertised) {
  CHECK(acceptor_ == nullptr);
  ASSIGN_OR_RETURN(ListeningSocket socket, listen_on(address));
  acceptor_ = std::make_unique<Acceptor>(*this, std::move(socket));
  local_address_ = acceptor_->address();
  advertised_ = advertised.empty() ? local_address_ : advertised;
  return Status();
}

void TcpNetwork::accept_all() {
  while (true) {
    Fd fd(::accept4(acceptor_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.valid()) {
      add_connection(std::move(fd), 0);
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      log_.error("could not accept a peer's connection: {}", std::strerror(errno));
      return acceptor_->again_later();
    }
  }
}

PeerId TcpNetwork::peer(const std::string& address) {
  auto [at, fresh] = peer_ids_.emplace(address, 0);
  if (fresh) {
    auto peer = std::make_unique<Peer>();
    peer->id = at->second = static_cast<PeerId>(peers_.size() + 1);
    peer->address = address;
    peers_.push_back(std::move(peer));
  }
  return at->second;
}

std::string TcpNetwork::address(PeerId peer) const {
  CHECK(peer >= 1 && peer <= peers_.size());
  return peers_[peer - 1]->address;
}

void TcpNetwork::receive(Channel channel, MessageHandler handler) {
  CHECK(static_cast<size_t>(channel) < kChannels);
  handlers_[static_cast<size_t>(channel)] = std::move(handler);
}

void TcpNetwork::send(PeerId to, Channel channel, Bytes payload) {
  CHECK_MSG(!advertised_.empty(), "send() before listen()");
  CHECK(to >= 1 && to <= peers_.size());
  CHECK(payload.size() <= limits::kFrameBytesMax);
  Peer& peer = *peers_[to - 1];
  if (peer.address == advertised_) {
    reactor_.post(
        [this, to, channel, payload = std::move(payload)] { on_frame(to, channel, payload); });
    return;
  }
  size_t bytes = kFrameHeaderBytes + payload.size();
  if (peer.queued_bytes + bytes > limits::kPeerQueueBytesMax) {
    frames_dropped_.add();
    return;
  }
  char header[kFrameHeaderBytes];
  header[8] = static_cast<char>(channel);
  put_u32(header, static_cast<uint32_t>(payload.size() + 1));
  put_u32(header + 4, crc32c(payload, crc32c({header + 8, 1})));
  if (peer.segments.empty() || peer.segments.back().size() > kSegmentBytes) {
    peer.segments.emplace_back();
  }
  peer.segments.back().append(header, sizeof header);
  if (payload.size() > kSegmentBytes) {
    peer.segments.push_back(std::move(payload));
  } else {
    peer.segments.back().append(payload);
  }
  peer.queued_bytes += bytes;
  ++peer.queued_frames;
  frames_sent_.add();
  if (!std::exchange(peer.dirty, true)) dirty_.push_back(&peer);
}

void TcpNetwork::flush_all() {
  for (size_t i = 0; i < dirty_.size(); ++i) {
    dirty_[i]->dirty = false;
    flush(*dirty_[i]);
  }
  dirty_.clear();
  broken_.clear();
}

void TcpNetwork::flush(Peer& peer) {
  if (peer.connection == nullptr) {
    if (!peer.segments.empty() && !std::exchange(peer.dialling, true)) {
      dialling_.spawn_now(dial(peer.id));
    }
    return;
  }
  while (!peer.segments.empty()) {
    iovec parts[kSegmentsPerSend];
    size_t count = std::min(peer.segments.size(), kSegmentsPerSend);
    size_t wanted = 0;
    for (size_t i = 0; i < count; ++i) {
      size_t skip = i == 0 ? peer.head_sent : 0;
      parts[i] = {peer.segments[i].data() + skip, peer.segments[i].size() - skip};
      wanted += parts[i].iov_len;
    }
    size_t sent = peer.connection->send(parts, count);
    if (sent == 0) return;  // full, or broken: then the queue is gone
    peer.queued_bytes -= sent;
    bool all = sent == wanted;
    for (sent += peer.head_sent, peer.head_sent = 0; !peer.segments.empty();) {
      size_t size = peer.segments.front().size();
      if (sent < size) {
        peer.head_sent = sent;
        break;
      }
      sent -= size;
      peer.segments.pop_front();
    }
    // After a short count the next try would say EAGAIN; so would EPOLLOUT's edge be lost: try.
    if (!all) continue;
  }
  peer.queued_frames = 0;
}

void TcpNetwork::drop_queue(Peer& peer) {
  frames_dropped_.add(peer.queued_frames);
  peer.segments.clear();
  peer.head_sent = peer.queued_bytes = peer.queued_frames = 0;
}

Bytes TcpNetwork::hello() const {
  Bytes body = encode(Hello{advertised_, cluster_id_});
  Bytes out(kHelloHeaderBytes, '\0');
  std::memcpy(out.data(), kMagic, 4);
  put_u32(out.data() + 4, kProtocolVersion);
  put_u32(out.data() + 8, static_cast<uint32_t>(body.size()));
  return out + body;
}

void TcpNetwork::add_connection(Fd fd, PeerId dialled) {
  uint64_t number = next_connection_++;
  auto owned = std::make_unique<Connection>(*this, number, std::move(fd), dialled);
  Connection* connection = owned.get();
  connections_.emplace(number, std::move(owned));
  Bytes greeting = hello();
  iovec part{greeting.data(), greeting.size()};
  // Into the empty buffer of a new socket, so it goes as a whole.
  if (connection->send(&part, 1) != greeting.size()) {
    return broke(connection, unavailable("could not greet"));
  }
  if (dialled == 0) return;
  Peer& peer = *peers_[dialled - 1];
  if (peer.connection != nullptr) return;  // it dialled us meanwhile: keep to that one
  peer.connection = connection;
  connection->sender = &peer;
}

void TcpNetwork::on_hello(Connection* connection, const std::string& address) {
  connection->from = peer(address);
  Peer& p = *peers_[connection->from - 1];
  p.backoff = kBackoffMin;
  if (connection->dialled != 0) {
    peers_[connection->dialled - 1]->backoff = kBackoffMin;
    return;
  }
  if (p.connection != nullptr) return;
  p.connection = connection;
  connection->sender = &p;
  if (!p.segments.empty() && !std::exchange(p.dirty, true)) dirty_.push_back(&p);
}

void TcpNetwork::on_frame(PeerId from, Channel channel, BytesView payload) {
  frames_received_.add();
  if (const auto& handler = handlers_[static_cast<size_t>(channel)]) handler(from, payload);
}

TcpNetwork::Connection* TcpNetwork::connection_to(PeerId peer) const {
  for (const auto& [number, c] : connections_) {
    if (c->from == peer || c->dialled == peer) return c.get();
  }
  return nullptr;
}

void TcpNetwork::broke(Connection* connection, const Status& why) {
  auto found = connections_.find(connection->number);
  if (found == connections_.end()) return;
  connection->close();
  broken_.push_back(std::move(found->second));
  connections_.erase(found);
  // Accepted and then turned away: another cluster, another version.
  if (connection->dialled != 0 && connection->from == 0) back_off(*peers_[connection->dialled - 1]);
  if (Peer* peer = std::exchange(connection->sender, nullptr)) {
    log_.info("connection to {} broke: {}", peer->address, why.message());
    drop_queue(*peer);
    tell_loss(peer->id, false);
    peer->connection = connection_to(peer->id);
    if (peer->connection != nullptr) peer->connection->sender = peer;
  } else if (connection->from == 0) {
    log_.info("a peer's connection was refused: {}", why.message());
  }
}

void TcpNetwork::tell_loss(PeerId peer, bool refused) {
  reactor_.post([this, peer, refused] {
    if (loss_handler_) loss_handler_(peer, refused);
  });
}

void TcpNetwork::disconnect(PeerId peer) {
  while (Connection* c = connection_to(peer)) broke(c, cancelled("disconnected"));
}

void TcpNetwork::back_off(Peer& peer) {
  Duration pause = peer.backoff / 2 + Duration(random_.below(peer.backoff.count() / 2));
  peer.not_before = reactor_.now() + pause;
  peer.backoff = std::min(peer.backoff * 2, kBackoffMax);
}

Task<void> TcpNetwork::dial(PeerId to) {
  // peers_ only grows and its elements don't move.
  Peer* peer = peers_[to - 1].get();
  while (peer->connection == nullptr && !peer->segments.empty()) {
    // Frames wait out the pause after a failure, so that a dead peer costs little.
    if (reactor_.now() < peer->not_before) {
      (void)co_await sleep_until(reactor_, peer->not_before);
      continue;
    }
    dials_.add();
    Instant deadline = reactor_.now() + kDialTimeout;
    Task<Result<Fd>> connecting = connect_to(&reactor_, &helpers_, peer->address, {}, deadline);
    Result<Fd> fd = co_await connecting;
    if (fd.ok()) {
      add_connection(std::move(fd).value(), to);
      break;
    }
    log_.debug("{}: {}", peer->address, fd.status().message());
    if (peer->connection == nullptr) {
      drop_queue(*peer);
      tell_loss(peer->id, true);
    }
    back_off(*peer);
  }
  peer->dialling = false;
  if (!peer->segments.empty() && !std::exchange(peer->dirty, true)) dirty_.push_back(peer);
}

Result<std::unique_ptr<Listener>> TcpNetwork::listen_stream(const std::string& address) {
  ASSIGN_OR_RETURN(ListeningSocket socket, listen_on(address));
  return std::unique_ptr<Listener>(
      std::make_unique<TcpListener>(reactor_, counters_, metrics_, std::move(socket)));
}

Task<Result<std::unique_ptr<Stream>>> TcpNetwork::connect_stream(std::string address,
                                                                 CancelToken token) {
  Task<Result<Fd>> connecting =
      connect_to(&reactor_, &helpers_, address, token, reactor_.now() + kDialTimeout);
  CO_ASSIGN_OR_RETURN(Fd fd, co_await connecting);
  std::unique_ptr<Stream> stream =
      std::make_unique<TcpStream>(reactor_, counters_, std::move(fd), address);
  co_return std::move(stream);
}

}  // namespace quorate::runtime

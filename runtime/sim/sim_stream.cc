#include "runtime/sim/sim_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::runtime {
namespace {

// How long bytes are sent again over a cut link, and a connection is tried, before giving up.
constexpr Duration kGiveUp = std::chrono::seconds(30);
constexpr Duration kRetryMin = std::chrono::milliseconds(50);
constexpr Duration kRetryMax = std::chrono::milliseconds(200);

Status reset_by_peer() {
  return unavailable("connection reset by peer", sqlstate::kConnectionFailure);
}
Status stream_closed() { return unavailable("stream is closed", sqlstate::kConnectionFailure); }
Status timed_out() { return unavailable("connection timed out", sqlstate::kConnectionFailure); }

}  // namespace

// What is next on the pipe arrives at its time; what follows waits for it.
void SimNetwork::pump(std::shared_ptr<SimConnection> connection, int to) {
  auto& pipe = connection->pipe[to];
  if (pipe.pumping || pipe.wire.empty()) return;
  pipe.pumping = true;
  Instant when = pipe.wire.front().due;
  world_.at(when, [this, connection = std::move(connection), to]() mutable {
    deliver(std::move(connection), to);
  });
}

void SimNetwork::deliver(std::shared_ptr<SimConnection> connection, int to) {
  auto& c = *connection;
  auto& pipe = c.pipe[to];
  pipe.pumping = false;
  if (pipe.wire.empty()) return;
  const std::string& from_host = c.host[1 - to];
  const std::string& to_host = c.host[to];
  Instant clogged_until = link({from_host, to_host}).clogged_until;
  bool up = endpoint_of_host(to_host) != nullptr;
  if (!up || !connected(from_host, to_host) || clogged_until > world_.now()) {
    if (pipe.stalled_since == Instant::never()) pipe.stalled_since = world_.now();
    if (world_.now() - pipe.stalled_since > kGiveUp) {
      pipe.wire.clear();
      reset(c, 1 - to, timed_out());
      return;
    }
    Duration again(random_.between(kRetryMin.count(), kRetryMax.count()));
    pipe.wire.front().due = world_.now() + again;
    pump(std::move(connection), to);
    return;
  }
  pipe.stalled_since = Instant::never();
  auto segment = std::move(pipe.wire.front());
  pipe.wire.pop_front();
  world_.mix(static_cast<uint64_t>(segment.kind));
  world_.mix(segment.data);
  SimStream* stream = c.side[to];
  switch (segment.kind) {
    case SimConnection::Kind::kReset:
      reset(c, to, reset_by_peer());
      break;
    case SimConnection::Kind::kEnd:
      if (stream != nullptr) stream->ended();
      break;
    case SimConnection::Kind::kData:
      if (stream != nullptr && !stream->closed_) {
        stream->arrived(std::move(segment.data));
      } else {
        // The host knows no such connection (any more).
        auto& back = c.pipe[1 - to];
        back.wire.clear();
        back.wire.push_back({SimConnection::Kind::kReset, {}, world_.now() + defaults_.delay_min});
        pump(connection, 1 - to);
      }
      break;
  }
  pump(std::move(connection), to);
}

void SimNetwork::reset(SimConnection& connection, int side, const Status& why) {
  if (connection.side[side] != nullptr) connection.side[side]->broken(why);
}

void SimNetwork::break_streams(const std::string& a, const std::string& b) {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  for (auto& weak : connections_) {
    auto c = weak.lock();
    bool between = (c->host[0] == a && c->host[1] == b) || (c->host[0] == b && c->host[1] == a);
    if (!between) continue;
    for (int side : {0, 1}) {
      c->pipe[side].wire.clear();
      reset(*c, side, reset_by_peer());
    }
  }
}

SimStream::SimStream(SimEndpoint& endpoint, std::shared_ptr<SimConnection> connection, int side,
                     uint64_t number)
    : endpoint_(endpoint),
      network_(endpoint.network_),
      connection_(std::move(connection)),
      side_(side),
      number_(number),
      readers_(endpoint.executor_),
      writers_(endpoint.executor_) {
  connection_->side[side] = this;
}

SimStream::~SimStream() {
  if (dead_) return;
  close();
  connection_->side[side_] = nullptr;
  endpoint_.streams_.erase(number_);
}

void SimStream::put_on_wire(SimConnection::Kind kind, Bytes data) {
  auto& pipe = connection_->pipe[1 - side_];
  Instant due =
      network_.draw_arrival({connection_->host[side_], connection_->host[1 - side_]}, data.size());
  due = pipe.last = std::max(due, pipe.last);
  pipe.wire.push_back({kind, std::move(data), due});
  network_.pump(connection_, 1 - side_);
}

Task<Status> SimStream::read(Bytes& into, size_t limit, CancelToken token) {
  CHECK(limit > 0);
  Bytes* out = &into;
  while (received_.empty()) {
    if (closed_) co_return stream_closed();
    if (!broken_.ok()) co_return broken_;
    if (peer_ended_) co_return not_found("end of stream");
    Status s = co_await readers_.wait(token);
    if (!s.ok()) co_return s;
  }
  // As sockets do: fewer bytes than have arrived, now and then.
  size_t n = std::min(limit, received_.size());
  if (n > 1 && network_.random_.chance(0.05)) n = 1 + network_.random_.below(n);
  out->append(received_, 0, n);
  received_.erase(0, n);
  auto connection = connection_;
  network_.world_.after(network_.defaults_.delay_min, [connection, to = 1 - side_, n] {
    if (connection->side[to] != nullptr) connection->side[to]->credit(n);
  });
  co_return Status();
}

Task<Status> SimStream::write(BytesView bytes, CancelToken token) {
  while (!bytes.empty()) {
    if (closed_) co_return stream_closed();
    if (!broken_.ok()) co_return broken_;
    size_t room = kWindowBytes - outstanding_;
    if (room == 0) {
      Status s = co_await writers_.wait(token);
      if (!s.ok()) co_return s;
      continue;
    }
    size_t n = std::min(room, bytes.size());
    outstanding_ += n;
    put_on_wire(SimConnection::Kind::kData, Bytes(bytes.substr(0, n)));
    bytes.remove_prefix(n);
  }
  co_return Status();
}

void SimStream::close() {
  if (closed_ || dead_) return;
  closed_ = true;
  received_.clear();
  if (broken_.ok()) put_on_wire(SimConnection::Kind::kEnd, {});
  readers_.wake_all();
  writers_.wake_all();
}

void SimStream::die(bool orderly) {
  if (dead_) return;
  if (orderly && broken_.ok() && !closed_) put_on_wire(SimConnection::Kind::kReset, {});
  dead_ = true;
  connection_->side[side_] = nullptr;
}

void SimStream::arrived(Bytes data) {
  received_ += data;
  readers_.wake_all();
}

void SimStream::ended() {
  peer_ended_ = true;
  readers_.wake_all();
}

void SimStream::broken(const Status& why) {
  if (!broken_.ok()) return;
  broken_ = why;
  readers_.wake_all();
  writers_.wake_all();
}

void SimStream::credit(size_t bytes) {
  CHECK(outstanding_ >= bytes);
  outstanding_ -= bytes;
  writers_.wake_all();
}

SimListener::SimListener(SimEndpoint& endpoint, std::string address, uint64_t number)
    : endpoint_(endpoint),
      network_(endpoint.network_),
      address_(std::move(address)),
      number_(number),
      acceptors_(endpoint.executor_) {}

SimListener::~SimListener() { close(); }

void SimListener::close() {
  if (closed_ || dead_) return;
  closed_ = true;
  network_.listeners_.erase(address_);
  endpoint_.listeners_.erase(number_);
  backlog_.clear();
  acceptors_.wake_all();
}

void SimListener::die() {
  if (dead_ || closed_) return;
  dead_ = true;
  network_.listeners_.erase(address_);
}

void SimListener::offer(std::unique_ptr<SimStream> stream) {
  backlog_.push_back(std::move(stream));
  acceptors_.wake_one();
}

Task<Result<std::unique_ptr<Stream>>> SimListener::accept(CancelToken token) {
  while (backlog_.empty()) {
    if (closed_) co_return stream_closed();
    Status s = co_await acceptors_.wait(token);
    if (!s.ok()) co_return s;
  }
  std::unique_ptr<Stream> stream = std::move(backlog_.front());
  backlog_.pop_front();
  co_return std::move(stream);
}

std::unique_ptr<SimStream> SimEndpoint::make_stream(std::shared_ptr<SimConnection> connection,
                                                    int side) {
  uint64_t number = next_number_++;
  auto stream = std::make_unique<SimStream>(*this, std::move(connection), side, number);
  streams_.emplace(number, stream.get());
  return stream;
}

Result<std::unique_ptr<Listener>> SimEndpoint::listen_stream(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos) return invalid_argument("address without a port: " + address);
  std::string port = address.substr(colon + 1);
  if (port == "0") port = std::to_string(network_.next_port_++);
  std::string own = host_ + ":" + port;
  if (network_.listeners_.contains(own)) {
    return failed_precondition(fmt::format("could not bind {}: Address already in use", own));
  }
  uint64_t number = next_number_++;
  auto listener = std::make_unique<SimListener>(*this, own, number);
  network_.listeners_.emplace(own, listener.get());
  listeners_.emplace(number, listener.get());
  return std::unique_ptr<Listener>(std::move(listener));
}

Task<Result<std::unique_ptr<Stream>>> SimEndpoint::connect_stream(std::string address,
                                                                  CancelToken token) {
  std::string target = sim_host_of(address);
  Instant give_up = executor_.now() + kGiveUp;
  while (true) {
    Duration delay = network_.draw_delay(network_.faults({host_, target}));
    CO_RETURN_IF_ERROR(co_await sleep_for(executor_, delay, token));
    // Both ways: the handshake needs an answer.
    if (network_.connected(host_, target) && network_.connected(target, host_) &&
        network_.endpoint_of_host(target) != nullptr) {
      break;
    }
    if (executor_.now() >= give_up) co_return timed_out();
    Duration again(network_.random_.between(kRetryMin.count(), kRetryMax.count()));
    CO_RETURN_IF_ERROR(co_await sleep_for(executor_, again, token));
  }
  auto found = network_.listeners_.find(address);
  bool accepted = found != network_.listeners_.end() && !found->second->full();
  std::unique_ptr<SimStream> stream;
  if (accepted) {
    auto connection = std::make_shared<SimConnection>();
    connection->host[0] = host_;
    connection->host[1] = target;
    connection->address[0] = fmt::format("{}:{}", host_, network_.next_port_++);
    connection->address[1] = address;
    network_.connections_.push_back(connection);
    if (network_.connections_.size() % 1024 == 0) {
      std::erase_if(network_.connections_, [](const auto& weak) { return weak.expired(); });
    }
    stream = make_stream(connection, 0);
    found->second->offer(found->second->endpoint().make_stream(connection, 1));
  }
  Duration back = network_.draw_delay(network_.faults({target, host_}));
  CO_RETURN_IF_ERROR(co_await sleep_for(executor_, back, token));
  if (!accepted) {
    co_return unavailable("connection refused: " + address, sqlstate::kConnectionFailure);
  }
  std::unique_ptr<Stream> result = std::move(stream);
  co_return std::move(result);
}

}  // namespace quorate::runtime

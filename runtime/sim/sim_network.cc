#include "runtime/sim/sim_network.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crc32c.h"
#include "base/limits.h"
#include "runtime/sim/sim_stream.h"

namespace quorate::runtime {

std::string sim_host_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

SimNetwork::SimNetwork(SimWorld& world) : world_(world), random_(world.fork_random("network")) {}

SimNetwork::~SimNetwork() { CHECK(by_host_.empty()); }

void SimNetwork::set_link(const std::string& from, const std::string& to, SimLinkFaults faults) {
  link_faults_[{from, to}] = faults;
}

void SimNetwork::cut(const std::string& from, const std::string& to) {
  world_.line(fmt::format("cut {} -> {}", from, to));
  cuts_.insert({from, to});
  if (auto* o = world_.observer()) o->on_cut(from, to);
}

void SimNetwork::heal(const std::string& from, const std::string& to) {
  world_.line(fmt::format("heal {} -> {}", from, to));
  cuts_.erase({from, to});
  if (auto* o = world_.observer()) o->on_mend(from, to);
}

void SimNetwork::partition(const std::vector<std::string>& left,
                           const std::vector<std::string>& right) {
  for (const auto& a : left) {
    for (const auto& b : right) {
      cut(a, b);
      cut(b, a);
    }
  }
}

void SimNetwork::isolate(const std::string& host) {
  world_.line(fmt::format("isolate {}", host));
  isolated_.insert(host);
  if (auto* o = world_.observer()) o->on_isolate(host);
}

void SimNetwork::clog(const std::string& from, const std::string& to, Duration d) {
  world_.line(fmt::format("clog {} -> {} for {} ns", from, to, d.count()));
  Link& l = link({from, to});
  l.clogged_until = std::max(l.clogged_until, world_.now() + d);
  if (auto* o = world_.observer()) o->on_clog(from, to, d);
}

void SimNetwork::heal_all() {
  world_.line("heal all");
  cuts_.clear();
  isolated_.clear();
  if (auto* o = world_.observer()) o->on_mend_all();
  for (auto& [hosts, link] : links_) link.clogged_until = Instant();
}

bool SimNetwork::connected(const std::string& from, const std::string& to) const {
  if (from == to) return true;
  return !isolated_.contains(from) && !isolated_.contains(to) && !cuts_.contains({from, to});
}

const SimLinkFaults& SimNetwork::faults(const HostPair& hosts) const {
  auto found = link_faults_.find(hosts);
  return found == link_faults_.end() ? defaults_ : found->second;
}

SimEndpoint* SimNetwork::endpoint_of_host(const std::string& host) {
  auto found = by_host_.find(host);
  return found == by_host_.end() ? nullptr : found->second;
}

Instant SimNetwork::draw_arrival(const HostPair& hosts, size_t bytes) {
  const SimLinkFaults& f = faults(hosts);
  Link& l = link(hosts);
  Instant leaves = world_.now();
  if (f.bytes_per_second > 0) {
    Duration takes(bytes * uint64_t{1'000'000'000} / f.bytes_per_second);
    l.busy_until = std::max(l.busy_until, leaves) + takes;
    leaves = l.busy_until;
  }
  return leaves + draw_delay(f);
}

bool SimNetwork::send(std::string from, std::string to, Channel channel, Bytes payload) {
  HostPair hosts{sim_host_of(from), sim_host_of(to)};
  const SimLinkFaults& f = faults(hosts);
  Link& l = link(hosts);
  ++sent_;
  world_.mix(sent_ << 8 | static_cast<uint64_t>(channel));
  world_.mix(payload);
  bool own = hosts.first == hosts.second;
  SimObserver* o = own ? nullptr : world_.observer();
  const uint64_t told =
      o == nullptr ? 0 : o->on_send({hosts.first, hosts.second, channel, payload});
  if (l.queued_bytes + payload.size() > limits::kPeerQueueBytesMax) {
    tell(told, SimObserver::Fate::kQueueFull);
    return false;
  }
  if (!own && !connected(hosts.first, hosts.second)) {
    tell(told, SimObserver::Fate::kCut);
    return true;
  }
  if (!own && random_.chance(f.loss)) {
    tell(told, SimObserver::Fate::kLost);
    return true;
  }
  auto message = std::make_shared<Message>(
      Message{std::move(from), std::move(to), channel, std::move(payload), &l, told});
  Instant when = draw_arrival(hosts, message->payload.size());
  if (!own && random_.chance(f.reorder)) {
    when = when + Duration(random_.between(0, f.reorder_max.count()));
    if (o != nullptr) o->on_late(told);
  } else {
    when = l.last = std::max(when, l.last);
  }
  if (!own && random_.chance(f.duplicate)) {
    Duration later(random_.between(0, f.reorder_max.count()));
    auto copy = std::make_shared<Message>(*message);
    if (o != nullptr)
      copy->told = o->on_send({hosts.first, hosts.second, channel, copy->payload, true});
    schedule(std::move(copy), when + later);
  }
  schedule(std::move(message), when);
  return true;
}

void SimNetwork::schedule(std::shared_ptr<Message> message, Instant when) {
  message->link->queued_bytes += message->payload.size();
  world_.at(when, [this, message = std::move(message)]() mutable { arrive(std::move(message)); });
}

void SimNetwork::tell(uint64_t told, SimObserver::Fate fate) {
  if (SimObserver* o = world_.observer(); o != nullptr && told != 0) o->on_fate(told, fate);
}

void SimNetwork::arrive(std::shared_ptr<Message> message) {
  Link& l = *message->link;
  // Events of one time run in the order of their making, so a clogged link keeps its order.
  if (l.clogged_until > world_.now()) {
    if (auto* o = world_.observer(); o != nullptr && message->told != 0) o->on_late(message->told);
    world_.at(l.clogged_until,
              [this, message = std::move(message)]() mutable { arrive(std::move(message)); });
    return;
  }
  auto found = by_address_.find(message->to);
  if (found == by_address_.end() ||
      !connected(sim_host_of(message->from), sim_host_of(message->to))) {
    l.queued_bytes -= message->payload.size();
    tell(message->told,
         found == by_address_.end() ? SimObserver::Fate::kNobody : SimObserver::Fate::kCut);
    if (found == by_address_.end()) refuse(std::move(message->from), std::move(message->to));
    return;
  }
  ++delivered_;
  world_.mix(delivered_);
  tell(message->told, SimObserver::Fate::kDelivered);
  found->second->arrived(
      {std::move(message->from), message->channel, std::move(message->payload), message->link});
}

void SimNetwork::refuse(std::string from, std::string to) {
  const HostPair back{sim_host_of(to), sim_host_of(from)};
  if (!refusing_.contains(back.first) || !connected(back.first, back.second) ||
      !connected(back.second, back.first)) {
    return;
  }
  const Instant when = world_.now() + draw_delay(faults(back));
  world_.at(when, [this, from = std::move(from), to = std::move(to)] {
    auto found = by_address_.find(from);
    if (found != by_address_.end()) found->second->refused_by(to);
  });
}

SimEndpoint::SimEndpoint(SimNetwork& network, std::string host, SimExecutor& executor,
                         Metrics& metrics)
    : network_(network),
      host_(std::move(host)),
      executor_(executor),
      dropped_(metrics.counter("quorate_network_frames_dropped_total",
                               "Frames dropped because a peer's queue was full")) {
  CHECK_MSG(network_.by_host_.emplace(host_, this).second, "the host is up already");
  network_.refusing_.erase(host_);
}

void SimEndpoint::detach(bool orderly) {
  if (!attached_) return;
  attached_ = false;
  network_.by_host_.erase(host_);
  if (orderly) network_.refusing_.insert(host_);
  std::erase_if(network_.by_address_, [this](const auto& e) { return e.second == this; });
  for (auto& message : inbox_) message.link->queued_bytes -= message.payload.size();
  inbox_.clear();
  for (auto& [number, listener] : listeners_) listener->die();
  listeners_.clear();
  auto streams = std::move(streams_);
  streams_.clear();
  for (auto& [number, stream] : streams) stream->die(orderly);
}

Status SimEndpoint::listen(const std::string& address, const std::string& advertised) {
  std::string reach = advertised.empty() ? address : advertised;
  if (sim_host_of(reach) != host_) {
    return invalid_argument(fmt::format("{} is not an address of host {}", reach, host_));
  }
  if (!network_.by_address_.emplace(reach, this).second) {
    return failed_precondition(fmt::format("could not bind {}: Address already in use", reach));
  }
  advertised_ = reach;
  return Status();
}

PeerId SimEndpoint::peer(const std::string& address) {
  auto [at, fresh] = peer_ids_.emplace(address, 0);
  if (fresh) {
    peer_addresses_.push_back(address);
    at->second = static_cast<PeerId>(peer_addresses_.size());
  }
  return at->second;
}

std::string SimEndpoint::address(PeerId peer) const {
  CHECK(peer >= 1 && peer <= peer_addresses_.size());
  return peer_addresses_[peer - 1];
}

void SimEndpoint::send(PeerId to, Channel channel, Bytes payload) {
  if (!attached_) return;
  CHECK_MSG(!advertised_.empty(), "send() before listen()");
  CHECK(payload.size() <= limits::kFrameBytesMax);
  if (!network_.send(advertised_, address(to), channel, std::move(payload))) dropped_.add();
}

void SimEndpoint::receive(Channel channel, MessageHandler handler) {
  CHECK(static_cast<size_t>(channel) < kChannels);
  handlers_[static_cast<size_t>(channel)] = std::move(handler);
}

// The executor runs ready work in any order, messages keep theirs: each step takes the oldest.
void SimEndpoint::arrived(Arrived message) {
  inbox_.push_back(std::move(message));
  executor_.post([this] { handle_one(); });
}

void SimEndpoint::handle_one() {
  if (inbox_.empty()) return;
  Arrived message = std::move(inbox_.front());
  inbox_.pop_front();
  message.link->queued_bytes -= message.payload.size();
  PeerId from = peer(message.from);
  if (const auto& handler = handlers_[static_cast<size_t>(message.channel)]) {
    handler(from, message.payload);
  }
}

void SimEndpoint::refused_by(const std::string& address) {
  executor_.post([this, to = peer(address)] {
    if (attached_ && loss_handler_) loss_handler_(to, true);
  });
}

}  // namespace quorate::runtime

// The wires between simulated hosts, and what goes wrong on them.
//
// A host is a machine's name; an address is "host:port". Faults are set for an ordered pair of
// hosts, so a partition may be one-way. Messages obey runtime/network.h at its weakest: lost,
// duplicated, late, and reordered where the link says so. Streams obey TCP: in order, nothing
// missing, or broken; a cut link delays their bytes until it heals or until both sides give up.
// A host that lost its power says nothing to its peers (half-open connections); one whose process
// was killed resets them.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "runtime/network.h"
#include "runtime/sim/sim_executor.h"
#include "runtime/sim/sim_observer.h"

namespace quorate::runtime {

class SimEndpoint;
class SimListener;
class SimStream;
struct SimConnection;

struct SimLinkFaults {
  Duration delay_min{50'000}, delay_max{300'000};
  double loss = 0;       // messages only
  double duplicate = 0;  // messages only
  double reorder = 0;    // messages only: this one lags by up to reorder_max
  Duration reorder_max{20'000'000};
  uint64_t bytes_per_second = 0;  // 0: no limit
};

class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world);
  ~SimNetwork();

  // Faults, for tests and the nemesis. Hosts need not exist yet.
  SimLinkFaults& defaults() { return defaults_; }  // of links without settings of their own
  void set_link(const std::string& from, const std::string& to, SimLinkFaults faults);
  void reset_links() { link_faults_.clear(); }
  void cut(const std::string& from, const std::string& to);  // that direction only
  void heal(const std::string& from, const std::string& to);
  void partition(const std::vector<std::string>& left, const std::vector<std::string>& right);
  void isolate(const std::string& host);  // from all others, both ways
  // Nothing gets through until then, and then all of it, in order.
  void clog(const std::string& from, const std::string& to, Duration d);
  // Undoes cuts, isolation and clogs.
  void heal_all();
  bool connected(const std::string& from, const std::string& to) const;
  // Resets the streams between the two hosts.
  void break_streams(const std::string& a, const std::string& b);

  uint64_t messages_sent() const { return sent_; }
  uint64_t messages_delivered() const { return delivered_; }
  SimWorld& world() { return world_; }

 private:
  friend class SimEndpoint;
  friend class SimListener;
  friend class SimStream;
  struct Link {
    Instant last;        // the latest delivery that later messages must not overtake
    Instant busy_until;  // bandwidth
    Instant clogged_until;
    uint64_t queued_bytes = 0;
  };
  struct Message {
    std::string from, to;  // addresses
    Channel channel;
    Bytes payload;
    Link* link;
    uint64_t told = 0;  // the observer's number
  };
  using HostPair = std::pair<std::string, std::string>;
  const SimLinkFaults& faults(const HostPair& hosts) const;
  Link& link(const HostPair& hosts) { return links_[hosts]; }
  Duration draw_delay(const SimLinkFaults& faults) {
    return Duration(random_.between(faults.delay_min.count(), faults.delay_max.count()));
  }
  // When `bytes` more, sent now over the pair's link, arrive.
  Instant draw_arrival(const HostPair& hosts, size_t bytes);
  bool send(std::string from, std::string to, Channel channel, Bytes payload);
  void schedule(std::shared_ptr<Message> message, Instant when);
  void tell(uint64_t told, SimObserver::Fate fate);
  void arrive(std::shared_ptr<Message> message);
  // The kernel of a machine whose process was killed turns the sender away.
  void refuse(std::string from, std::string to);
  SimEndpoint* endpoint_of_host(const std::string& host);

  // Streams.
  void pump(std::shared_ptr<SimConnection> connection, int to);
  void deliver(std::shared_ptr<SimConnection> connection, int to);
  void reset(SimConnection& connection, int side, const Status& why);

  SimWorld& world_;
  Random random_;
  SimLinkFaults defaults_;
  std::map<HostPair, SimLinkFaults> link_faults_;
  std::set<HostPair> cuts_;
  std::set<std::string> isolated_;
  std::set<std::string> refusing_;  // hosts without a process whose kernel lives
  std::map<HostPair, Link> links_;
  std::map<std::string, SimEndpoint*> by_host_;     // the incarnation that is up
  std::map<std::string, SimEndpoint*> by_address_;  // who takes messages there
  std::map<std::string, SimListener*> listeners_;   // who takes streams there
  std::vector<std::weak_ptr<SimConnection>> connections_;
  uint16_t next_port_ = 40'000;
  uint64_t sent_ = 0, delivered_ = 0;
};

std::string sim_host_of(const std::string& address);

// One incarnation's Network.
class SimEndpoint : public Network {
 public:
  SimEndpoint(SimNetwork& network, std::string host, SimExecutor& executor, Metrics& metrics);
  ~SimEndpoint() override { detach(true); }

  Status listen(const std::string& address, const std::string& advertised) override;
  PeerId peer(const std::string& address) override;
  std::string address(PeerId peer) const override;
  void send(PeerId to, Channel channel, Bytes payload) override;
  void receive(Channel channel, MessageHandler handler) override;
  void on_loss(LossHandler handler) override { loss_handler_ = std::move(handler); }
  Result<std::unique_ptr<Listener>> listen_stream(const std::string& address) override;
  Task<Result<std::unique_ptr<Stream>>> connect_stream(std::string address,
                                                       CancelToken token) override;

  // The incarnation is over: nothing arrives or leaves any more. `orderly`: the host's kernel lives
  // on and resets its streams.
  void detach(bool orderly);

 private:
  friend class SimNetwork;
  friend class SimStream;
  friend class SimListener;
  struct Arrived {
    std::string from;
    Channel channel;
    Bytes payload;
    SimNetwork::Link* link;
  };
  void arrived(Arrived message);
  void handle_one();
  void refused_by(const std::string& address);
  std::unique_ptr<SimStream> make_stream(std::shared_ptr<SimConnection> connection, int side);

  SimNetwork& network_;
  const std::string host_;
  SimExecutor& executor_;
  bool attached_ = true;
  std::string advertised_;
  std::map<std::string, PeerId> peer_ids_;
  std::vector<std::string> peer_addresses_;
  MessageHandler handlers_[kChannels];
  LossHandler loss_handler_;
  std::deque<Arrived> inbox_;               // bounded by its links' queued_bytes
  std::map<uint64_t, SimStream*> streams_;  // alive, by number
  std::map<uint64_t, SimListener*> listeners_;
  uint64_t next_number_ = 1;
  Counter& dropped_;
};

}  // namespace quorate::runtime

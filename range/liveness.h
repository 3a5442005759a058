// Store liveness: stores promise each other support until a time, and leases rest on it (design §6,
// safety groups 1 and 8). Cost grows with pairs of stores, not with ranges.
//
//   asker                                   supporter
//     | -- ask(epoch e, until T) ------------> |  logs "supports e until T", syncs
//     | <------------ granted(e, T) ---------- |  and answers only then
//     |   leads its ranges until T             |  withdraws e for ever when its own clock passes T
//     | <------------ closed(e) -------------- |  a later ask with e is told so, and comes back
//     with e+1
//
// The asker's epoch towards a supporter is higher after each restart and after each withdrawal,
// never reused. The same log keeps an upper bound of this store's clock (safety: restart-clock). On
// the store's executor.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "base/planted.h"
#include "raft/core/support.h"
#include "runtime/env.h"
#include "runtime/hlc.h"
#include "runtime/task.h"
#include "storage/log_store.h"

namespace quorate::range {

class Liveness {
 public:
  struct Options {
    StoreId store;
    runtime::Duration support = std::chrono::milliseconds(2000);  // asked for at a time
    runtime::Duration renew = std::chrono::milliseconds(500);
    runtime::Duration step = std::chrono::milliseconds(100);  // how finely lapses are noticed
    runtime::Duration clock_horizon = std::chrono::milliseconds(1000);
    PlantedBugs planted;
  };
  using Send = std::function<void(StoreId to, Bytes frame)>;

  Liveness(runtime::Env& env, storage::LogStore& log, runtime::Hlc& clock, Options options,
           Send send);

  // Raises the epoch, takes the durable promises back into force, and waits until the physical
  // clock has reached the durable bound: at most the horizon. Before any group starts.
  runtime::Task<Status> start();
  void set_peers(std::set<StoreId> peers);
  void receive(BytesView frame);
  // Called when an epoch began or ended, or support for us lapsed: quiet groups must look again.
  std::function<void()> on_change;
  // A peer remembers a later life of this store than this one: the store must stop.
  std::function<void(Status)> on_outdated;

  const raft::SupportView& view() const { return view_; }
  StoreEpoch epoch() const { return epoch_; }  // of this life of the store
  // False when the log could not extend the clock's bound in time: nothing may be served.
  bool clock_within_bound() const { return clock_.peek() < clock_bound_; }
  // What `peer` promised us: for quorate.nodes.
  Timestamp supported_until(StoreId peer) const { return view_.support_from(peer).until; }
  bool supports(StoreId peer) const;
  std::optional<StoreEpoch> supported_epoch(StoreId peer) const;  // that we support now
  // What we promised `peer`, zero where it is withdrawn: for checkers.
  Timestamp promised_to(StoreId peer) const;

 private:
  struct Promise {
    StoreEpoch epoch;
    Timestamp until;
    bool withdrawn = false;
    template <class A>
    void serialize(A& a) {
      a(epoch, until, withdrawn);
    }
  };
  struct Frame;
  runtime::Task<void> loop();
  runtime::Task<void> renew();
  runtime::Task<void> withdraw_expired();
  runtime::Task<void> grant(StoreId from, StoreEpoch epoch, Timestamp until);
  static Status outdated();
  runtime::Task<void> give_up();
  void ask(StoreId peer);
  void notice_lapses();
  void stage_clock_bound();
  void stage_promise(StoreId peer, const Promise& promise);

  runtime::Env& env_;
  storage::LogStore& log_;
  runtime::Hlc& clock_;
  const Options options_;
  Send send_;
  raft::SupportView view_;
  StoreEpoch epoch_;
  Timestamp clock_bound_;  // durable
  Timestamp clock_bound_staged_;
  std::set<StoreId> peers_;
  std::map<StoreId, Promise> promises_;       // ours to others; as durable or being made so
  std::map<StoreId, StoreEpoch> asked_with_;  // our epoch towards each supporter
  std::set<StoreId> lapsed_;
  runtime::TaskScope scope_;
};

}  // namespace quorate::range

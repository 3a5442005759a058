// What happened in one run, as a person would tell it: messages and their fates, faults, nodes that
// go and come, leaders and leases, splits, clients' transactions with their statements.
//
// It looks on and changes nothing: a run with a log has the trace hash of the run without one.
// Where nobody listens there is no log, and every hook is a test of a null pointer. It is bounded:
// of each kind of event the last ones are kept and the others counted (`left_out`).
//
// Times are microseconds of virtual time. Hosts are numbers: nodes from 0 on, then those that are
// no part of the cluster. An end of kOpen means that it had not ended when the run did.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "runtime/sim/sim_observer.h"
#include "runtime/sim/sim_world.h"
#include "sim/timeline/frame_summary.h"

namespace quorate::sim {

// The last `most` of them.
template <class T>
class Kept {
 public:
  explicit Kept(size_t most) : most_(most) {}
  // The number by which find() knows it.
  uint64_t add(T item) {
    if (items_.size() >= most_) {
      items_.pop_front();
      ++left_out_;
    }
    items_.push_back(std::move(item));
    return left_out_ + items_.size();
  }
  // Null where it was left out.
  T* find(uint64_t number) {
    if (number <= left_out_ || number > left_out_ + items_.size()) return nullptr;
    return &items_[number - left_out_ - 1];
  }
  const std::deque<T>& items() const { return items_; }
  std::deque<T>& items() { return items_; }
  uint64_t left_out() const { return left_out_; }

 private:
  const size_t most_;
  std::deque<T> items_;
  uint64_t left_out_ = 0;
};

class EventLog : public runtime::SimObserver {
 public:
  static constexpr int64_t kOpen = -1;

  struct Limits {
    size_t messages = 40'000, marks = 20'000, spans = 20'000, transactions = 12'000;
    size_t steps = 40;        // of a transaction
    size_t text_bytes = 400;  // of a step or an outcome
  };

  struct MessageSeen {
    int64_t sent = 0, ended = kOpen;
    uint8_t from = 0, to = 0;
    bool duplicate = false, late = false;
    int fate = -1;  // of SimObserver::Fate; -1: on its way
    FrameSummary what;
  };
  enum class SpanKind : uint8_t { kUp, kPaused, kCut, kClogged, kFault, kLease, kLeads };
  struct Span {
    SpanKind kind;
    int64_t begin = 0, end = kOpen;
    int from = -1, to = -1;  // hosts; `to` of links only
    uint64_t range = 0, term = 0;
    std::string text;
  };
  enum class MarkKind : uint8_t {
    kFault,
    kCampaign,
    kElected,
    kTerm,
    kSplit,
    kMembers,
    kCheckpoint,
    kClock,
    kCrash,
    kPhase
  };
  struct Mark {
    MarkKind kind;
    int64_t at = 0;
    int host = -1;
    uint64_t range = 0, term = 0;
    std::string text;
  };
  // kDied: the client went with its node. kUnknown: its outcome can't be known (40003).
  enum class Fate : uint8_t { kOpen, kCommitted, kFailed, kUnknown, kDied };
  struct Step {
    int64_t begin = 0, end = kOpen;
    std::string text, outcome;
  };
  struct Transaction {
    int64_t begin = 0, end = kOpen;
    int host = 0;
    std::string label;  // unique where an anomaly names it
    Fate fate = Fate::kOpen;
    std::string outcome;
    bool wrong = false;  // its answer is the violation
    std::vector<Step> steps;
    uint64_t steps_left_out = 0;
  };
  // What is wrong, as edges between transactions' labels: a cycle where they form one.
  struct Edge {
    std::string from, to;
    std::string kind;  // wr, ww, rw, or rt: real time
    std::string why;
  };

  EventLog() : EventLog(Limits()) {}
  explicit EventLog(Limits limits);

  // Looks at `world` from now on; `hosts` are the nodes. close() before the world goes.
  void open(runtime::SimWorld& world, const std::vector<std::string>& hosts);
  // Ends what is open, and takes itself away from the world.
  void close();
  int64_t now() const;
  int host(const std::string& name);
  const std::vector<std::string>& hosts() const { return hosts_; }
  size_t nodes() const { return nodes_; }

  void mark(Mark mark);  // at now()
  uint64_t begin_span(Span span);
  void end_span(uint64_t number);
  void end_faults();  // the spans of kFault that are open

  uint64_t begin_transaction(int host, std::string label);
  void begin_step(uint64_t transaction, std::string text);
  void end_step(uint64_t transaction, std::string outcome);
  void end_transaction(uint64_t transaction, Fate fate, std::string outcome);
  void mark_wrong(uint64_t transaction);
  void set_anomaly(std::vector<Edge> edges) { anomaly_ = std::move(edges); }

  const Kept<MessageSeen>& messages() const { return messages_; }
  const Kept<Mark>& marks() const { return marks_; }
  const Kept<Span>& spans() const { return spans_; }
  const Kept<Transaction>& transactions() const { return transactions_; }
  const std::vector<Edge>& anomaly() const { return anomaly_; }

  // Called when a CHECK fails, with everything up to then in the log.
  std::function<void()> on_check;

  // runtime::SimObserver
  uint64_t on_send(const Sent& message) override;
  void on_late(uint64_t message) override;
  void on_fate(uint64_t message, SimObserver::Fate fate) override;
  void on_cut(const std::string& from, const std::string& to) override;
  void on_mend(const std::string& from, const std::string& to) override;
  void on_isolate(const std::string& host) override;
  void on_mend_all() override;
  void on_clog(const std::string& from, const std::string& to, runtime::Duration d) override;
  void on_start(const std::string& host) override;
  void on_crash(const std::string& host, bool power) override;
  void on_pause(const std::string& host, bool paused) override;
  void on_clock(const std::string& host, int64_t offset_micros) override;
  void on_failed_check() override;

 private:
  using Link = std::pair<std::string, std::string>;
  void end_of_host(std::map<int, uint64_t>& spans, int host);

  const Limits limits_;
  runtime::SimWorld* world_ = nullptr;
  int64_t ended_ = 0;
  std::vector<std::string> hosts_;
  std::map<std::string, int> host_numbers_;
  size_t nodes_ = 0;
  FrameReader reader_;
  Kept<MessageSeen> messages_;
  Kept<Mark> marks_;
  Kept<Span> spans_;
  Kept<Transaction> transactions_;
  std::map<int, uint64_t> up_, paused_;  // the open spans
  std::map<Link, uint64_t> cut_;
  std::map<int, int64_t> clocks_;
  std::vector<uint64_t> open_transactions_;
  std::vector<Edge> anomaly_;
};

// One transaction's place in a log; does nothing where there is none. Texts are made by functions
// so that they cost nothing then.
class Trail {
 public:
  Trail() = default;
  Trail(EventLog* log, uint64_t number) : log_(log), number_(number) {}
  explicit operator bool() const { return log_ != nullptr; }
  template <class F>
  void step(F&& text) const {
    if (log_ != nullptr) log_->begin_step(number_, text());
  }
  template <class F>
  void done(F&& outcome) const {
    if (log_ != nullptr) log_->end_step(number_, outcome());
  }
  void end(const Status& outcome) const;
  void wrong() const {
    if (log_ != nullptr) log_->mark_wrong(number_);
  }

 private:
  EventLog* log_ = nullptr;
  uint64_t number_ = 0;
};

}  // namespace quorate::sim

// How many transaction blocks of a node run beside each other while they undo each other's work.
//
// On hot keys most of what many concurrent transactions read is changed before they commit, and
// whatever proves them serializable can only refuse them: their work is thrown away and done again.
// Fewer at a time finish more. So a block begins by coming through here:
//
//     enter() ──► no limit, or room below it ──► runs ──► committed / refused with 40001
//        └──► waits its turn, at most kAdmissionWaitMax, then runs anyway
//
// There is no limit until more than kRefusedMany of the last blocks were refused. Then the limit
// goes down step by step, and each step must pay: where no more blocks commit in the same time than
// before (clients that think, a network that is slow: the node was not busy), it is taken back and
// not tried again for a while. When few are refused it goes up again and away.
//
// A block that has not begun a statement for kAdmissionIdle does not count: its client thinks. All
// on one executor; virtual time only, so that runs repeat.
#pragma once

#include <list>

#include "base/status.h"
#include "runtime/sync.h"

namespace quorate::txn {

class Admission {
 public:
  explicit Admission(runtime::Executor& executor) : executor_(executor) {}
  Admission(const Admission&) = delete;

  // A block that runs. Gives its place back when it is destroyed.
  class Ticket {
   public:
    Ticket() = default;
    ~Ticket() { release(); }
    Ticket(const Ticket&) = delete;
    bool admitted() const { return admission_ != nullptr; }
    // A statement begins.
    void touch();
    void release();

   private:
    friend class Admission;
    Admission* admission_ = nullptr;
    bool counted_ = false;
    runtime::Instant touched_;
    std::list<Ticket*>::iterator place_;
  };

  // Ok: admitted, and *waited tells whether that took time. Else the token's reason.
  runtime::Task<Status> enter(Ticket* ticket, runtime::CancelToken token, bool* waited);
  // How a block ended that had been admitted.
  void note_end(bool committed);

  size_t limit() const { return limit_; }  // 0: none
  size_t running() const { return running_.size(); }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    Waiter(Admission& a, Ticket* t) : admission(a), ticket(t), wake(a.executor_) {}
    ~Waiter();
    Admission& admission;
    Ticket* ticket;
    runtime::WaitList wake;
    bool queued = true;
    std::list<Waiter*>::iterator place;
  };
  bool full() const { return limit_ != 0 && running_.size() >= limit_; }
  void admit(Ticket* ticket);
  void drop_idle();
  void let_in();
  void judge(runtime::Instant now);
  void restart_window(runtime::Instant now, size_t skip);

  runtime::Executor& executor_;
  std::list<Ticket*> running_;  // those that count, by their last statement
  std::list<Waiter*> waiting_;
  size_t limit_ = 0;

  // What has ended since `window_start_`, after the first `skip_`, which began under another limit.
  runtime::Instant window_start_;
  size_t skip_ = 0, committed_ = 0, refused_ = 0, most_running_ = 0;
  bool somebody_waited_ = false;
  // The step down that the present window judges.
  bool trial_ = false;
  size_t before_limit_ = 0;
  double before_rate_ = 0;
  runtime::Instant hold_until_;
  runtime::Duration hold_{};
};

}  // namespace quorate::txn

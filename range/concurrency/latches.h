// Short exclusion between the batches of one range: from evaluation until what was evaluated is
// applied (design §8). Locks are long and belong to transactions; latches are short and belong to
// batches.
//
//     commit  [k]@9 ──────evaluated, raised to 12──────applied┐
//     read    k at 10   waits ..........goes                  │   (12 is above it)
//     read    k at 15   waits ................................goes
//
// A latch covers a key or a span. Two conflict when they overlap, belong to different batches and
// at least one writes; a read at R and a write at or above W > R do not, since the read can't see
// the write. Whoever comes later waits for every earlier one that it conflicts with, waiting ones
// included: first come, first served, and no deadlock, since all waiting goes backwards in time.
//
// One executor. Readers that find their span free (free_to_read) and evaluate without a wait need
// not hold anything. Bounded by the batches in flight.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "base/span.h"
#include "base/timestamp.h"
#include "runtime/sync.h"

namespace quorate::range {

enum class LatchMode : uint8_t { kRead = 0, kWrite = 1 };
// Rows (with their intents) and transaction records have key spaces of their own.
enum class LatchSpace : uint8_t { kRows = 0, kRecords = 1 };

struct Latch {
  LatchSpace space = LatchSpace::kRows;
  LatchMode mode = LatchMode::kRead;
  bool point = false;  // `start` alone; `end` is not used
  Bytes start, end;
  // Reads: what is read at. Writes: nothing is written below it.
  Timestamp ts;

  static Latch key(LatchSpace space, LatchMode mode, BytesView key, Timestamp ts) {
    return {space, mode, true, Bytes(key), {}, ts};
  }
  static Latch span(LatchSpace space, LatchMode mode, KeySpan span, Timestamp ts) {
    return {space, mode, false, std::move(span.start), std::move(span.end), ts};
  }
};

class Latches {
  struct Group;

 public:
  // A batch's latches, held or waited for. Destroying it lets them go, except while a proposal is
  // in flight (see keep_if_dropped).
  class Guard {
   public:
    Guard();
    Guard(Guard&&) noexcept;
    Guard& operator=(Guard&&) noexcept;
    ~Guard();
    bool valid() const { return group_ != nullptr; }
    bool granted() const;
    void release();
    // From now on, destroying the guard without release() leaves its latches in place until the
    // table itself goes: what was proposed may still be applied, so nobody may read around it.
    void keep_if_dropped();

   private:
    friend class Latches;
    explicit Guard(std::unique_ptr<Group> group);
    std::unique_ptr<Group> group_;
  };

  explicit Latches(runtime::Executor& executor);
  ~Latches();
  Latches(const Latches&) = delete;

  bool empty() const { return points_.empty() && spans_.empty(); }
  // No write latch, held or waited for, stands in the way of a read at `ts`.
  bool free_to_read(LatchSpace space, BytesView key, Timestamp ts) const;
  bool free_to_read(LatchSpace space, const KeySpan& span, Timestamp ts) const;

  // Queues for all of them at once; granted() tells whether they are held already.
  Guard enqueue(std::vector<Latch> latches);
  // Until they are held. On an error (the token's, kDeadlineExceeded, close()'s) the caller drops
  // the guard.
  runtime::Task<Status> wait(Guard& guard, runtime::CancelToken token, runtime::Instant deadline);
  // The batch is evaluated: it writes at `ts` and not below. Lets earlier reads pass.
  void raise(Guard& guard, Timestamp ts);
  // Ends every wait with `reason`.
  void close(Status reason);
  // "key a w@5 held" a line, in the order of arrival; for tests.
  std::string to_string() const;

 private:
  struct Entry {
    const Latch* latch;
    Group* group;
  };
  struct PointOrder {
    using is_transparent = void;
    struct Probe {
      LatchSpace space;
      BytesView key;
    };
    bool operator()(const Entry& a, const Entry& b) const;
    bool operator()(const Entry& a, const Probe& b) const;
    bool operator()(const Probe& a, const Entry& b) const;
  };
  template <class F>
  void for_overlapping(const Latch& latch, F&& f) const;
  void remove(Group& group);
  static void unblock(Group& waiter, Group& blocker);

  runtime::Executor& executor_;
  uint64_t next_sequence_ = 1;
  std::set<Entry, PointOrder> points_;
  std::vector<Entry> spans_;  // in the order of arrival
  std::vector<std::unique_ptr<Group>> kept_;
};

}  // namespace quorate::range

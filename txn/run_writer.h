// The coordinator's side of bulk writes (design §9): rows that a transaction does not buffer until
// COMMIT are piled up here, sorted where they did not come so, and sent to their ranges as runs of
// about a MiB, several beside each other.
//
//     add() ─► pile of (table, index) ─ full, or settle() ─► runs ─► LayRun to each range
//
// What was sent is the range's from then on: locked, and there over crashes, until the transaction
// ends. Its record is made before the first run is sent and kept alive by heartbeats; without the
// record's saying COMMITTED nothing of it is ever seen.
#pragma once

#include <map>

#include "range/eval/records.h"
#include "runtime/sync.h"
#include "storage/run_body.h"
#include "txn/txn_channel.h"
#include "txn/write_buffer.h"

namespace quorate::txn {

class RunWriter {
 public:
  explicit RunWriter(TxnChannel& channel) : channel_(channel) {}
  RunWriter(const RunWriter&) = delete;

  // Something may lie in a range, or a record be there.
  bool active() const { return begun_; }
  bool empty() const { return piled_ == 0; }
  // Whether it is time for send_full().
  bool full() const { return sorted_full_ || piled_ >= bytes_max(); }

  // Later rows of a key replace earlier ones, but where one must be absent.
  void add(const storage::RunRow& row);
  // Forgets what was not sent.
  void clear();
  bool sent_after(uint64_t sequence) const;

  // Sends what is full (all: everything), each run under `fixed` where it is not zero, else under a
  // number of its own. kAlreadyExists: taken().
  runtime::Task<Status> send(bool all, WriteBuffer* numbers, uint64_t fixed = 0);
  // Key and value of a row whose key must be free and is not.
  const std::pair<Bytes, Bytes>& taken() const { return taken_; }

  // What was laid and not undone since.
  std::vector<range::RunRef> laid() const;
  // Spans of all that may lie anywhere, undone or not.
  std::vector<KeySpan> spans() const;
  uint64_t rows_sent() const { return rows_sent_; }

 private:
  // Rows of one index, encoded one behind the other.
  struct Pile {
    Bytes rows;
    std::vector<uint32_t> offsets;
    size_t last_at = 0;  // where the last row begins
    bool sorted = true;
  };

 public:
  // What was added and not sent, set aside.
  struct Piles {
    std::map<Bytes, Pile, std::less<>> piles;
    size_t bytes = 0;
    bool sorted_full = false;
  };
  Piles take_piles();
  void put_back(Piles piles);

 private:
  struct Cut {
    Bytes first, last, body;
    uint64_t sequence = 0;
    size_t rows = 0;
  };
  size_t bytes_max() const { return channel_.node().options.load_bytes_max; }
  size_t run_bytes() const { return channel_.node().options.run_bytes; }
  runtime::Task<Status> begin(Bytes first_key);
  Status cut_pile(Pile* pile, bool all, std::vector<Cut>* out, WriteBuffer* numbers,
                  uint64_t fixed);
  runtime::Task<Status> lay(Cut cut);
  runtime::Task<Status> lay_parts(Cut cut, const KeySpan* border);

  TxnChannel& channel_;
  std::map<Bytes, Pile, std::less<>> piles_;
  Pile* last_pile_ = nullptr;
  Bytes last_prefix_;
  size_t piled_ = 0;
  bool sorted_full_ = false;
  bool begun_ = false;
  std::pair<Bytes, Bytes> taken_;
  std::vector<range::RunRef> laid_;
  uint64_t rows_sent_ = 0;
};

// Ends the runs of a transaction whose record says how it ended, in all ranges of `spans`; true
// when none is left.
runtime::Task<bool> resolve_runs(NodeParts* node, range::TxnHeader header,
                                 std::vector<KeySpan> spans, range::TxnStatus status,
                                 Timestamp commit_ts);

}  // namespace quorate::txn

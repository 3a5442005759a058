// A transaction's own writes, kept until COMMIT (design §9), versioned by statement sequence.
//
// Every write and every savepoint takes the next number of one sequence. A statement remembers
// where the sequence stood when it began and reads the buffer as of there, so that it never meets
// its own writes (safety: buffer-above), and a savepoint is undone by dropping what is newer than
// its mark. What no statement, cursor or savepoint can ask for again is overwritten in place.
//
// Memory is bounded by limits::kTxnBufferBytesMax; beyond it writes are refused with 53200.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/span.h"
#include "base/status.h"
#include "range/api.h"

namespace quorate::txn {

class WriteBuffer {
 public:
  struct Version {
    uint64_t sequence = 0;
    bool deleted = false;
    range::ColumnSet changed = 0;
    Bytes value;
  };

  explicit WriteBuffer(size_t bytes_max) : bytes_max_(bytes_max) {}
  // 54000 where a key or a row is too large to be stored.
  static Status check_sizes(BytesView key, BytesView value);

  Status put(BytesView key, BytesView value, range::ColumnSet changed,
             std::optional<Timestamp> base);
  Status remove(BytesView key, std::optional<Timestamp> base);

  // Writes made from here on are invisible to reads at the returned number.
  uint64_t begin_statement() { return statement_ = sequence_; }
  uint64_t statement() const { return statement_; }

  uint64_t savepoint();
  // 3B001 for a mark that was released or undone.
  Status rollback_to(uint64_t mark);
  void release(uint64_t mark);
  // Undoes the writes made since begin_statement(), and savepoints made since.
  void undo_statement();
  bool has_savepoints() const { return !marks_.empty(); }

  // The write that a read at `sequence` sees, or nullptr. Valid until the next change.
  const Version* find(BytesView key, uint64_t sequence) const;
  // The version that the first write of `key` was made from; zero when none was told.
  Timestamp base(BytesView key) const;
  bool overlaps(const KeySpan& span) const;
  // Lays the buffer over `rows`, which are all committed rows of `covered` in the scan's direction.
  // At most `rows_max` rows; where more there are, `*left` is what of `covered` is not in the
  // answer.
  range::RowSet merge(const range::RowSet& rows, const KeySpan& covered, bool reverse,
                      bool keys_only, uint64_t sequence, size_t rows_max,
                      std::optional<KeySpan>* left) const;

  // For sorted runs, which are undone and seen as a whole: the last numbers of the parts that marks
  // and the statement's beginning divide the writes into, ascending; parts without a write are left
  // out.
  std::vector<uint64_t> parts() const;
  // Every write of the part that ends with `last`, in the order of writing: of a key written twice
  // the later one counts.
  template <class Each>
  void each_of_part(uint64_t above, uint64_t last, Each each) const {
    auto u = std::lower_bound(undo_.begin(), undo_.end(), above + 1,
                              [](const Undo& a, uint64_t s) { return a.sequence < s; });
    for (; u != undo_.end() && u->sequence <= last; ++u) {
      for (const Version& v : u->row->second.versions) {
        if (v.sequence == u->sequence) each(u->row->first, v, u->row->second.base);
      }
    }
  }
  // The writes are kept elsewhere from now on; marks stay.
  void forget_writes();
  uint64_t next_sequence() { return ++sequence_; }
  uint64_t sequence() const { return sequence_; }
  bool empty() const { return rows_.empty(); }
  size_t bytes() const { return bytes_; }
  // What the commit writes, by key: the last version of each row, with all columns that any version
  // changed. Rows that were made and removed again are left out.
  std::vector<range::RowWrite> writes() const;
  void clear();

 private:
  struct Row {
    std::optional<Timestamp> base;
    std::vector<Version> versions;  // by sequence; never empty
  };
  using Rows = std::map<Bytes, Row, std::less<>>;
  // A write in the order of writing, for undoing.
  struct Undo {
    uint64_t sequence;
    Rows::iterator row;
  };
  Status write(BytesView key, BytesView value, bool deleted, range::ColumnSet changed,
               std::optional<Timestamp> base);
  void undo_above(uint64_t sequence);
  static const Version* visible(const Row& row, uint64_t sequence);
  bool replaceable(const Version& v) const {
    return v.sequence > statement_ && (marks_.empty() || v.sequence > marks_.back());
  }

  const size_t bytes_max_;
  Rows rows_;
  std::vector<Undo> undo_;       // by sequence
  std::vector<uint64_t> marks_;  // ascending
  uint64_t sequence_ = 0;        // the last number given; never goes back
  uint64_t statement_ = 0;
  size_t bytes_ = 0;
};

}  // namespace quorate::txn

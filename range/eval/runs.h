// Sorted runs as other requests meet them: the transaction's own, whose rows it reads before what
// is committed, and those of others, which nobody sees and everybody who writes waits for.
#pragma once

#include "range/eval/evaluation.h"
#include "storage/run_body.h"

namespace quorate::range {

// A run's rows; live as long as the evaluation's view.
Result<storage::RunReader> open_run(Evaluation& e, BytesView stored_key);

// The row of the transaction's own runs that a read of it sees, the latest: nullopt where none has
// the key. `all`: as it will be, not only what the present statement may see.
Result<std::optional<storage::RunRow>> own_run_row(Evaluation& e, BytesView key, bool all = false);
// Another transaction's run with a row of this key: writers wait for it.
Result<const RunRecord*> foreign_run_row(Evaluation& e, BytesView key);
// Another transaction's run that is to be published at or below `ts` and may hold a row of the
// span: readers wait for it. nullptr: none.
const RunRecord* staged_run(const Evaluation& e, const KeySpan& span, Timestamp ts);
const RunRecord* staged_run(const Evaluation& e, BytesView key, Timestamp ts);
Verdict block_on_run(Evaluation& e, BytesView key, const RunRecord& run);

// Lays the transaction's own runs over the rows of a span.
class OwnRunsIterator {
 public:
  static Result<std::unique_ptr<OwnRunsIterator>> create(Evaluation& e,
                                                         std::unique_ptr<storage::RowIterator> rows,
                                                         const KeySpan& span, bool reverse);
  bool valid() const { return valid_; }
  void next();
  BytesView key() const { return key_; }
  BytesView value() const { return own_ ? own_row_.value : rows_->value(); }
  // Of an own row: the version that it was made from, as far as it was told.
  Timestamp ts() const { return own_ ? own_row_.base.value_or(Timestamp()) : rows_->ts(); }
  bool own() const { return own_; }
  Status status() const { return rows_->status(); }

 private:
  struct Source {
    storage::RunReader run;
    uint64_t sequence = 0;
    size_t begin = 0, end = 0;  // rows of the span that are left
    bool done() const { return begin >= end; }
  };
  void find();
  bool before(BytesView a, BytesView b) const { return reverse_ ? a > b : a < b; }
  BytesView head(const Source& s) const { return s.run.key(reverse_ ? s.end - 1 : s.begin); }

  std::unique_ptr<storage::RowIterator> rows_;
  std::vector<Source> sources_;  // the latest first
  bool reverse_ = false;
  bool valid_ = false, own_ = false;
  BytesView key_;
  storage::RunRow own_row_;
};

}  // namespace quorate::range

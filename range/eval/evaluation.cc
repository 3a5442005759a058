#include "range/eval/evaluation.h"

#include "range/keys.h"
#include "runtime/fault_points.h"

namespace quorate::range {

Verdict Evaluation::lock(BytesView key, LockMode mode, WaitPolicy policy, bool* skipped) {
  *skipped = false;
  if (!txn.id) return fail(internal_error("only transactions take locks"));
  if (state.locks.try_lock(key, txn, mode)) return Verdict::kDone;
  if (runtime::fires(context.env().faults, runtime::FaultPoint::kForgetLock)) {
    state.locks.lose(key);
    if (state.locks.try_lock(key, txn, mode)) return Verdict::kDone;
  }
  switch (policy) {
    case WaitPolicy::kBlock:
      return block_on_lock(key, mode);
    case WaitPolicy::kSkipLocked:
      *skipped = true;
      return Verdict::kDone;
    case WaitPolicy::kNoWait:
      return fail(failed_precondition("could not obtain lock on row", sqlstate::kLockNotAvailable)
                      .with_detail("The row is in " + describe_key(key) + "."));
  }
  UNREACHABLE("wait policy");
}

Result<std::optional<Intent>> Evaluation::foreign_intent(BytesView key) {
  if (!look_for_intents()) return std::optional<Intent>();
  ASSIGN_OR_RETURN(std::optional<Intent> intent, load_intent(*view, key));
  if (intent && intent->txn == txn.id) intent.reset();
  return intent;
}

void Evaluation::remember_read(const KeySpan& span, Timestamp ts, ColumnSet columns) {
  if (span.empty()) return;
  if (is_point(span))
    state.reads.add(BytesView(span.start), ts, used_columns(columns), txn.id);
  else
    state.reads.add(span, ts, used_columns(columns), txn.id);
}

bool is_point(const KeySpan& span) {
  return span.end.size() == span.start.size() + 1 && span.end.back() == '\0' &&
         span.end.compare(0, span.start.size(), span.start) == 0;
}

std::string describe_key(BytesView key) {
  TableId table;
  IndexId index;
  BytesView rest;
  if (!keys::parse_table_key(key, table, index, rest)) return "key " + escape_bytes(key);
  return "table " + table.to_string() + ", index " + index.to_string() + ", key " +
         escape_bytes(rest);
}

Status concurrent_update(BytesView key, const char* what) {
  return aborted(std::string("could not serialize access due to concurrent ") + what)
      .with_detail("Another transaction changed a row in " + describe_key(key) + ".");
}

}  // namespace quorate::range

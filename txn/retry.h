// Which failure is made good where, and what is told to whom it reaches.
//
//   answer                      who runs again what
//   range mismatch, lost read   the request, here, at once
//   a wait's patience is over   the request, here (a lock may be waited for without end)
//   needs a later timestamp     the request, here, when the reads so far hold up to it (refresher)
//   kAborted                    the transaction: the session, by restart() or retry_statement()
//                               while the client has seen nothing, otherwise the client (40001)
//   commit's fate unknown       the commit, resent; then nobody: 40003 (committer)
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/status.h"
#include "base/timestamp.h"
#include "runtime/executor.h"
#include "runtime/random.h"

namespace quorate::txn {

// How often one request is sent again because ranges moved under it. Each try has been corrected by
// the answer before, so more means that something is broken.
inline constexpr int kRegroupsMax = 40;
// How often a transaction is moved to a later timestamp for one request or commit.
inline constexpr int kRaisesMax = 100;
// How often restart() is offered before the client is told.
inline constexpr uint64_t kRestartsMax = 100;
// How often a commit whose answer was lost is sent at most, and for how long: who sent a commit to
// a range that has lost its quorum is told within ten seconds that its outcome is not known.
inline constexpr int kCommitSendsMax = 4;
inline constexpr runtime::Duration kCommitPatience = std::chrono::milliseconds(9'500);
// How often a commit is sent to a range that waits in vain, for as long as a send may take.
inline constexpr int kCommitWaitsMax = 7;
// Of one send, and what of the time for all is kept for a look at the transaction's record.
inline constexpr uint64_t kCommitSendPatienceMs = 6'000;
inline constexpr runtime::Duration kRecordPatience = std::chrono::milliseconds(1'500);
// Of any other request to a range.
inline constexpr uint64_t kRequestPatienceMs = 9'000;

// What is left, of `most`, as a request tells it.
inline uint64_t patience_ms(runtime::Duration left, uint64_t most) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  return std::clamp<int64_t>(ms, 1, static_cast<int64_t>(most));
}

// PostgreSQL's words, and the conflict's story in the detail.
inline Status read_changed(BytesView key, Timestamp to) {
  return aborted(
             "could not serialize access due to read/write dependencies among "
             "transactions")
      .with_detail("What this transaction read was changed by another one before " +
                   to.to_string() + (key.empty() ? std::string() : ": key " + escape_bytes(key)) +
                   ".")
      .with_hint("The transaction might succeed if retried.");
}

// A row's lock went with a leaseholder, and another transaction changed the row before it was
// locked again.
inline Status lock_lost(BytesView key) {
  return aborted("could not serialize access due to concurrent update")
      .with_detail("The lock on key " + escape_bytes(key) +
                   " was lost, and another transaction changed its row.")
      .with_hint("The transaction might succeed if retried.");
}

// A pause before the n-th try (from 0): none at first, then a random time that doubles up to 100
// ms, so that those who collided do not meet again.
inline runtime::Duration backoff(uint64_t n, runtime::Random& random) {
  if (n == 0) return runtime::Duration(0);
  uint64_t most_us = std::min<uint64_t>(uint64_t{500} << std::min<uint64_t>(n, 10), 100'000);
  return std::chrono::microseconds(random.below(most_us) + 1);
}

}  // namespace quorate::txn

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
// How often a commit whose answer was lost is sent; the router has waited out its patience each
// time.
inline constexpr int kCommitSendsMax = 4;

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

// A pause before the n-th try (from 0): none at first, then a random time that doubles up to 100
// ms, so that those who collided do not meet again.
inline runtime::Duration backoff(uint64_t n, runtime::Random& random) {
  if (n == 0) return runtime::Duration(0);
  uint64_t most_us = std::min<uint64_t>(uint64_t{500} << std::min<uint64_t>(n, 10), 100'000);
  return std::chrono::microseconds(random.below(most_us) + 1);
}

}  // namespace quorate::txn

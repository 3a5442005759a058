// One entry of a Raft log, as log store, peers and state machine share it: the payload's bytes are
// made once, at the leader that proposed it, and never copied.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/ids.h"

namespace quorate {

struct LogEntry {
  Term term;
  LogIndex index;
  uint8_t kind = 0;                      // meaning belongs to raft/
  std::shared_ptr<const Bytes> payload;  // never null; may be empty
  size_t bytes() const { return payload->size() + 32; }
};

}  // namespace quorate

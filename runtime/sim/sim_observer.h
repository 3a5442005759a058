// Who looks at a simulated world while it runs: told of what a person would want to see, and unable
// to change any of it. With one or without, a run is the same bit for bit.
//
// All calls come from inside of events, at world.now(), with hosts by name. What is passed is gone
// when the call returns.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "runtime/executor.h"
#include "runtime/network.h"

namespace quorate::runtime {

class SimObserver {
 public:
  // kLost: by the link's own chance. kCut: the link was cut when it left or arrived. kNobody: no
  // process was there to take it.
  enum class Fate : uint8_t { kDelivered, kLost, kCut, kNobody, kQueueFull };
  struct Sent {
    const std::string& from;
    const std::string& to;
    Channel channel;
    BytesView payload;
    bool duplicate = false;  // made by the link, of a message already told
  };

  virtual ~SimObserver() = default;
  // A number for the message, by which its fate is told; a message that is still on its way at the
  // end has none.
  virtual uint64_t on_send(const Sent& message) = 0;
  virtual void on_late(uint64_t message) = 0;  // reordered, or held by a clogged link
  virtual void on_fate(uint64_t message, Fate fate) = 0;

  virtual void on_cut(const std::string& from, const std::string& to) = 0;
  virtual void on_mend(const std::string& from, const std::string& to) = 0;
  virtual void on_isolate(const std::string& host) = 0;
  virtual void on_mend_all() = 0;
  virtual void on_clog(const std::string& from, const std::string& to, Duration d) = 0;

  virtual void on_start(const std::string& host) = 0;
  virtual void on_crash(const std::string& host, bool power) = 0;
  virtual void on_pause(const std::string& host, bool paused) = 0;
  virtual void on_clock(const std::string& host, int64_t offset_micros) = 0;

  // A CHECK has failed: the process ends when this returns.
  virtual void on_failed_check() = 0;
};

}  // namespace quorate::runtime

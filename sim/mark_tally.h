// How many runs have reached each mark of the code (base/mark.h), over all processes of a campaign.
// Made before they are forked.
//
// A run that ends by a failed assertion or its limit of time is not counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate::sim {

class MarkTally {
 public:
  MarkTally();
  ~MarkTally();
  MarkTally(const MarkTally&) = delete;
  bool ok() const { return runs_ != nullptr; }

  // Counts what this process has reached, and forgets it: the next run begins anew.
  void add_run();
  size_t reached() const;
  // "marks: 97 of 112 reached".
  std::string summary() const;
  // One a line, with the number of runs that reached it; the least often reached first.
  void print(size_t runs) const;

 private:
  size_t bytes() const;
  std::atomic<uint32_t>* runs_ = nullptr;  // by place in all_marks(); shared by processes
};

}  // namespace quorate::sim

// Finds the range of a key and its leaseholder, and brings batches there.
//
// One a node. Descriptors come from the directory and are cached (bounded); answers correct the
// cache. send() follows kNotLeaseholder by itself, trying the other replicas, until the batch's
// patience is over; then kUnavailable with SQLSTATE 57P03 (message names the range) when nothing
// was sent that could have taken effect, else kAmbiguous for batches that write and kUnavailable
// for others. kRangeMismatch goes back to the caller, with the cache already corrected: its keys no
// longer lie in one range.
#pragma once

#include <vector>

#include "range/api.h"
#include "runtime/cancel.h"
#include "runtime/task.h"

namespace quorate::range {

class Leaseholder;

class Router {
 public:
  virtual ~Router() = default;
  // The descriptor of the range that holds `key`, cached or looked up.
  virtual runtime::Task<Result<RangeDescriptor>> locate(Bytes key, runtime::CancelToken token) = 0;
  // The cached descriptor, or nullptr; valid until the next wait. For the hot path.
  virtual const RangeDescriptor* cached(BytesView key) = 0;
  // Where that range's lease is held by this node, as far as is known: its leaseholder, which
  // answers reads in place. Both valid until the next wait.
  struct Local {
    const RangeDescriptor* descriptor = nullptr;
    Leaseholder* leaseholder = nullptr;  // nullptr: elsewhere, or unknown
    StoreId store;
  };
  virtual Local local(BytesView) { return {}; }
  // Outcome is kOk, kError, kRangeMismatch or kNeedTimestamp.
  virtual runtime::Task<BatchResponse> send(BatchRequest request, runtime::CancelToken token) = 0;
};

}  // namespace quorate::range

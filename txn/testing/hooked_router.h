// Passes everything on to another router; a test may look at each batch with its answer, change
// the answer, and let other things happen before its sender hears of it.
#pragma once

#include <functional>

#include "range/router.h"

namespace quorate::txn {

class HookedRouter : public range::Router {
 public:
  using Hook =
      std::function<runtime::Task<void>(const range::BatchRequest&, range::BatchResponse*)>;
  explicit HookedRouter(range::Router& to) : to_(to) {}
  Hook hook;

  runtime::Task<Result<range::RangeDescriptor>> locate(Bytes key,
                                                       runtime::CancelToken token) override {
    return to_.locate(std::move(key), std::move(token));
  }
  const range::RangeDescriptor* cached(BytesView key) override { return to_.cached(key); }
  runtime::Task<range::BatchResponse> send(range::BatchRequest request,
                                           runtime::CancelToken token) override {
    const range::BatchRequest sent = request;
    range::BatchResponse response = co_await to_.send(std::move(request), std::move(token));
    if (hook) co_await hook(sent, &response);
    co_return response;
  }

 private:
  range::Router& to_;
};

}  // namespace quorate::txn

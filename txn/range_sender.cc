#include "txn/range_sender.h"

#include <absl/container/inlined_vector.h>

namespace quorate::txn {

using range::BatchRequest;
using range::BatchResponse;
using range::Outcome;
using range::RangeDescriptor;
using range::ReadSpan;
using range::Request;
using range::Response;
using runtime::CancelToken;
using runtime::Task;

namespace {

Target target_of(const RangeDescriptor& d) { return {d.id, d.generation, d.span}; }

// What an answer must look like.
struct Shape {
  size_t kind;  // of the response variant
  size_t rows;
};

template <class R, class... T>
constexpr size_t place_in(const std::variant<T...>*) {
  size_t place = 0;
  bool found = false;
  ((found = found || std::is_same_v<R, T>, place += found ? 0 : 1), ...);
  return place;
}

template <class R>
constexpr Shape shape_of(size_t rows = 0) {
  return {place_in<R>(static_cast<const Response*>(nullptr)), rows};
}

struct ExpectedShape {
  Shape operator()(const range::GetRequest& q) const {
    return shape_of<range::GetResponse>(q.keys.size());
  }
  Shape operator()(const range::ScanRequest&) const { return shape_of<range::ScanResponse>(); }
  Shape operator()(const range::RefreshRequest&) const {
    return shape_of<range::RefreshResponse>();
  }
  Shape operator()(const range::CommitRequest&) const { return shape_of<range::CommitResponse>(); }
  Shape operator()(const range::EndTxnRequest&) const { return shape_of<range::EndTxnResponse>(); }
  Shape operator()(const range::PushRequest&) const { return shape_of<range::PushResponse>(); }
  Shape operator()(const range::LayRunRequest&) const { return shape_of<range::LayRunResponse>(); }
  Shape operator()(const range::ResolveRunsRequest&) const {
    return shape_of<range::ResolveRunsResponse>();
  }
  Shape operator()(const range::ClearRequest&) const { return shape_of<range::ClearResponse>(); }
  Shape operator()(const range::QueryIntentRequest&) const {
    return shape_of<range::QueryIntentResponse>();
  }
  template <class Other>
  Shape operator()(const Other&) const {
    return shape_of<range::EmptyResponse>();
  }
};

bool fits(const Shape& shape, const Response& response) {
  if (response.index() != shape.kind) return false;
  const auto* get = std::get_if<range::GetResponse>(&response);
  return get == nullptr || get->rows.size() == shape.rows;
}

// A key just below `end` for most purposes: nothing that anybody uses as a range's border lies
// between the two.
Bytes just_below(const Bytes& end) {
  if (end.empty()) return Bytes(64, '\xff');
  if (end.back() == '\0') return end.substr(0, end.size() - 1);
  Bytes key = end;
  key.back() = static_cast<char>(static_cast<unsigned char>(key.back()) - 1);
  return key.append(64, '\xff');
}

}  // namespace

Task<BatchResponse> RangeSender::send(BatchRequest batch, CancelToken token) {
  batch.now = clock_.now();
  batch.gateway = node_;
  absl::InlinedVector<Shape, 2> shapes;  // the requests move away with the batch
  for (const Request& r : batch.requests) shapes.push_back(std::visit(ExpectedShape(), r));
  BatchResponse response = co_await router_.send(std::move(batch), std::move(token));
  if (response.now) {
    // A clock out of bounds is its owner's fault and is found by liveness; our own stays right.
    Status s = clock_.update(response.now);
    if (!s.ok()) env_.log.warning("{}", s.message());
  }
  if (response.outcome != Outcome::kOk) {
    if (response.outcome == Outcome::kError) CHECK(!response.error.ok());
    CHECK(response.outcome != Outcome::kNotLeaseholder);
    co_return response;
  }
  bool right = response.responses.size() == shapes.size();
  for (size_t i = 0; right && i < shapes.size(); ++i) {
    right = fits(shapes[i], response.responses[i]);
  }
  if (!right) {
    response.outcome = Outcome::kError;
    response.error = ambiguous("a range's answer does not fit what it was asked");
  }
  co_return response;
}

Task<Result<Target>> RangeSender::locate(Bytes key, CancelToken token) {
  if (const RangeDescriptor* d = router_.cached(key)) co_return target_of(*d);
  Result<RangeDescriptor> found = co_await router_.locate(std::move(key), std::move(token));
  if (!found.ok()) co_return found.status();
  co_return target_of(*found);
}

Task<Result<Target>> RangeSender::locate_below(Bytes end, CancelToken token) {
  if (!end.empty()) {
    Result<Target> at = co_await locate(end, token);
    if (!at.ok() || at->span.start < end) co_return at;
  }
  // `end` is a border. From the range of a key that is surely below it, walk up to it.
  Result<Target> at = co_await locate(just_below(end), token);
  while (at.ok() && !at->span.end.empty() && (end.empty() || at->span.end < end)) {
    Bytes next = at->span.end;
    at = co_await locate(std::move(next), token);
  }
  co_return at;
}

Task<Result<Target>> RangeSender::locate_near(KeySpan span, bool reverse, CancelToken token) {
  if (reverse) return locate_below(std::move(span.end), std::move(token));
  return locate(std::move(span.start), std::move(token));
}

Task<Result<std::vector<KeyGroup>>> RangeSender::group_keys(const std::vector<BytesView>* sorted,
                                                            CancelToken token) {
  std::vector<KeyGroup> groups;
  for (size_t i = 0; i < sorted->size();) {
    Bytes key((*sorted)[i]);
    Result<Target> target = co_await locate(std::move(key), token);
    if (!target.ok()) co_return target.status();
    KeyGroup group{std::move(*target), i, i};
    CHECK(group.target.span.contains((*sorted)[i]));
    while (i < sorted->size() && group.target.span.contains((*sorted)[i])) ++i;
    group.end = i;
    groups.push_back(std::move(group));
  }
  co_return std::move(groups);
}

Task<Result<std::vector<SpanGroup>>> RangeSender::group_spans(std::vector<ReadSpan> reads,
                                                              CancelToken token) {
  std::vector<SpanGroup> groups;
  for (ReadSpan& read : reads) {
    // Spans may overlap earlier ones, so the range is looked for among those found, from the last.
    while (!read.span.empty()) {
      SpanGroup* group = nullptr;
      for (auto g = groups.rbegin(); g != groups.rend() && group == nullptr; ++g) {
        if (g->target.span.contains(read.span.start)) group = &*g;
      }
      if (group == nullptr) {
        Result<Target> target = co_await locate(read.span.start, token);
        if (!target.ok()) co_return target.status();
        CHECK(target->span.contains(read.span.start));
        group = &groups.emplace_back(SpanGroup{std::move(*target), {}});
      }
      const Bytes& border = group->target.span.end;
      ReadSpan part = read;
      bool ends_here = border.empty() || (!read.span.end.empty() && read.span.end <= border);
      if (!ends_here) part.span.end = border;
      group->reads.push_back(std::move(part));
      if (ends_here) break;
      read.span.start = border;
    }
  }
  co_return std::move(groups);
}

}  // namespace quorate::txn

#include "range/testing/local_ranges.h"

namespace quorate::range {

using runtime::CancelToken;
using runtime::Task;

Task<Status> LocalReplica::propose(Command command) {
  const uint64_t ticket = next_ticket_++;
  if (delay_max.count() > 0) {
    const auto delay =
        runtime::Duration(static_cast<int64_t>(env_.random->below(delay_max.count())));
    (void)co_await runtime::sleep_for(*env_.executor, delay);
  }
  while (paused || next_apply_ != ticket) {
    if (ticket < fail_below_) break;
    (void)co_await turn_.wait();
  }
  Status result;
  if (ticket < fail_below_) {
    result = failure_;
    while (next_apply_ != ticket) (void)co_await turn_.wait();
  } else if (command.lease_term != term) {
    // Refused at apply: a later lease has begun.
    result = unavailable("proposed under an older lease");
  } else {
    engine_.apply(descriptor_.id, LogIndex(ticket + 1), nullptr, command.operations);
    if (auto* gc = std::get_if<GcTrigger>(&command.trigger)) {
      threshold = gc->threshold;
      mark = gc->record_mark;
    }
    command.operations.clear();
    applied.push_back(std::move(command));
  }
  ++next_apply_;
  turn_.wake_all();
  co_return result;
}

Task<Status> LocalReplica::admin_split(SplitRequest request) {
  if (!on_split) co_return unavailable("nobody splits here");
  on_split(std::move(request));
  co_return Status();
}

LocalRanges::LocalRanges(uint64_t seed, std::vector<Bytes> starts, PlantedBugs planted,
                         Timestamp low_water)
    : world_(seed),
      env_(world_, "n1"),
      clock_(env_.clock(), 500'000),
      planted_(planted),
      pusher_(*this, env_.env(), clock_, NodeId(1)) {
  for (size_t i = 0; i < starts.size(); ++i) {
    RangeDescriptor d;
    d.id = RangeId(i + 1);
    d.generation = 1;
    d.span = {starts[i], i + 1 < starts.size() ? starts[i + 1] : Bytes()};
    auto one = std::make_unique<One>();
    one->replica = std::make_unique<LocalReplica>(env_.env(), clock_, engine_, d);
    one->replica->lease_start = low_water;
    one->leaseholder = Leaseholder::create(*one->replica, pusher_, low_water, planted_);
    ranges_.push_back(std::move(one));
  }
}

LocalRanges::~LocalRanges() = default;

size_t LocalRanges::index_of(BytesView key) const {
  size_t i = ranges_.size() - 1;
  while (i > 0 && key < ranges_[i]->replica->descriptor().span.start) --i;
  return i;
}

LocalRanges::One* LocalRanges::find(RangeId id) {
  for (auto& one : ranges_) {
    if (one->replica->descriptor().id == id) return one.get();
  }
  return nullptr;
}

void LocalRanges::change_lease(size_t i, bool hand_over) {
  One& one = *ranges_[i];
  Bytes locks = one.leaseholder->export_locks();
  one.leaseholder->close(NodeId());
  one.replica->term = one.replica->term.next();
  one.replica->lease_start = clock_.now();
  one.leaseholder = Leaseholder::create(*one.replica, pusher_, one.replica->lease_start, planted_);
  if (hand_over) CHECK(one.leaseholder->import_locks(locks).ok());
}

void LocalRanges::split(BytesView at) {
  const size_t i = index_of(at);
  LocalReplica& left = *ranges_[i]->replica;
  RangeDescriptor right = left.descriptor();
  right.id = RangeId(ranges_.size() + 1);
  right.span.start = Bytes(at);
  left.mutable_descriptor().span.end = Bytes(at);
  right.generation = ++left.mutable_descriptor().generation;
  auto one = std::make_unique<One>();
  one->replica = std::make_unique<LocalReplica>(env_.env(), clock_, engine_, right);
  one->replica->lease_start = left.lease_start;
  one->leaseholder = ranges_[i]->leaseholder->split_off(*one->replica, Bytes(at));
  ranges_.insert(ranges_.begin() + static_cast<ptrdiff_t>(i) + 1, std::move(one));
}

Task<BatchResponse> LocalRanges::serve(Bytes key, BatchRequest batch, CancelToken token) {
  const RangeDescriptor& d = ranges_[index_of(key)]->replica->descriptor();
  batch.range = d.id;
  batch.generation = d.generation;
  BatchResponse response = co_await send(std::move(batch), token);
  co_return response;
}

Task<Result<RangeDescriptor>> LocalRanges::locate(Bytes key, CancelToken) {
  co_return ranges_[index_of(key)]->replica->descriptor();
}

const RangeDescriptor* LocalRanges::cached(BytesView key) {
  return &ranges_[index_of(key)]->replica->descriptor();
}

Router::Local LocalRanges::local(BytesView key) {
  One& one = *ranges_[index_of(key)];
  return {&one.replica->descriptor(), one.leaseholder.get(), one.replica->store()};
}

Task<BatchResponse> LocalRanges::send(BatchRequest request, CancelToken token) {
  for (;;) {
    // Held over the call: its lease may go meanwhile.
    std::shared_ptr<Leaseholder> leaseholder = find(request.range)->leaseholder;
    BatchResponse response = co_await leaseholder->serve(request, token);
    if (response.outcome != Outcome::kNotLeaseholder) co_return response;
    (void)co_await runtime::sleep_for(env_.executor(), std::chrono::milliseconds(1));
  }
}

}  // namespace quorate::range

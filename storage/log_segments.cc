#include "storage/log_segments.h"

#include <fmt/format.h>

#include <charconv>

#include "base/mark.h"

namespace quorate::storage {
namespace {

constexpr std::string_view kSuffix = ".log";

bool parse_name(std::string_view name, uint32_t& slot) {
  if (!name.ends_with(kSuffix)) return false;
  name.remove_suffix(kSuffix.size());
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), slot);
  return error == std::errc() && end == name.data() + name.size() && slot > 0;
}

class Release {
 public:
  explicit Release(runtime::Semaphore& s) : semaphore_(s) {}
  ~Release() { semaphore_.release(1); }

 private:
  runtime::Semaphore& semaphore_;
};

}  // namespace

std::string LogSegments::path(uint32_t slot) const {
  return fmt::format("{}/{:08}{}", directory_, slot, kSuffix);
}

LogSegment* LogSegments::at(uint32_t slot) {
  auto it = segments_.find(slot);
  return it == segments_.end() ? nullptr : &it->second;
}

uint64_t LogSegments::live_bytes() const {
  uint64_t bytes = 0;
  for (uint32_t slot : live_) bytes += segments_.at(slot).size;
  return bytes;
}

runtime::Task<Status> LogSegments::open() {
  CO_RETURN_IF_ERROR(co_await env_.disk->make_directory(directory_));
  CO_ASSIGN_OR_RETURN(std::vector<std::string> names, co_await env_.disk->list(directory_));
  for (const std::string& name : names) {
    uint32_t slot = 0;
    if (!parse_name(name, slot)) continue;
    runtime::OpenOptions options{.create = false, .direct = true};
    LogSegment segment;
    segment.slot = slot;
    CO_ASSIGN_OR_RETURN(segment.file, co_await env_.disk->open(path(slot), options));
    CO_ASSIGN_OR_RETURN(segment.size, segment.file->size());
    slot_max_ = std::max(slot_max_, slot);
    segments_.emplace(slot, std::move(segment));
  }
  co_return Status();
}

std::vector<RecoverySegment> LogSegments::for_recovery() const {
  std::vector<RecoverySegment> out;
  for (const auto& [slot, s] : segments_) out.push_back({slot, s.file.get(), s.size, 0, 0, 0});
  return out;
}

void LogSegments::adopt(const std::vector<RecoverySegment>& recovered, uint64_t life_max) {
  life_max_ = life_max;
  std::map<uint64_t, uint32_t> by_batch;
  for (const RecoverySegment& r : recovered) {
    LogSegment& s = segments_.at(r.slot);
    s.life = r.life;
    s.first_batch = r.first_batch;
    s.last_batch = r.last_batch;
    s.used = s.size;  // never continued: its tail may hold what was cut
    if (r.last_batch > 0) {
      by_batch.emplace(r.first_batch, r.slot);
    } else {
      free_.push_back(r.slot);
    }
  }
  for (auto [batch, slot] : by_batch) live_.push_back(slot);
}

runtime::Task<Result<uint32_t>> LogSegments::create(uint64_t bytes) {
  uint32_t slot = ++slot_max_;
  runtime::OpenOptions options{.create = true, .direct = true};
  LogSegment segment;
  segment.slot = slot;
  segment.size = bytes;
  CO_ASSIGN_OR_RETURN(segment.file, co_await env_.disk->open(path(slot), options));
  CO_RETURN_IF_ERROR(co_await segment.file->allocate(bytes));
  segments_.emplace(slot, std::move(segment));
  co_return slot;
}

runtime::Task<Result<uint32_t>> LogSegments::take(uint64_t bytes, uint64_t synced_batch) {
  CO_RETURN_IF_ERROR(co_await changing_.acquire(1));
  Release release(changing_);
  while (!waiting_.empty() && at(waiting_.front())->retired_at_batch <= synced_batch) {
    free_.push_back(waiting_.front());
    waiting_.pop_front();
  }
  while (!free_.empty()) {
    uint32_t slot = free_.front();
    free_.pop_front();
    uint64_t size = at(slot)->size;
    if (size == segment_bytes_ && bytes <= size) {
      MARK("storage: a segment is used again");
      co_return slot;
    }
    MARK("storage: a segment of another size goes");
    segments_.erase(slot);
    CO_RETURN_IF_ERROR(co_await env_.disk->remove(path(slot)));
  }
  CO_ASSIGN_OR_RETURN(uint32_t fresh, co_await create(std::max(bytes, segment_bytes_)));
  co_return fresh;
}

runtime::Task<Status> LogSegments::roll(uint64_t batch, uint64_t bytes, uint64_t synced_batch) {
  CO_ASSIGN_OR_RETURN(uint32_t slot, co_await take(bytes, synced_batch));
  LogSegment& segment = *at(slot);
  segment.life = ++life_max_;
  segment.first_batch = segment.last_batch = batch;
  segment.used = 0;
  segment.entries = 0;
  segment.retired_at_batch = 0;
  live_.push_back(slot);
  co_return Status();
}

runtime::Task<Status> LogSegments::prepare(uint64_t synced_batch) {
  if (!free_.empty()) co_return Status();
  CO_ASSIGN_OR_RETURN(uint32_t slot, co_await take(segment_bytes_, synced_batch));
  free_.push_back(slot);
  co_return Status();
}

void LogSegments::retire_oldest(uint64_t batch) {
  CHECK(live_.size() > 1);
  at(live_.front())->retired_at_batch = batch;
  waiting_.push_back(live_.front());
  live_.pop_front();
}

}  // namespace quorate::storage

#include "sim/timeline/event_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace quorate::sim {

namespace {

constexpr int64_t kClockStepTold = 1'000;  // smaller moves are drift

std::string milliseconds(int64_t micros) {
  return fmt::format("{:+.1f} ms", static_cast<double>(micros) / 1e3);
}

// A cut to at most `bytes`, at no place within a character.
void shorten(std::string& text, size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  text.resize(bytes);
  text += "…";
}

}  // namespace

EventLog::EventLog(Limits limits)
    : limits_(limits),
      messages_(limits.messages),
      marks_(limits.marks),
      spans_(limits.spans),
      transactions_(limits.transactions) {}

void EventLog::open(runtime::SimWorld& world, const std::vector<std::string>& hosts) {
  world_ = &world;
  for (const std::string& name : hosts) host(name);
  nodes_ = hosts_.size();
  world.set_observer(this);
}

void EventLog::close() {
  if (world_ == nullptr) return;
  ended_ = now();
  world_->set_observer(nullptr);
  world_ = nullptr;
}

int64_t EventLog::now() const {
  if (world_ == nullptr) return ended_;
  return std::chrono::duration_cast<std::chrono::microseconds>(world_->now().since_start).count();
}

int EventLog::host(const std::string& name) {
  auto [at, fresh] = host_numbers_.emplace(name, static_cast<int>(hosts_.size()));
  if (fresh) hosts_.push_back(name);
  return at->second;
}

void EventLog::mark(Mark mark) {
  mark.at = now();
  shorten(mark.text, limits_.text_bytes);
  marks_.add(std::move(mark));
}

uint64_t EventLog::begin_span(Span span) {
  span.begin = now();
  return spans_.add(std::move(span));
}

void EventLog::end_span(uint64_t number) {
  Span* span = spans_.find(number);
  if (span != nullptr && span->end == kOpen) span->end = now();
}

void EventLog::end_faults() {
  for (Span& span : spans_.items()) {
    if (span.kind == SpanKind::kFault && span.end == kOpen) span.end = now();
  }
}

uint64_t EventLog::begin_transaction(int host, std::string label) {
  Transaction t;
  t.begin = now();
  t.host = host;
  t.label = std::move(label);
  const uint64_t number = transactions_.add(std::move(t));
  open_transactions_.push_back(number);
  return number;
}

void EventLog::begin_step(uint64_t transaction, std::string text) {
  Transaction* t = transactions_.find(transaction);
  if (t == nullptr) return;
  if (t->steps.size() >= limits_.steps) {
    t->steps.erase(t->steps.begin());
    ++t->steps_left_out;
  }
  shorten(text, limits_.text_bytes);
  t->steps.push_back({now(), kOpen, std::move(text), {}});
}

void EventLog::end_step(uint64_t transaction, std::string outcome) {
  Transaction* t = transactions_.find(transaction);
  if (t == nullptr || t->steps.empty()) return;
  shorten(outcome, limits_.text_bytes);
  t->steps.back().end = now();
  t->steps.back().outcome = std::move(outcome);
}

void EventLog::end_transaction(uint64_t transaction, Fate fate, std::string outcome) {
  std::erase(open_transactions_, transaction);
  Transaction* t = transactions_.find(transaction);
  if (t == nullptr) return;
  shorten(outcome, limits_.text_bytes);
  t->end = now();
  t->fate = fate;
  t->outcome = std::move(outcome);
}

void EventLog::mark_wrong(uint64_t transaction) {
  if (Transaction* t = transactions_.find(transaction)) t->wrong = true;
}

// --- messages

uint64_t EventLog::on_send(const Sent& m) {
  MessageSeen seen;
  seen.sent = now();
  seen.from = static_cast<uint8_t>(host(m.from));
  seen.to = static_cast<uint8_t>(host(m.to));
  seen.duplicate = m.duplicate;
  seen.what = reader_.read(m.channel, m.payload);
  return messages_.add(std::move(seen));
}

void EventLog::on_late(uint64_t message) {
  if (MessageSeen* m = messages_.find(message)) m->late = true;
}

void EventLog::on_fate(uint64_t message, SimObserver::Fate fate) {
  MessageSeen* m = messages_.find(message);
  if (m == nullptr) return;
  m->ended = now();
  m->fate = static_cast<int>(fate);
}

// --- faults

void EventLog::on_cut(const std::string& from, const std::string& to) {
  if (cut_.contains({from, to})) return;
  cut_[{from, to}] = begin_span(
      {.kind = SpanKind::kCut, .from = host(from), .to = host(to), .text = from + " → " + to});
}

void EventLog::on_mend(const std::string& from, const std::string& to) {
  auto found = cut_.find({from, to});
  if (found == cut_.end()) return;
  end_span(found->second);
  cut_.erase(found);
}

void EventLog::on_isolate(const std::string& name) {
  for (size_t i = 0; i < nodes_; ++i) {
    const std::string other = hosts_[i];
    if (other == name) continue;
    on_cut(name, other);
    on_cut(other, name);
  }
}

void EventLog::on_mend_all() {
  for (const auto& [link, span] : cut_) end_span(span);
  cut_.clear();
  for (Span& span : spans_.items()) {
    if (span.kind == SpanKind::kClogged && span.end > now()) span.end = now();
  }
}

void EventLog::on_clog(const std::string& from, const std::string& to, runtime::Duration d) {
  Span span{
      .kind = SpanKind::kClogged, .from = host(from), .to = host(to), .text = from + " → " + to};
  const uint64_t number = begin_span(std::move(span));
  spans_.find(number)->end =
      now() + std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

void EventLog::end_of_host(std::map<int, uint64_t>& spans, int host) {
  auto found = spans.find(host);
  if (found == spans.end()) return;
  end_span(found->second);
  spans.erase(found);
}

void EventLog::on_start(const std::string& name) {
  const int at = host(name);
  up_[at] = begin_span({.kind = SpanKind::kUp, .from = at});
}

void EventLog::on_crash(const std::string& name, bool power) {
  const int at = host(name);
  end_of_host(up_, at);
  end_of_host(paused_, at);
  mark({.kind = MarkKind::kCrash,
        .host = at,
        .text = name + (power ? " loses its power" : "'s process is killed")});
  if (static_cast<size_t>(at) >= nodes_) return;
  // The clients inside of it go with it.
  std::vector<uint64_t> gone;
  for (uint64_t number : open_transactions_) {
    const Transaction* t = transactions_.find(number);
    if (t == nullptr || t->host == at) gone.push_back(number);
  }
  for (uint64_t number : gone) end_transaction(number, Fate::kDied, "the client's node went down");
}

void EventLog::on_pause(const std::string& name, bool paused) {
  const int at = host(name);
  if (!paused) return end_of_host(paused_, at);
  if (!paused_.contains(at)) paused_[at] = begin_span({.kind = SpanKind::kPaused, .from = at});
}

void EventLog::on_clock(const std::string& name, int64_t offset_micros) {
  const int at = host(name);
  int64_t& known = clocks_[at];
  const int64_t moved = offset_micros - known;
  known = offset_micros;
  if (moved > -kClockStepTold && moved < kClockStepTold) return;
  mark({.kind = MarkKind::kClock,
        .host = at,
        .text = fmt::format("{}'s clock jumps by {}: now {} off", name, milliseconds(moved),
                            milliseconds(offset_micros))});
}

void EventLog::on_failed_check() {
  if (on_check) on_check();
}

void Trail::end(const Status& outcome) const {
  if (log_ == nullptr) return;
  using Fate = EventLog::Fate;
  const Fate fate = outcome.ok()                               ? Fate::kCommitted
                    : outcome.code() == StatusCode::kAmbiguous ? Fate::kUnknown
                                                               : Fate::kFailed;
  log_->end_transaction(number_, fate, outcome.ok() ? std::string() : outcome.to_string());
}

}  // namespace quorate::sim

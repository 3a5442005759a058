// The log of a run and its page: what they hold, and that they change nothing.
#include "sim/timeline/timeline.h"

#include <gtest/gtest.h>

#include <functional>

#include "sim/scenario.h"

namespace quorate::sim {
namespace {

// Whether `text` is one JSON value, and what is its first level: by hand, since nothing here reads
// JSON otherwise.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}
  bool whole() { return value() && (space(), at_ == text_.size()); }
  const std::map<std::string, std::string>& members() const { return members_; }

 private:
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool string() {
    if (!take('"')) return false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20 || c == '<') return false;
      if (c == '\\') at_ += text_[at_ + 1] == 'u' ? 5 : 1;
    }
    return take('"');
  }
  bool number() {
    const size_t start = at_;
    while (at_ < text_.size() && (std::isdigit(text_[at_]) || text_[at_] == '-')) ++at_;
    return at_ > start;
  }
  bool list(char end, const std::function<bool()>& item) {
    if (take(end)) return true;
    do {
      if (!item()) return false;
    } while (take(','));
    return take(end);
  }
  bool member() {
    space();
    const size_t name = at_;
    if (!string()) return false;
    const std::string key(text_.substr(name + 1, at_ - name - 2));
    if (!take(':')) return false;
    const size_t start = at_;
    if (!value()) return false;
    if (depth_ == 1) members_[key] = std::string(text_.substr(start, at_ - start));
    return true;
  }
  bool value() {
    space();
    if (take('{')) {
      ++depth_;
      const bool ok = list('}', [this] { return member(); });
      --depth_;
      return ok;
    }
    if (take('[')) return list(']', [this] { return value(); });
    if (at_ < text_.size() && text_[at_] == '"') return string();
    return number();
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  std::map<std::string, std::string> members_;
};

ScenarioOptions options_of(uint64_t seed, std::string_view workload) {
  ScenarioOptions options;
  options.seed = seed;
  for (const WorkloadKind& kind : workload_kinds()) {
    if (kind.name == workload) options.workload = kind;
  }
  return options;
}

TEST(JsonText, holds_what_a_page_can_hold) {
  EXPECT_EQ(json_text("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
  EXPECT_EQ(json_text("</script>"), "\"\\u003c/script>\"");
  EXPECT_EQ(json_text("grün → ja"), "\"grün → ja\"");
  EXPECT_EQ(json_text(std::string("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\\u007f\"");
  // No UTF-8: alone, too long a form of a short one, half of a surrogate, cut off.
  EXPECT_EQ(json_text("\x80\xff"), "\"\\u0080\\u00ff\"");
  EXPECT_EQ(json_text("\xc0\xaf"), "\"\\u00c0\\u00af\"");
  EXPECT_EQ(json_text("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\"");
  EXPECT_EQ(json_text("\xe2\x86"), "\"\\u00e2\\u0086\"");
}

TEST(Kept, forgets_the_earliest_and_counts_them) {
  Kept<int> kept(3);
  const uint64_t first = kept.add(10);
  EXPECT_EQ(*kept.find(first), 10);
  for (int i = 0; i < 3; ++i) kept.add(i);
  EXPECT_EQ(kept.find(first), nullptr);
  EXPECT_EQ(kept.left_out(), 1u);
  EXPECT_EQ(kept.items().size(), 3u);
  EXPECT_EQ(*kept.find(first + 3), 2);
  EXPECT_EQ(kept.find(first + 4), nullptr);
  EXPECT_EQ(kept.find(0), nullptr);
}

TEST(EventLog, clients_of_a_node_go_with_it) {
  runtime::SimWorld world(1);
  EventLog log;
  log.open(world, {"n1", "n2"});
  const uint64_t here = log.begin_transaction(0, "T1"), there = log.begin_transaction(1, "T2");
  log.on_start("n1");
  world.run_for(std::chrono::milliseconds(5));
  log.on_crash("n1", true);
  Trail(&log, there).end(Status());
  log.close();
  const auto& txns = log.transactions().items();
  EXPECT_EQ(txns[here - 1].fate, EventLog::Fate::kDied);
  EXPECT_EQ(txns[there - 1].fate, EventLog::Fate::kCommitted);
  EXPECT_EQ(log.spans().items().at(0).end, 5'000);
}

TEST(EventLog, cuts_texts_and_steps_to_size) {
  runtime::SimWorld world(1);
  EventLog log({.steps = 2, .text_bytes = 5});
  log.open(world, {"n1"});
  const uint64_t t = log.begin_transaction(0, "T1");
  for (const char* text : {"one", "two", "three→"}) log.begin_step(t, text);
  log.close();
  const EventLog::Transaction& told = log.transactions().items().at(0);
  EXPECT_EQ(told.steps_left_out, 1u);
  ASSERT_EQ(told.steps.size(), 2u);
  EXPECT_EQ(told.steps[0].text, "two");
  EXPECT_EQ(told.steps[1].text, "three…");
}

TEST(Timeline, changes_nothing_of_a_run) {
  for (const char* workload : {"append", "bank"}) {
    ScenarioOptions options = options_of(3, workload);
    const ScenarioOutcome plain = run_scenario(options);
    EventLog log;
    options.log = &log;
    const ScenarioOutcome told = run_scenario(options);
    EXPECT_EQ(told.trace_hash, plain.trace_hash);
    EXPECT_EQ(told.events, plain.events);
    EXPECT_EQ(told.committed, plain.committed);
  }
}

TEST(Timeline, tells_what_a_run_did) {
  ScenarioOptions options = options_of(3, "append");
  EventLog log;
  options.log = &log;
  const ScenarioOutcome out = run_scenario(options);
  EXPECT_EQ(log.nodes(), log.hosts().size());
  const auto& txns = log.transactions().items();
  EXPECT_EQ(static_cast<uint64_t>(
                std::count_if(txns.begin(), txns.end(),
                              [](const auto& t) { return t.fate == EventLog::Fate::kCommitted; })),
            out.committed);
  std::map<EventLog::SpanKind, int> spans;
  for (const auto& s : log.spans().items()) {
    ++spans[s.kind];
    EXPECT_TRUE(s.end == EventLog::kOpen || s.end >= s.begin);
  }
  EXPECT_GE(spans[EventLog::SpanKind::kUp], 3);
  EXPECT_GE(spans[EventLog::SpanKind::kLease], 3);
  EXPECT_GE(spans[EventLog::SpanKind::kLeads], 3);
  size_t decoded = 0;
  for (const auto& m : log.messages().items()) {
    EXPECT_NE(m.from, m.to);
    decoded += m.what.kind != FrameKind::kOther ? 1 : 0;
  }
  EXPECT_EQ(decoded, log.messages().items().size());
  EXPECT_GT(decoded, 1'000u);

  RunFacts facts{.seed = 3, .workload = "append", .replay = "quorate sim --seed 3"};
  const std::string json = timeline_json(log, facts);
  JsonReader reader(json);
  EXPECT_TRUE(reader.whole());
  EXPECT_EQ(reader.members().at("seed"), "\"3\"");
  EXPECT_EQ(reader.members().at("violation"), "\"\"");
  EXPECT_GT(reader.members().at("messages").size(), 10'000u);
  const std::string page = timeline_page(json);
  EXPECT_NE(page.find(json), std::string::npos);
  EXPECT_LT(page.size(), 10u << 20);
  // Nothing of it comes from elsewhere.
  for (const char* outside : {"src=", "href=\"http", "@import", "fetch(", "@STYLE@", "@SCRIPT@"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

}  // namespace
}  // namespace quorate::sim

#include "sim/timeline/timeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace quorate::sim {

namespace {

// The bytes of the well-formed UTF-8 character that begins at `at`; 0: none does.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(at + 1);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

// Texts repeat: each is written once and then told by its number.
class Texts {
 public:
  size_t number(const std::string& text) {
    auto [at, fresh] = numbers_.emplace(text, numbers_.size());
    if (fresh) order_.push_back(&at->first);
    return at->second;
  }
  std::string json() const {
    std::string out = "[";
    for (const std::string* text : order_) out += (out.size() > 1 ? "," : "") + json_text(*text);
    return out + "]";
  }

 private:
  std::map<std::string, size_t> numbers_;
  std::vector<const std::string*> order_;
};

// A row a line: what one looks at when something is wrong with it.
template <class Items, class F>
std::string rows(const Items& items, F&& row) {
  std::string out = "[";
  bool first = true;
  for (const auto& item : items) {
    out += first ? "\n" : ",\n";
    first = false;
    out += row(item);
  }
  return out + "]";
}

std::string transaction_row(const EventLog::Transaction& t, Texts& texts) {
  std::string steps;
  for (const EventLog::Step& s : t.steps)
    steps += fmt::format("{}[{},{},{},{}]", steps.empty() ? "" : ",", s.begin, s.end,
                         texts.number(s.text), texts.number(s.outcome));
  return fmt::format("[{},{},{},{},{},{},{},[{}],{}]", t.begin, t.end, t.host,
                     texts.number(t.label), static_cast<int>(t.fate), texts.number(t.outcome),
                     t.wrong ? 1 : 0, steps, t.steps_left_out);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = c < 0x80 ? 1 : utf8_length(text, i);
    if (length > 1) {
      out += text.substr(i, length);
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == '<' || c == 0x7f || length == 0) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += static_cast<char>(c);
    }
    i += std::max<size_t>(length, 1);
  }
  return out + "\"";
}

std::string timeline_json(const EventLog& log, const RunFacts& facts) {
  Texts texts;
  texts.number("");
  std::string kinds, hosts;
  for (size_t k = 0; k <= static_cast<size_t>(FrameKind::kOther); ++k)
    kinds += (k > 0 ? "," : "") + json_text(frame_kind_name(static_cast<FrameKind>(k)));
  for (const std::string& host : log.hosts()) hosts += (hosts.empty() ? "" : ",") + json_text(host);
  const std::string messages = rows(log.messages().items(), [&](const auto& m) {
    return fmt::format("[{},{},{},{},{},{},{},[{}],{}]", m.sent, m.ended, m.from, m.to,
                       static_cast<int>(m.what.kind), m.fate,
                       (m.duplicate ? 1 : 0) | (m.late ? 2 : 0), fmt::join(m.what.ranges, ","),
                       texts.number(m.what.text));
  });
  const std::string marks = rows(log.marks().items(), [&](const auto& m) {
    return fmt::format("[{},{},{},{},{},{}]", static_cast<int>(m.kind), m.at, m.host, m.range,
                       m.term, texts.number(m.text));
  });
  const std::string spans = rows(log.spans().items(), [&](const auto& s) {
    return fmt::format("[{},{},{},{},{},{},{},{}]", static_cast<int>(s.kind), s.begin, s.end,
                       s.from, s.to, s.range, s.term, texts.number(s.text));
  });
  const std::string transactions =
      rows(log.transactions().items(), [&](const auto& t) { return transaction_row(t, texts); });
  const std::string anomaly = rows(log.anomaly(), [&](const auto& e) {
    return fmt::format("{{\"from\":{},\"to\":{},\"kind\":{},\"why\":{}}}", json_text(e.from),
                       json_text(e.to), json_text(e.kind), json_text(e.why));
  });
  return fmt::format(
      "{{\"seed\":{},\"workload\":{},\"violation\":{},\"planted\":{},\"replay\":{},"
      "\"trace\":\"{:016x}\",\"committed\":{},\"failed\":{},\"unknown\":{},\n"
      "\"end\":{},\"nodes\":{},\"hosts\":[{}],\"kinds\":[{}],\n"
      "\"leftOut\":{{\"messages\":{},\"marks\":{},\"spans\":{},\"transactions\":{}}},\n"
      "\"anomaly\":{},\n\"spans\":{},\n\"marks\":{},\n\"transactions\":{},\n\"messages\":{},\n"
      "\"texts\":{}}}",
      json_text(std::to_string(facts.seed)), json_text(facts.workload), json_text(facts.violation),
      json_text(facts.planted), json_text(facts.replay), facts.trace_hash, facts.committed,
      facts.failed, facts.unknown, log.now(), log.nodes(), hosts, kinds, log.messages().left_out(),
      log.marks().left_out(), log.spans().left_out(), log.transactions().left_out(), anomaly, spans,
      marks, transactions, messages, texts.json());
}

std::string timeline_page(const std::string& json) {
  static constexpr std::string_view kPlace = "@DATA@";
  const size_t at = kTimelinePage.find(kPlace);
  CHECK(at != std::string_view::npos);
  std::string out(kTimelinePage.substr(0, at));
  out += json;
  out += kTimelinePage.substr(at + kPlace.size());
  return out;
}

}  // namespace quorate::sim

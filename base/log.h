// Log lines of a node: one sink a node, given by its constructor; never global, so that a simulated
// cluster's lines carry virtual time and end up in its trace.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

namespace quorate {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // `tags` is "n1,s1,r5" or shorter; called from any thread in the real world.
  virtual void write(LogLevel level, std::string_view tags, std::string_view text) = 0;
};

// Cheap to copy; derive one with more tags for a part: `log.with("r5")`.
class Logger {
 public:
  Logger() = default;  // drops everything
  Logger(LogSink* sink, LogLevel least, std::string tags = {})
      : sink_(sink), least_(least), tags_(std::move(tags)) {}
  Logger with(std::string_view tag) const {
    return Logger(sink_, least_, tags_.empty() ? std::string(tag) : tags_ + "," + std::string(tag));
  }
  bool enabled(LogLevel level) const { return sink_ != nullptr && level >= least_; }
  template <class... A>
  void debug(fmt::format_string<A...> f, A&&... a) const {
    line(LogLevel::kDebug, f, std::forward<A>(a)...);
  }
  template <class... A>
  void info(fmt::format_string<A...> f, A&&... a) const {
    line(LogLevel::kInfo, f, std::forward<A>(a)...);
  }
  template <class... A>
  void warning(fmt::format_string<A...> f, A&&... a) const {
    line(LogLevel::kWarning, f, std::forward<A>(a)...);
  }
  template <class... A>
  void error(fmt::format_string<A...> f, A&&... a) const {
    line(LogLevel::kError, f, std::forward<A>(a)...);
  }

 private:
  template <class... A>
  void line(LogLevel level, fmt::format_string<A...> f, A&&... a) const {
    if (enabled(level)) sink_->write(level, tags_, fmt::format(f, std::forward<A>(a)...));
  }
  LogSink* sink_ = nullptr;
  LogLevel least_ = LogLevel::kInfo;
  std::string tags_;
};

// To stderr, one line each: "2026-11-23T10:00:00.123456Z INFO [n1,r5] text". Made on spdlog.
std::unique_ptr<LogSink> make_stderr_sink();

}  // namespace quorate

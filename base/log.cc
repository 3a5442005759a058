#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace quorate {
namespace {

class StderrSink : public LogSink {
 public:
  StderrSink() : logger_("quorate", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %v", spdlog::pattern_time_type::utc);
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::info);
  }
  void write(LogLevel level, std::string_view tags, std::string_view text) override {
    static constexpr std::string_view kNames[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    logger_.info("{} [{}] {}", kNames[static_cast<int>(level)], tags, text);
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<LogSink> make_stderr_sink() { return std::make_unique<StderrSink>(); }

}  // namespace quorate

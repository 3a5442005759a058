#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace quorate {
namespace {
thread_local const std::function<std::string()>* check_context = nullptr;
}

void set_check_context(const std::function<std::string()>* context) { check_context = context; }

void check_failed(const char* file, int line, const char* expression, std::string_view message) {
  std::string context = check_context != nullptr ? (*check_context)() : std::string();
  std::fprintf(stderr, "%s:%d: check failed: %s%s%.*s%s%s\n", file, line, expression,
               message.empty() ? "" : ": ", static_cast<int>(message.size()), message.data(),
               context.empty() ? "" : "\n  ", context.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace quorate

// Assertions. CHECK is always on and guards data; DCHECK is for what costs and runs in debug builds
// and simulation builds. A failure prints the expression, the values given with `msg`, and what the
// failure hook knows (node, range, seed), then aborts. Bad input never trips one.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace quorate {

// Text appended to every failed check of this thread, e.g. the simulator's seed. Owned by the
// caller; nullptr clears it.
void set_check_context(const std::function<std::string()>* context);
[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               std::string_view message);

}  // namespace quorate

#define CHECK(cond)                                                                           \
  do {                                                                                        \
    if (__builtin_expect(!(cond), 0)) ::quorate::check_failed(__FILE__, __LINE__, #cond, {}); \
  } while (0)
#define CHECK_MSG(cond, message)                                                                   \
  do {                                                                                             \
    if (__builtin_expect(!(cond), 0)) ::quorate::check_failed(__FILE__, __LINE__, #cond, message); \
  } while (0)
#define UNREACHABLE(message) ::quorate::check_failed(__FILE__, __LINE__, "unreachable", message)
#ifdef QUORATE_DCHECK
#define DCHECK(cond) CHECK(cond)
#else
#define DCHECK(cond)         \
  do {                       \
    if (false) (void)(cond); \
  } while (0)
#endif

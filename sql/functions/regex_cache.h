// Compiled patterns of one statement.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"

namespace re2 {
class RE2;
}

namespace quorate::sql {

// At most kPatternsMax are kept; when more come, all are dropped (a pattern that differs row by row
// gains nothing from being kept).
class RegexCache {
 public:
  static constexpr size_t kPatternsMax = 64;
  RegexCache();
  ~RegexCache();
  // A POSIX regular expression as PostgreSQL's `~` takes it, in RE2's syntax. 2201B where it is
  // none. The pointer is good until the next call.
  Result<const re2::RE2*> regex(std::string_view pattern, bool ignore_case);

 private:
  absl::flat_hash_map<std::string, std::unique_ptr<re2::RE2>> compiled_;
};

// LIKE: % any string, _ any character, the backslash escapes. 22025 for an escape at the end.
Result<bool> like_match(std::string_view text, std::string_view pattern);

// Lower and upper case of UTF-8. The default collation is "C": only ASCII letters change.
std::string lower_text(std::string_view s);
std::string upper_text(std::string_view s);

}  // namespace quorate::sql

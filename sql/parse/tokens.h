// The tokens of a text as PostgreSQL's scanner cuts it.
#pragma once

#include <string_view>
#include <vector>

namespace quorate::sql {

struct ScannedToken {
  int kind = 0;               // PgQuery__Token
  size_t start = 0, end = 0;  // bytes of the text
};

// None where the text is empty or can't be cut.
std::vector<ScannedToken> scan_tokens(std::string_view sql);

}  // namespace quorate::sql

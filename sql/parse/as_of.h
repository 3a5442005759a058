// AS OF SYSTEM TIME 'moment', which PostgreSQL's grammar does not know (CockroachDB's does): at the
// end of a statement's FROM, of BEGIN, START TRANSACTION and SET TRANSACTION, outside of
// parentheses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::sql {

struct TextWithoutAsOf {
  std::string sql;                                      // every other byte is where it was
  std::vector<std::pair<size_t, std::string>> moments;  // where each clause stood, and what it says
};

// Nothing where the text has no such clause. The clause becomes blanks, or READ ONLY where a
// transaction is begun or set.
std::optional<TextWithoutAsOf> without_as_of(std::string_view sql);

}  // namespace quorate::sql

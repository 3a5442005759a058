#include "sql/parse/as_of.h"

#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <algorithm>
#include <utility>

#include "sql/parse/tokens.h"

namespace quorate::sql {
namespace {

constexpr PgQuery__Token kClause[] = {PG_QUERY__TOKEN__AS, PG_QUERY__TOKEN__OF,
                                      PG_QUERY__TOKEN__SYSTEM_P, PG_QUERY__TOKEN__TIME,
                                      PG_QUERY__TOKEN__SCONST};

bool is_clause(const std::vector<ScannedToken>& tokens, size_t at) {
  if (at + std::size(kClause) > tokens.size()) return false;
  for (size_t i = 0; i < std::size(kClause); ++i)
    if (tokens[at + i].kind != kClause[i]) return false;
  return true;
}

// What stands between the quotes of 'it''s'; nothing for other forms of a string.
std::optional<std::string> unquoted(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != '\'') return std::nullopt;
  std::string out;
  for (size_t i = 1; i + 1 < literal.size(); ++i) {
    if (literal[i] == '\'') ++i;
    out.push_back(literal[i]);
  }
  return out;
}

}  // namespace

std::optional<TextWithoutAsOf> without_as_of(std::string_view sql) {
  const std::vector<ScannedToken> tokens = scan_tokens(sql);
  TextWithoutAsOf out{std::string(sql), {}};
  int depth = 0;
  bool begins = true;        // the next token is a statement's first
  bool transaction = false;  // this statement's modes may follow
  for (size_t i = 0; i < tokens.size(); ++i) {
    const int token = tokens[i].kind;
    if (std::exchange(begins, false))
      transaction = token == PG_QUERY__TOKEN__BEGIN_P || token == PG_QUERY__TOKEN__START ||
                    token == PG_QUERY__TOKEN__SET;
    if (token == PG_QUERY__TOKEN__ASCII_40) ++depth;
    if (token == PG_QUERY__TOKEN__ASCII_41) --depth;
    begins = token == PG_QUERY__TOKEN__ASCII_59;
    if (depth != 0 || !is_clause(tokens, i)) continue;
    const ScannedToken& last = tokens[i + std::size(kClause) - 1];
    const auto from = tokens[i].start;
    const size_t value = last.start, end = last.end;
    auto moment = unquoted(sql.substr(value, end - value));
    if (!moment) return std::nullopt;
    constexpr std::string_view kReadOnly = "READ ONLY";
    std::string instead(end - from, ' ');
    if (transaction) instead.replace(0, kReadOnly.size(), kReadOnly);
    out.sql.replace(from, end - from, instead);
    out.moments.emplace_back(from, std::move(*moment));
    i += std::size(kClause) - 1;
  }
  if (out.moments.empty()) return std::nullopt;
  return out;
}

}  // namespace quorate::sql

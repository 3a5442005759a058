#include "sql/parse/nesting.h"

#include <pg_query.h>
extern "C" {
#include <pg_query/pg_query.pb-c.h>
}

#include <algorithm>
#include <string>
#include <vector>

#include "sql/parse/tokens.h"

namespace quorate::sql {
namespace {

// What stands between one pair of parentheses.
struct Level {
  size_t operators = 0;  // of the present element
  size_t inner = 0;      // the deepest parentheses of the present element
  size_t worst = 0;      // of the elements before
  size_t chain = 0;      // joins and set operations: they reach over commas

  void end_element() {
    worst = std::max(worst, operators + inner);
    operators = inner = 0;
  }
  size_t depth() const { return chain + std::max(worst, operators + inner) + 1; }
};

class Nesting {
 public:
  void take(PgQuery__Token token) {
    switch (token) {
      case PG_QUERY__TOKEN__ASCII_40:  // (
      case PG_QUERY__TOKEN__ASCII_91:  // [
      case PG_QUERY__TOKEN__CASE:
        levels_.emplace_back();
        return;
      case PG_QUERY__TOKEN__ASCII_41:  // )
      case PG_QUERY__TOKEN__ASCII_93:  // ]
      case PG_QUERY__TOKEN__END_P:
        return close();
      case PG_QUERY__TOKEN__ASCII_44:  // ,
      case PG_QUERY__TOKEN__AND:
      case PG_QUERY__TOKEN__OR:
      case PG_QUERY__TOKEN__WHEN:
      case PG_QUERY__TOKEN__THEN:
      case PG_QUERY__TOKEN__ELSE:
        return levels_.back().end_element();
      case PG_QUERY__TOKEN__ASCII_59:  // ;
        while (levels_.size() > 1) close();
        worst_ = depth();
        levels_.assign(1, {});
        return;
      case PG_QUERY__TOKEN__JOIN:
      case PG_QUERY__TOKEN__UNION:
      case PG_QUERY__TOKEN__INTERSECT:
      case PG_QUERY__TOKEN__EXCEPT:
        levels_.back().end_element();
        ++levels_.back().chain;
        return;
      // What an element consists of, and what only divides names.
      case PG_QUERY__TOKEN__IDENT:
      case PG_QUERY__TOKEN__UIDENT:
      case PG_QUERY__TOKEN__FCONST:
      case PG_QUERY__TOKEN__SCONST:
      case PG_QUERY__TOKEN__USCONST:
      case PG_QUERY__TOKEN__BCONST:
      case PG_QUERY__TOKEN__XCONST:
      case PG_QUERY__TOKEN__ICONST:
      case PG_QUERY__TOKEN__PARAM:
      case PG_QUERY__TOKEN__ASCII_46:  // .
      case PG_QUERY__TOKEN__SQL_COMMENT:
      case PG_QUERY__TOKEN__C_COMMENT:
        return;
      default:
        ++levels_.back().operators;
    }
  }
  size_t finish() {
    while (levels_.size() > 1) close();
    return depth();
  }

 private:
  // END closes a transaction, too, and a text may be no statement at all.
  void close() {
    if (levels_.size() == 1) return;
    const size_t depth = levels_.back().depth();
    levels_.pop_back();
    levels_.back().inner = std::max(levels_.back().inner, depth);
  }
  size_t depth() const { return std::max(worst_, levels_.back().depth()); }

  std::vector<Level> levels_ = std::vector<Level>(1);
  size_t worst_ = 0;  // of the statements before
};

}  // namespace

size_t nesting_bound(std::string_view sql) {
  Nesting nesting;
  for (const ScannedToken& t : scan_tokens(sql)) nesting.take(static_cast<PgQuery__Token>(t.kind));
  return nesting.finish();
}

Status check_nesting(std::string_view sql) {
  // No token without a byte.
  if (sql.size() <= kNestingMax || nesting_bound(sql) <= kNestingMax) return {};
  return resource_exhausted("stack depth limit exceeded", sqlstate::kStatementTooComplex)
      .with_hint(
          "Statements of fewer operators in a row, and fewer parentheses inside each other, are "
          "read.");
}

}  // namespace quorate::sql

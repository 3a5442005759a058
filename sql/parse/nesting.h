// How deep a statement's tree can be, told from its tokens, before any tree is made of it.
//
// The parser's library, the analyzer and the planner walk trees by recursion: a text such as
// 1+1+1+... of some thousand terms would run them out of stack, which ends the process. So a text
// that may go deeper than kNestingMax is refused first.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/status.h"

namespace quorate::sql {

// A frame's worth of stack at every level of every walk has been tried with 8 MiB of stack
// (tests/fuzz/parser_adapter.cc).
inline constexpr size_t kNestingMax = 1000;

// 54001 where the tree might be deeper. A text of up to kNestingMax bytes is not looked at.
Status check_nesting(std::string_view sql);

// An upper bound of the depth, of the order of the depth itself: operators and keywords of one
// element of a list count one each, for a chain of them may lean to the left; what AND, OR, commas
// and WHEN divide are neighbours; parentheses, brackets and CASE add what they hold. 0 where the
// text has no tokens.
size_t nesting_bound(std::string_view sql);

}  // namespace quorate::sql

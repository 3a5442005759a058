// Statement texts with their literals lifted out: the key under which plans are cached.
//
//   SELECT c FROM t WHERE id = 5 AND s = 'x'
//   -> key "SELECT c FROM t WHERE id = \x01 AND s = \x02", literals 5 (integer) and 'x' (string)
//
// One pass, no allocation beyond `out`'s buffers, which are meant to be used again. Two texts with
// one key differ in their literals alone, and each literal's class is in the key, so the parser
// gives them the same tree but for the constants. Whether a literal shapes the plan (ORDER BY 1, a
// type's modifier, INTERVAL '...') is the plan's to know: it compares the literals it says so of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::sql {

enum class LiteralClass : uint8_t {
  kInteger = 1,  // fits int4, as the parser's ICONST
  kNumber = 2,   // any other number: FCONST
  kString = 3    // '...'
};

struct Literal {
  LiteralClass kind = LiteralClass::kInteger;
  uint32_t offset = 0, size = 0;  // in the text; a string with its quotes
  int64_t integer = 0;            // kInteger: the value
};

struct NormalizedText {
  std::string key;
  std::vector<Literal> literals;
  void clear() {
    key.clear();
    literals.clear();
  }
};

// False where the text holds what this pass does not know: comments, E'' U&'' B'' X'' N'' strings,
// dollar quotes, strings that go on over a line, a backslash in a string, a parameter's number
// beyond reading, a zero byte, more than one statement. The text is then its own key. A closing
// semicolon and blanks around the text are left out of the key.
bool normalize(std::string_view sql, NormalizedText* out);

// A string literal's value: quotes removed, doubled ones made one.
std::string unquote_literal(std::string_view quoted);

}  // namespace quorate::sql

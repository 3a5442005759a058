#include "sql/parse/normalize.h"

#include <array>

namespace quorate::sql {
namespace {

enum Class : uint8_t { kOther, kBlank, kLetter, kDigit, kQuote, kDoubleQuote, kDot, kStop };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> t{};
  for (int c = 'a'; c <= 'z'; ++c) t[static_cast<size_t>(c)] = kLetter;
  for (int c = 'A'; c <= 'Z'; ++c) t[static_cast<size_t>(c)] = kLetter;
  for (size_t c = 128; c < 256; ++c) t[c] = kLetter;
  t['_'] = kLetter;
  for (int c = '0'; c <= '9'; ++c) t[static_cast<size_t>(c)] = kDigit;
  for (char c : {' ', '\t', '\n', '\r', '\f'}) t[static_cast<size_t>(c)] = kBlank;
  t['\''] = kQuote;
  t['"'] = kDoubleQuote;
  t['.'] = kDot;
  for (size_t c = 0; c < 9; ++c) t[c] = kStop;
  t[';'] = kStop;
  return t;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

Class class_of(char c) { return static_cast<Class>(kClasses[static_cast<unsigned char>(c)]); }
bool is_word(char c) {
  Class k = class_of(c);
  return k == kLetter || k == kDigit || c == '$';
}

class Lifter {
 public:
  Lifter(std::string_view sql, NormalizedText* out) : sql_(sql), out_(*out) {}

  bool run() {
    while (at_ < sql_.size()) {
      if (!step()) return false;
    }
    flush(sql_.size());
    while (!out_.key.empty() && class_of(out_.key.back()) == kBlank) out_.key.pop_back();
    return true;
  }

 private:
  bool step() {
    char c = sql_[at_];
    switch (class_of(c)) {
      case kBlank:
        ++at_;
        return true;
      case kLetter:
        return word();
      case kDigit:
        return number();
      case kDot:
        // ".5" is a number; "t.5" is not valid, and ".." belongs to no statement we cache.
        if (at_ + 1 < sql_.size() && class_of(sql_[at_ + 1]) == kDigit) return number();
        ++at_;
        return !(at_ < sql_.size() && sql_[at_] == '.');
      case kQuote:
        return string();
      case kDoubleQuote:
        return quoted_name();
      case kStop:
        return c == ';' && closing_semicolon();
      case kOther:
        return symbol(c);
    }
    return false;
  }

  bool word() {
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    // E'...', U&'...', B'...', N'...' and their like.
    if (at_ < sql_.size() && (sql_[at_] == '\'' || sql_[at_] == '&'))
      return sql_[at_] == '&' && plain_and();
    return true;
  }
  bool plain_and() const {
    return at_ + 1 < sql_.size() && sql_[at_ + 1] != '\'' && sql_[at_ + 1] != '"';
  }

  bool symbol(char c) {
    char next = at_ + 1 < sql_.size() ? sql_[at_ + 1] : '\0';
    if ((c == '-' && next == '-') || (c == '/' && next == '*')) return false;
    if (c == '$') {
      ++at_;
      if (class_of(next) != kDigit) return false;
      while (at_ < sql_.size() && class_of(sql_[at_]) == kDigit) ++at_;
      return at_ == sql_.size() || !is_word(sql_[at_]);
    }
    ++at_;
    return true;
  }

  bool quoted_name() {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\0') return false;
      if (sql_[at_] == '"') {
        ++at_;
        return true;  // a doubled quote is read as two names side by side: the key is the same
      }
    }
    return false;
  }

  bool string() {
    size_t begin = at_;
    for (++at_;; ++at_) {
      if (at_ >= sql_.size() || sql_[at_] == '\\' || sql_[at_] == '\0') return false;
      if (sql_[at_] != '\'') continue;
      if (at_ + 1 < sql_.size() && sql_[at_ + 1] == '\'')
        ++at_;
      else
        break;
    }
    ++at_;
    // 'a' <newline> 'b' is one string: leave it to the parser.
    size_t after = at_;
    while (after < sql_.size() && class_of(sql_[after]) == kBlank) ++after;
    if (after < sql_.size() && sql_[after] == '\'') return false;
    lift(LiteralClass::kString, begin, 0);
    return true;
  }

  bool number() {
    size_t begin = at_;
    uint64_t value = 0;
    bool integer = true;
    while (at_ < sql_.size() && class_of(sql_[at_]) == kDigit) {
      if (value <= INT32_MAX) value = value * 10 + static_cast<uint64_t>(sql_[at_] - '0');
      ++at_;
    }
    if (at_ < sql_.size() && sql_[at_] == '.') {
      if (at_ + 1 < sql_.size() && sql_[at_ + 1] == '.') return false;
      integer = false;
      for (++at_; at_ < sql_.size() && class_of(sql_[at_]) == kDigit;) ++at_;
    }
    if (at_ < sql_.size() && (sql_[at_] | 0x20) == 'e') {
      size_t e = at_ + 1;
      if (e < sql_.size() && (sql_[e] == '+' || sql_[e] == '-')) ++e;
      if (e >= sql_.size() || class_of(sql_[e]) != kDigit) return false;
      while (e < sql_.size() && class_of(sql_[e]) == kDigit) ++e;
      at_ = e;
      integer = false;
    }
    if (at_ < sql_.size() && (is_word(sql_[at_]) || sql_[at_] == '.')) return false;
    integer = integer && value <= INT32_MAX;
    lift(integer ? LiteralClass::kInteger : LiteralClass::kNumber, begin,
         integer ? static_cast<int64_t>(value) : 0);
    return true;
  }

  bool closing_semicolon() {
    flush(at_);
    while (at_ < sql_.size() && (sql_[at_] == ';' || class_of(sql_[at_]) == kBlank)) ++at_;
    copied_ = at_;
    return at_ == sql_.size();
  }

  void lift(LiteralClass kind, size_t begin, int64_t integer) {
    flush(begin);
    out_.key.push_back(static_cast<char>(kind));
    out_.literals.push_back(
        {kind, static_cast<uint32_t>(begin), static_cast<uint32_t>(at_ - begin), integer});
    copied_ = at_;
  }

  // Copies what stands between the last literal and `end`; leading blanks of the text are dropped.
  void flush(size_t end) {
    if (out_.key.empty())
      while (copied_ < end && class_of(sql_[copied_]) == kBlank) ++copied_;
    if (end > copied_) out_.key.append(sql_.substr(copied_, end - copied_));
    copied_ = end;
  }

  std::string_view sql_;
  NormalizedText& out_;
  size_t at_ = 0, copied_ = 0;
};

}  // namespace

bool normalize(std::string_view sql, NormalizedText* out) {
  out->clear();
  return Lifter(sql, out).run();
}

std::string unquote_literal(std::string_view quoted) {
  std::string out;
  out.reserve(quoted.size());
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    out.push_back(quoted[i]);
    if (quoted[i] == '\'') ++i;
  }
  return out;
}

}  // namespace quorate::sql

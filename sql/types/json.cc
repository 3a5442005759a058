#include "sql/types/json.h"

#include <algorithm>
#include <map>
#include <vector>

#include "fmt/format.h"
#include "sql/types/numeric.h"

namespace quorate::sql {
namespace {

constexpr int kDepthMax = 6000;  // beyond it PostgreSQL's stack check answers 54001 as well

struct KeyOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// One pass that checks and, where `normal` is wanted, writes jsonb's form.
class JsonParser {
 public:
  JsonParser(std::string_view text, bool normal) : text_(text), normal_(normal) {}

  Status parse(Bytes* out) {
    RETURN_IF_ERROR(value(out, 0));
    skip_blanks();
    return at_ == text_.size() ? Status() : bad_token();
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_json_blank(text_[at_])) ++at_;
  }

  Status error(std::string detail) {
    return invalid_argument("invalid input syntax for type json",
                            sqlstate::kInvalidTextRepresentation)
        .with_detail(std::move(detail));
  }

  Status bad_token() {
    if (at_ >= text_.size()) return error("The input string ended unexpectedly.");
    size_t end = at_;
    auto word = [](char c) {
      return (c >= '0' && c <= '9') || (c | 32) >= 'a'
                 ? (c | 32) <= 'z' || static_cast<signed char>(c) < 0 || (c >= '0' && c <= '9')
                 : c == '_';
    };
    while (end < text_.size() && word(text_[end])) ++end;
    if (end == at_) end = at_ + 1;
    return error(fmt::format("Token \"{}\" is invalid.", text_.substr(at_, end - at_)));
  }

  Status value(Bytes* out, int depth) {
    if (depth > kDepthMax) {
      return resource_exhausted("stack depth limit exceeded", sqlstate::kStatementTooComplex);
    }
    skip_blanks();
    if (at_ >= text_.size()) return bad_token();
    switch (text_[at_]) {
      case '{':
        return object(out, depth);
      case '[':
        return array(out, depth);
      case '"': {
        std::string s;
        RETURN_IF_ERROR(string(&s));
        if (normal_) json_quote(s, *out);
        return {};
      }
      default:
        return number_or_word(out);
    }
  }

  Status object(Bytes* out, int depth) {
    std::map<std::string, Bytes, KeyOrder> members;
    ++at_;
    skip_blanks();
    bool first = true;
    while (at_ >= text_.size() || text_[at_] != '}' || !first) {
      skip_blanks();
      if (at_ >= text_.size() || text_[at_] != '"') return bad_token();
      std::string key;
      RETURN_IF_ERROR(string(&key));
      skip_blanks();
      if (at_ >= text_.size() || text_[at_] != ':') return bad_token();
      ++at_;
      Bytes member;
      RETURN_IF_ERROR(value(&member, depth + 1));
      if (normal_) members[key] = std::move(member);
      first = false;
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      if (at_ < text_.size() && text_[at_] == '}') break;
      return bad_token();
    }
    ++at_;
    if (!normal_) return {};
    out->push_back('{');
    const char* separator = "";
    for (const auto& [key, member] : members) {
      *out += separator;
      json_quote(key, *out);
      *out += ": ";
      *out += member;
      separator = ", ";
    }
    out->push_back('}');
    return {};
  }

  Status array(Bytes* out, int depth) {
    ++at_;
    if (normal_) out->push_back('[');
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == ']') {
      ++at_;
    } else {
      for (;;) {
        RETURN_IF_ERROR(value(out, depth + 1));
        skip_blanks();
        if (at_ >= text_.size() || (text_[at_] != ',' && text_[at_] != ']')) return bad_token();
        if (text_[at_++] == ']') break;
        if (normal_) *out += ", ";
      }
    }
    if (normal_) out->push_back(']');
    return {};
  }

  bool hex4(uint32_t* v) {
    if (at_ + 4 > text_.size()) return false;
    *v = 0;
    for (int i = 0; i < 4; ++i) {
      char c = text_[at_++];
      int d = c >= '0' && c <= '9'                 ? c - '0'
              : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                   : -1;
      if (d < 0) return false;
      *v = *v << 4 | static_cast<uint32_t>(d);
    }
    return true;
  }

  static void put_utf8(uint32_t c, std::string* out) {
    auto put = [&](uint32_t b) { out->push_back(static_cast<char>(b)); };
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    } else {
      put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)),
          put(0x80 | (c & 0x3f));
    }
  }

  Status unicode_escape(std::string* out) {
    uint32_t c = 0, low = 0;
    if (!hex4(&c)) return error("\"\\u\" must be followed by four hexadecimal digits.");
    if (c >= 0xd800 && c < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u")
        return error("Unicode low surrogate must follow a high surrogate.");
      at_ += 2;
      if (!hex4(&low) || low < 0xdc00 || low > 0xdfff)
        return error("Unicode low surrogate must follow a high surrogate.");
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xdc00 && c < 0xe000) {
      return error("Unicode low surrogate must follow a high surrogate.");
    }
    if (c == 0 && normal_) {
      return invalid_argument("unsupported Unicode escape sequence",
                              sqlstate::kUntranslatableCharacter)
          .with_detail("\\u0000 cannot be converted to text.");
    }
    put_utf8(c, out);
    return {};
  }

  Status string(std::string* out) {
    for (++at_; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        return error(fmt::format("Character with value 0x{:02x} must be escaped.",
                                 static_cast<unsigned char>(c)));
      }
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      if (++at_ >= text_.size()) break;
      static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      if (text_[at_] == 'u') {
        ++at_;
        RETURN_IF_ERROR(unicode_escape(out));
        --at_;
        continue;
      }
      size_t i = kFrom.find(text_[at_]);
      if (i == std::string_view::npos)
        return error(fmt::format("Escape sequence \"\\{}\" is invalid.", text_[at_]));
      out->push_back(kTo[i]);
    }
    return error("The input string ended unexpectedly.");
  }

  Status number_or_word(Bytes* out) {
    for (std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        if (normal_) *out += word;
        return {};
      }
    }
    size_t i = at_;
    auto digits = [&] {
      size_t start = i;
      while (i < text_.size() && text_[i] >= '0' && text_[i] <= '9') ++i;
      return i - start;
    };
    if (i < text_.size() && text_[i] == '-') ++i;
    size_t first = i;
    size_t whole = digits();
    if (whole == 0 || (whole > 1 && text_[first] == '0')) return bad_token();
    if (i < text_.size() && text_[i] == '.') {
      ++i;
      if (digits() == 0) return bad_token();
    }
    if (i < text_.size() && (text_[i] | 32) == 'e') {
      ++i;
      if (i < text_.size() && (text_[i] == '+' || text_[i] == '-')) ++i;
      if (digits() == 0) return bad_token();
    }
    if (normal_) {
      ASSIGN_OR_RETURN(Datum n, numeric_input(text_.substr(at_, i - at_), -1));
      numeric_output(n, *out);
    }
    at_ = i;
    return {};
  }

  std::string_view text_;
  bool normal_;
  size_t at_ = 0;
};

}  // namespace

Status json_check(std::string_view text) {
  Bytes ignored;
  return JsonParser(text, false).parse(&ignored);
}

Result<Datum> jsonb_input(std::string_view text) {
  Bytes out;
  RETURN_IF_ERROR(JsonParser(text, true).parse(&out));
  return Datum::of_bytes(out);
}

int jsonb_compare(const Datum& a, const Datum& b) {
  int c = a.as_bytes().compare(b.as_bytes());
  return c < 0 ? -1 : c > 0;
}

void json_quote(std::string_view s, Bytes& out) {
  out.push_back('"');
  for (char c : s) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

}  // namespace quorate::sql

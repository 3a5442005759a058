#include "sql/types/array.h"

#include "fmt/format.h"
#include "sql/types/binary_io.h"
#include "sql/types/compare.h"
#include "sql/types/hash.h"
#include "sql/types/scan.h"
#include "sql/types/text_io.h"
#include "sql/types/value_encoding.h"

namespace quorate::sql {
namespace {

struct Header {
  Oid element = 0;
  std::vector<ArrayDimension> dimensions;
  int64_t count() const {
    if (dimensions.empty()) return 0;
    int64_t n = 1;
    for (const ArrayDimension& d : dimensions) n *= d.length;
    return n;
  }
};

Header take_header(BytesView& in) {
  Header h;
  uint64_t n = 0, element = 0;
  CHECK(take_varint(in, n) && n <= kArrayDimensionsMax && take_varint(in, element));
  h.element = static_cast<Oid>(element);
  for (uint64_t i = 0; i < n; ++i) {
    uint64_t length = 0, lower = 0;
    CHECK(take_varint(in, length) && take_varint(in, lower));
    h.dimensions.push_back({static_cast<int32_t>(length), static_cast<int32_t>(unzigzag(lower))});
  }
  return h;
}

bool is_vector(Oid type) { return type == oid::kInt2Vector || type == oid::kOidVector; }

bool needs_quotes(std::string_view s) {
  if (s.empty() || equals_ignoring_case(s, "null")) return true;
  for (char c : s) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || is_blank(c)) return true;
  }
  return false;
}

void quote_element(std::string_view s, Bytes& out) {
  out.push_back('"');
  for (char c : s) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

Status malformed(std::string_view text, std::string detail) {
  return invalid_argument(fmt::format("malformed array literal: \"{}\"", text),
                          sqlstate::kInvalidTextRepresentation)
      .with_detail(std::move(detail));
}

// The last index must be an int4, too.
Status check_bound(int32_t lower, int64_t length) {
  if (lower + length <= INT32_MAX) return {};
  return resource_exhausted(fmt::format("array lower bound is too large: {}", lower));
}

// Reads {..}: nested braces are further dimensions, which must all have the same lengths.
class ArrayParser {
 public:
  ArrayParser(std::string_view text, Type element, const IoContext& io)
      : text_(text), element_(element), io_(io) {}

  Result<Array> parse() {
    Array a;
    a.element = element_.oid;
    skip_blanks();
    std::vector<ArrayDimension> given;
    RETURN_IF_ERROR(take_bounds(&given));
    if (at_ >= text_.size() || text_[at_] != '{') {
      return malformed(text_, given.empty()
                                  ? "Array value must start with \"{\" or dimension information."
                                  : "Array contents must start with \"{\".");
    }
    RETURN_IF_ERROR(take_level(0, &a.values));
    skip_blanks();
    if (at_ != text_.size()) return malformed(text_, "Junk after closing right brace.");
    if (a.values.empty()) return a;
    for (int32_t n : lengths_) a.dimensions.push_back({n, 1});
    if (!given.empty()) {
      if (given.size() != a.dimensions.size())
        return malformed(text_, "Specified array dimensions do not match array contents.");
      for (size_t i = 0; i < given.size(); ++i) {
        if (given[i].length != a.dimensions[i].length) {
          return malformed(text_, "Specified array dimensions do not match array contents.");
        }
      }
      a.dimensions = given;
    }
    return a;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  bool take_number(int32_t* n) {
    bool negative = at_ < text_.size() && text_[at_] == '-';
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
    size_t start = at_;
    int64_t v = 0;
    while (at_ < text_.size() && is_digit(text_[at_]) && at_ - start < 10)
      v = v * 10 + (text_[at_++] - '0');
    if (negative) v = -v;
    *n = static_cast<int32_t>(v);
    return at_ > start && *n == v;
  }

  // [2:3][0:1]=
  Status take_bounds(std::vector<ArrayDimension>* out) {
    while (at_ < text_.size() && text_[at_] == '[') {
      ++at_;
      int32_t first = 0, last = 0;
      if (!take_number(&first))
        return malformed(text_, "\"[\" must introduce explicitly-specified array dimensions.");
      if (at_ < text_.size() && text_[at_] == ':') {
        ++at_;
        if (!take_number(&last)) return malformed(text_, "Missing array dimension value.");
      } else {
        last = first;
        first = 1;
      }
      if (at_ >= text_.size() || text_[at_] != ']')
        return malformed(text_, "Missing \"]\" after array dimensions.");
      ++at_;
      if (last < first) {
        return invalid_argument("upper bound cannot be less than lower bound",
                                sqlstate::kArraySubscriptError);
      }
      const int64_t length = int64_t{last} - first + 1;
      RETURN_IF_ERROR(check_bound(first, length));
      out->push_back({static_cast<int32_t>(length), first});
    }
    if (out->empty()) return {};
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != '=')
      return malformed(text_, "Missing \"=\" after array dimensions.");
    ++at_;
    skip_blanks();
    return {};
  }

  Status take_level(size_t depth, std::vector<Datum>* out) {
    if (depth >= kArrayDimensionsMax) {
      return resource_exhausted(
          fmt::format("number of array dimensions ({}) exceeds the maximum allowed ({})", depth + 1,
                      kArrayDimensionsMax));
    }
    ++at_;  // the brace
    int32_t count = 0;
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '}') {
      ++at_;
      if (depth == 0) return {};
      return close_level(depth, 0);
    }
    for (;;) {
      skip_blanks();
      if (at_ >= text_.size()) return malformed(text_, "Unexpected end of input.");
      if (text_[at_] == '{') {
        RETURN_IF_ERROR(take_level(depth + 1, out));
      } else {
        if (leaf_depth_ >= 0 && leaf_depth_ != static_cast<int>(depth)) return unbalanced();
        leaf_depth_ = static_cast<int>(depth);
        RETURN_IF_ERROR(take_element(out));
      }
      ++count;
      skip_blanks();
      if (at_ >= text_.size()) return malformed(text_, "Unexpected end of input.");
      if (text_[at_] == '}') break;
      if (text_[at_] != ',')
        return malformed(text_, fmt::format("Unexpected \"{}\" character.", text_[at_]));
      ++at_;
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == '}')
        return malformed(text_, "Unexpected \"}\" character.");
    }
    ++at_;
    return close_level(depth, count);
  }

  Status unbalanced() {
    return malformed(text_,
                     "Multidimensional arrays must have sub-arrays with matching dimensions.");
  }

  Status close_level(size_t depth, int32_t count) {
    if (lengths_.size() <= depth) lengths_.resize(depth + 1, -1);
    if (lengths_[depth] >= 0 && lengths_[depth] != count) return unbalanced();
    if (leaf_depth_ >= 0 && static_cast<int>(depth) > leaf_depth_) return unbalanced();
    lengths_[depth] = count;
    return {};
  }

  Status take_element(std::vector<Datum>* out) {
    std::string value;
    bool quoted = text_[at_] == '"';
    if (quoted) {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        value.push_back(text_[at_]);
      }
      if (at_ >= text_.size()) return malformed(text_, "Unexpected end of input.");
      ++at_;
    } else {
      size_t keep = 0;  // an escaped blank at the end stays
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}') {
        char c = text_[at_];
        if (c == '{' || c == '"')
          return malformed(text_,
                           c == '{' ? "Unexpected \"{\" character." : "Unexpected array element.");
        bool escaped = c == '\\' && at_ + 1 < text_.size();
        if (escaped) c = text_[++at_];
        value.push_back(c);
        if (escaped || !is_blank(c)) keep = value.size();
        ++at_;
      }
      value.resize(keep);
      if (value.empty())
        return malformed(text_, fmt::format("Unexpected \"{}\" character.",
                                            at_ < text_.size() ? text_[at_] : '}'));
      if (equals_ignoring_case(value, "null")) {
        out->push_back(Datum::null());
        return {};
      }
    }
    ASSIGN_OR_RETURN(Datum v, input_text(element_, value, io_));
    out->push_back(std::move(v));
    return {};
  }

  std::string_view text_;
  Type element_;
  const IoContext& io_;
  size_t at_ = 0;
  int leaf_depth_ = -1;
  std::vector<int32_t> lengths_;
};

Result<Datum> vector_input(Oid type, std::string_view text, const IoContext& io) {
  Oid element = element_type(type);
  std::vector<Datum> values;
  for (size_t at = 0; at < text.size();) {
    while (at < text.size() && is_blank(text[at])) ++at;
    size_t start = at;
    while (at < text.size() && !is_blank(text[at])) ++at;
    if (at == start) break;
    ASSIGN_OR_RETURN(Datum v, input_text(Type{element}, text.substr(start, at - start), io));
    values.push_back(std::move(v));
  }
  return Array::of(element, std::move(values), 0).to_datum();
}

void put_i32(int64_t v, Bytes& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

bool take_i32(BytesView& in, int32_t* v) {
  if (in.size() < 4) return false;
  uint32_t u = 0;
  for (int i = 0; i < 4; ++i) u = u << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(4);
  *v = static_cast<int32_t>(u);
  return true;
}

}  // namespace

Array Array::open(const Datum& d) {
  BytesView in = d.as_bytes();
  Header h = take_header(in);
  Array a;
  a.element = h.element;
  a.dimensions = std::move(h.dimensions);
  int64_t count = 1;
  for (const ArrayDimension& dimension : a.dimensions) count *= dimension.length;
  if (a.dimensions.empty()) count = 0;
  a.values.reserve(static_cast<size_t>(count));
  Rep rep = type_info(a.element).rep;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t size = 0;
    CHECK(take_varint(in, size) && size <= in.size() + 1);
    Datum v;
    if (size > 0) {
      CHECK(decode_value_fast(rep, a.element, in.substr(0, size - 1), &v));
      in.remove_prefix(size - 1);
    }
    a.values.push_back(std::move(v));
  }
  return a;
}

Array Array::of(Oid element, std::vector<Datum> values, int32_t lower) {
  Array a;
  a.element = element;
  if (!values.empty()) a.dimensions.push_back({static_cast<int32_t>(values.size()), lower});
  a.values = std::move(values);
  return a;
}

Datum Array::to_datum() const {
  Bytes out;
  put_varint(dimensions.size(), out);
  put_varint(element, out);
  for (const ArrayDimension& d : dimensions) {
    put_varint(static_cast<uint64_t>(d.length), out);
    put_varint(zigzag(d.lower), out);
  }
  Bytes scratch;
  for (const Datum& v : values) {
    if (v.is_null()) {
      out.push_back('\0');
      continue;
    }
    scratch.clear();
    encode_value(element, v, scratch);
    put_varint(scratch.size() + 1, out);
    out += scratch;
  }
  return Datum::of_bytes(out);
}

int64_t array_cardinality(const Datum& d) {
  BytesView in = d.as_bytes();
  return take_header(in).count();
}

Result<Datum> array_input(Oid type, int32_t typmod, std::string_view text, const IoContext& io) {
  if (is_vector(type)) return vector_input(type, text, io);
  ASSIGN_OR_RETURN(Array a, ArrayParser(text, Type{element_type(type), typmod}, io).parse());
  return a.to_datum();
}

void array_output(Oid type, const Datum& v, const IoContext& io, Bytes& out) {
  Array a = Array::open(v);
  Bytes item;
  if (is_vector(type)) {
    for (size_t i = 0; i < a.values.size(); ++i) {
      if (i > 0) out.push_back(' ');
      output_text(Type{a.element}, a.values[i], io, out);
    }
    return;
  }
  bool plain_bounds = true;
  for (const ArrayDimension& d : a.dimensions) plain_bounds = plain_bounds && d.lower == 1;
  if (!plain_bounds) {
    for (const ArrayDimension& d : a.dimensions)
      out += fmt::format("[{}:{}]", d.lower, int64_t{d.lower} + d.length - 1);
    out.push_back('=');
  }
  if (a.values.empty()) {
    out += "{}";
    return;
  }
  // A level's brace opens where the index is a multiple of all lengths below it.
  std::vector<size_t> stride(a.dimensions.size(), 1);
  for (size_t i = a.dimensions.size(); i-- > 0;) {
    stride[i] =
        static_cast<size_t>(a.dimensions[i].length) * (i + 1 < stride.size() ? stride[i + 1] : 1);
  }
  for (size_t i = 0; i < a.values.size(); ++i) {
    if (i > 0) out.push_back(',');
    for (size_t s : stride) {
      if (i % s == 0) out.push_back('{');
    }
    if (a.values[i].is_null()) {
      out += "NULL";
    } else {
      item.clear();
      output_text(Type{a.element}, a.values[i], io, item);
      needs_quotes(item) ? quote_element(item, out) : void(out += item);
    }
    for (size_t s : stride) {
      if ((i + 1) % s == 0) out.push_back('}');
    }
  }
}

Result<Datum> array_receive(Oid type, int32_t typmod, BytesView in, const IoContext& io) {
  auto bad = [](std::string message) -> Status {
    return invalid_argument(std::move(message), sqlstate::kInvalidBinaryRepresentation);
  };
  int32_t dimensions = 0, flags = 0, element = 0;
  if (!take_i32(in, &dimensions) || !take_i32(in, &flags) || !take_i32(in, &element)) {
    return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
  }
  if (dimensions < 0 || dimensions > kArrayDimensionsMax)
    return bad(fmt::format("invalid number of dimensions: {}", dimensions));
  if (flags != 0 && flags != 1) return bad("invalid array flags");
  Array a;
  a.element = element_type(type);
  if (static_cast<Oid>(element) != a.element) {
    return invalid_argument(
        fmt::format("binary data has array element type {} ({}) instead of expected {} ({})",
                    element, format_type(static_cast<Oid>(element)), a.element,
                    format_type(a.element)),
        sqlstate::kDatatypeMismatch);
  }
  int64_t count = dimensions == 0 ? 0 : 1;
  for (int i = 0; i < dimensions; ++i) {
    ArrayDimension d;
    if (!take_i32(in, &d.length) || !take_i32(in, &d.lower) || d.length < 0) {
      return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
    }
    RETURN_IF_ERROR(check_bound(d.lower, d.length));
    count *= d.length;
    // Each element takes four bytes at least, which bounds what a short message can make us
    // allocate.
    if (count > static_cast<int64_t>(in.size())) return bad("incorrect binary data format");
    a.dimensions.push_back(d);
  }
  for (int64_t i = 0; i < count; ++i) {
    int32_t size = 0;
    if (!take_i32(in, &size) || size < -1 || static_cast<int64_t>(in.size()) < size) {
      return invalid_argument("insufficient data left in message", sqlstate::kProtocolViolation);
    }
    Datum v;
    if (size >= 0) {
      ASSIGN_OR_RETURN(
          v, receive_binary(Type{a.element, typmod}, in.substr(0, static_cast<size_t>(size)), io));
      in.remove_prefix(static_cast<size_t>(size));
    }
    a.values.push_back(std::move(v));
  }
  if (count == 0) a.dimensions.clear();
  if (is_vector(type) && count > 0) {
    const bool nulls =
        std::any_of(a.values.begin(), a.values.end(), [](const Datum& v) { return v.is_null(); });
    if (a.dimensions.size() != 1 || a.dimensions[0].lower != 0 || nulls)
      return bad(fmt::format("invalid {} data", type_info(type).name));
  }
  return a.to_datum();
}

Status array_send(Oid, const Datum& v, const IoContext& io, Bytes& out) {
  Array a = Array::open(v);
  bool has_null = false;
  for (const Datum& e : a.values) has_null = has_null || e.is_null();
  put_i32(static_cast<int64_t>(a.dimensions.size()), out);
  put_i32(has_null ? 1 : 0, out);
  put_i32(a.element, out);
  for (const ArrayDimension& d : a.dimensions) {
    put_i32(d.length, out);
    put_i32(d.lower, out);
  }
  Bytes item;
  for (const Datum& e : a.values) {
    if (e.is_null()) {
      put_i32(-1, out);
      continue;
    }
    item.clear();
    RETURN_IF_ERROR(send_binary(Type{a.element}, e, io, item));
    put_i32(static_cast<int64_t>(item.size()), out);
    out += item;
  }
  return {};
}

int array_compare(const Datum& a, const Datum& b) {
  Array x = Array::open(a), y = Array::open(b);
  CompareFn fn = compare_fn(x.element);
  CHECK(fn != nullptr);
  for (size_t i = 0; i < std::min(x.values.size(), y.values.size()); ++i) {
    const Datum &p = x.values[i], &q = y.values[i];
    if (p.is_null() || q.is_null()) {
      if (p.is_null() != q.is_null()) return p.is_null() ? 1 : -1;
      continue;
    }
    if (int c = fn(p, q); c != 0) return c;
  }
  if (x.values.size() != y.values.size()) return x.values.size() < y.values.size() ? -1 : 1;
  if (x.dimensions.size() != y.dimensions.size())
    return x.dimensions.size() < y.dimensions.size() ? -1 : 1;
  for (size_t i = 0; i < x.dimensions.size(); ++i) {
    const ArrayDimension &p = x.dimensions[i], &q = y.dimensions[i];
    if (p.length != q.length) return p.length < q.length ? -1 : 1;
    if (p.lower != q.lower) return p.lower < q.lower ? -1 : 1;
  }
  return 0;
}

uint64_t array_hash(const Datum& v) {
  Array a = Array::open(v);
  HashFn fn = hash_fn(a.element);
  uint64_t h = a.values.size();
  for (const Datum& e : a.values) h = hash_combine(h, e.is_null() ? 0 : fn(e));
  return h;
}

}  // namespace quorate::sql

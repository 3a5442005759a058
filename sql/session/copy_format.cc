#include "sql/session/copy_format.h"

#include <algorithm>
#include <cstring>

#include "base/limits.h"

namespace quorate::sql {
namespace {

using Format = CopyOptions::Format;

// What \b \f \n \r \t \v stand for, and their letters.
constexpr std::string_view kControls = "\b\f\n\r\t\v", kLetters = "bfnrtv";
constexpr BytesView kSignature("PGCOPY\n\377\r\n\0", 11);

Status bad_format(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kBadCopyFileFormat, std::move(message));
}

int32_t load32(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return static_cast<int32_t>(uint32_t{u[0]} << 24 | uint32_t{u[1]} << 16 | uint32_t{u[2]} << 8 |
                              u[3]);
}

void put_number(Bytes& out, uint32_t v, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(v >> (8 * i)));
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What a backslash and the characters after it stand for; `i` is left behind them.
char unescape(BytesView s, size_t* i) {
  char c = s[(*i)++];
  if (size_t at = kLetters.find(c); at != kLetters.npos) return kControls[at];
  if (c == 'x') {
    int value = 0, digits = 0;
    while (digits < 2 && *i < s.size() && hex_digit(s[*i]) >= 0) {
      value = value * 16 + hex_digit(s[(*i)++]);
      ++digits;
    }
    return digits > 0 ? static_cast<char>(value) : 'x';
  }
  if (!is_octal(c)) return c;
  int value = c - '0';
  for (int digits = 1; digits < 3 && *i < s.size() && is_octal(s[*i]); ++digits)
    value = value * 8 + (s[(*i)++] - '0');
  return static_cast<char>(value);
}

}  // namespace

CopyReader::CopyReader(const CopyOptions& options, size_t columns)
    : options_(options), columns_(columns), header_done_(!options.header) {}

void CopyReader::add(BytesView piece) {
  if (finished_) return;
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(piece);
}

Status CopyReader::next(std::vector<Field>* fields, bool* got) {
  *got = false;
  if (finished_) return Status();
  switch (options_.format) {
    case Format::kText:
      return next_line(false, fields, got);
    case Format::kCsv:
      return next_line(true, fields, got);
    case Format::kBinary:
      return next_binary(fields, got);
  }
  UNREACHABLE("copy format");
}

Status CopyReader::take_line(bool csv, BytesView* row, bool* got) {
  *got = false;
  BytesView r = rest();
  size_t i = scanned_;
  bool escaped_end = false;
  if (!csv && i == 0) {
    // The usual line: nothing before its end has a meaning of its own.
    const size_t end = r.find('\n');
    if (end != BytesView::npos && std::memchr(r.data(), '\\', end) == nullptr &&
        std::memchr(r.data(), '\r', end) == nullptr) {
      i = end;
    }
  }
  for (; i < r.size(); ++i) {
    char c = r[i];
    if (csv) {
      if (c == options_.quote) quoted_ = !quoted_;
      if (quoted_) {
        if (c == options_.escape && options_.escape != options_.quote && i + 1 < r.size()) ++i;
        continue;
      }
    } else if (c == '\\') {
      if (i + 1 >= r.size()) break;  // what it escapes has not come yet
      ++i;
      continue;
    }
    if (c == '\n' || c == '\r') {
      escaped_end = true;
      break;
    }
  }
  if (!escaped_end && !ended_) {
    scanned_ = i;
    if (r.size() > limits::kClientMessageBytesMax)
      return bad_format("a row of COPY is longer than a message may be");
    return Status();
  }
  if (!escaped_end && r.empty()) return Status();
  if (!escaped_end && csv && quoted_) {
    ++line_;
    line_text_ = r;
    return bad_format("unterminated CSV quoted field");
  }
  // A CR at the very end of what has come may be half of a CRLF.
  if (escaped_end && r[i] == '\r' && i + 1 == r.size() && !ended_) {
    scanned_ = i;
    return Status();
  }
  size_t end = escaped_end ? i : r.size();
  size_t skip = !escaped_end ? 0 : (r[i] == '\r' && i + 1 < r.size() && r[i + 1] == '\n') ? 2 : 1;
  *row = r.substr(0, end);
  at_ += end + skip;
  scanned_ = 0;
  quoted_ = false;
  ++line_;
  line_text_ = *row;
  *got = true;
  return Status();
}

Status CopyReader::next_line(bool csv, std::vector<Field>* fields, bool* got) {
  for (;;) {
    BytesView row;
    RETURN_IF_ERROR(take_line(csv, &row, got));
    if (!*got) return Status();
    if (row == "\\.") {
      finished_ = true;
      *got = false;
      return Status();
    }
    if (!header_done_) {
      header_done_ = true;
      continue;
    }
    return csv ? split_csv(row, fields) : split_text(row, fields);
  }
}

Status CopyReader::split_text(BytesView row, std::vector<Field>* fields) {
  fields->clear();
  scratch_.clear();
  scratch_.reserve(row.size());
  if (columns_ == 0 && row.empty()) return Status();
  std::vector<Field>& out = *fields;
  if (row.find('\\') == BytesView::npos) {
    for (;;) {
      const size_t end = std::min(row.find(options_.delimiter), row.size());
      const BytesView field = row.substr(0, end);
      if (field == options_.null_text)
        out.emplace_back();
      else
        out.emplace_back(field);
      if (end == row.size()) return Status();
      row.remove_prefix(end + 1);
    }
  }
  for (size_t i = 0;;) {
    size_t raw = i, begin = scratch_.size();
    bool escapes = false;
    while (i < row.size() && row[i] != options_.delimiter) {
      if (row[i] == '\\' && i + 1 < row.size()) {
        escapes = true;
        ++i;
        scratch_.push_back(unescape(row, &i));
      } else {
        scratch_.push_back(row[i++]);
      }
    }
    if (row.substr(raw, i - raw) == options_.null_text) {
      out.emplace_back();
    } else if (!escapes) {
      out.emplace_back(row.substr(raw, i - raw));
    } else {
      // scratch_ was reserved for the whole row, so it does not move.
      out.emplace_back(BytesView(scratch_).substr(begin));
    }
    if (i >= row.size()) return Status();
    ++i;
  }
}

Status CopyReader::split_csv(BytesView row, std::vector<Field>* fields) {
  fields->clear();
  scratch_.clear();
  scratch_.reserve(row.size());
  for (size_t i = 0;;) {
    size_t begin = scratch_.size();
    bool was_quoted = false, inside = false;
    for (; i < row.size(); ++i) {
      char c = row[i];
      if (!inside && c == options_.delimiter) break;
      if (!inside && c == options_.quote) {
        inside = was_quoted = true;
        continue;
      }
      if (inside && c == options_.escape && i + 1 < row.size() &&
          (row[i + 1] == options_.quote || row[i + 1] == options_.escape)) {
        scratch_.push_back(row[++i]);
        continue;
      }
      if (inside && c == options_.quote) {
        inside = false;
        continue;
      }
      scratch_.push_back(c);
    }
    if (inside) return bad_format("unterminated CSV quoted field");
    BytesView text = BytesView(scratch_).substr(begin);
    auto column = static_cast<uint32_t>(fields->size());
    auto listed = [column](const std::vector<uint32_t>& list) {
      return std::find(list.begin(), list.end(), column) != list.end();
    };
    bool null = text == options_.null_text &&
                (!was_quoted ? !listed(options_.force_not_null) : listed(options_.force_null));
    if (null)
      fields->emplace_back();
    else
      fields->emplace_back(text);
    if (i >= row.size()) return Status();
    ++i;
  }
}

Status CopyReader::next_binary(std::vector<Field>* fields, bool* got) {
  BytesView r = rest();
  if (line_ == 0 && !header_read_) {
    if (r.size() < 19) {
      if (ended_) return bad_format("COPY file signature not recognized");
      return Status();
    }
    if (r.substr(0, 11) != kSignature) return bad_format("COPY file signature not recognized");
    int32_t flags = load32(r.data() + 11), extension = load32(r.data() + 15);
    if ((flags & (1 << 16)) != 0) return bad_format("invalid COPY file header (WITH OIDS)");
    if ((flags & ~0xffff) != 0)
      return bad_format("unrecognized critical flags in COPY file header");
    if (extension < 0) return bad_format("invalid COPY file header (missing length)");
    if (r.size() < 19 + static_cast<size_t>(extension)) {
      if (ended_) return bad_format("invalid COPY file header (wrong length)");
      return Status();
    }
    at_ += 19 + static_cast<size_t>(extension);
    header_read_ = true;
    r = rest();
  }
  auto short_of = [&](size_t n) { return r.size() < n; };
  auto unexpected = [&] { return ended_ ? bad_format("unexpected EOF in COPY data") : Status(); };
  if (short_of(2)) return r.empty() && ended_ ? Status() : unexpected();
  auto count = static_cast<int16_t>(load32((Bytes(r.substr(0, 2)) + Bytes(2, '\0')).data()) >> 16);
  if (count == -1) {
    finished_ = true;
    return Status();
  }
  if (count < 0 || static_cast<size_t>(count) != columns_) {
    return bad_format("row field count is " + std::to_string(count) + ", expected " +
                      std::to_string(columns_));
  }
  size_t at = 2;
  fields->clear();
  for (int16_t i = 0; i < count; ++i) {
    if (short_of(at + 4)) return unexpected();
    int32_t size = load32(r.data() + at);
    at += 4;
    if (size < -1) return bad_format("invalid field size");
    if (size == -1) {
      fields->emplace_back();
      continue;
    }
    if (short_of(at + static_cast<size_t>(size))) return unexpected();
    fields->emplace_back(r.substr(at, static_cast<size_t>(size)));
    at += static_cast<size_t>(size);
  }
  at_ += at;
  ++line_;
  *got = true;
  return Status();
}

// --- out ---

void CopyWriter::begin(Bytes& out) const {
  if (options_.format != Format::kBinary) return;
  out.append(kSignature);
  put_number(out, 0, 4);
  put_number(out, 0, 4);
}

void CopyWriter::header(const std::vector<std::string>& names, Bytes& out) const {
  for (size_t i = 0; i < names.size(); ++i) {
    separate(i, out);
    if (options_.format == Format::kCsv)
      csv_field(SIZE_MAX, names[i], out);
    else
      text_field(names[i], out);
  }
  out.push_back('\n');
}

void CopyWriter::begin_row(size_t columns, Bytes& out) const {
  if (options_.format == Format::kBinary) put_number(out, static_cast<uint32_t>(columns), 2);
}

void CopyWriter::separate(size_t column, Bytes& out) const {
  if (column > 0 && options_.format != Format::kBinary) out.push_back(options_.delimiter);
}

void CopyWriter::null_field(size_t column, Bytes& out) const {
  separate(column, out);
  if (options_.format == Format::kBinary)
    put_number(out, 0xffff'ffff, 4);
  else
    out.append(options_.null_text);
}

void CopyWriter::field(size_t column, BytesView value, Bytes& out) const {
  separate(column, out);
  switch (options_.format) {
    case Format::kBinary:
      put_number(out, static_cast<uint32_t>(value.size()), 4);
      out.append(value);
      return;
    case Format::kCsv:
      csv_field(column, value, out);
      return;
    case Format::kText:
      text_field(value, out);
      return;
  }
}

void CopyWriter::csv_field(size_t column, BytesView value, Bytes& out) const {
  const auto& forced = options_.force_quote;
  bool quotes = value == options_.null_text || value == "\\." ||
                (column != SIZE_MAX && options_.force_quote_all) ||
                std::find(forced.begin(), forced.end(), column) != forced.end();
  for (char c : value)
    quotes |= c == options_.delimiter || c == options_.quote || c == '\n' || c == '\r';
  if (!quotes) {
    out.append(value);
    return;
  }
  out.push_back(options_.quote);
  for (char c : value) {
    if (c == options_.quote || c == options_.escape) out.push_back(options_.escape);
    out.push_back(c);
  }
  out.push_back(options_.quote);
}

void CopyWriter::text_field(BytesView value, Bytes& out) const {
  for (char c : value) {
    if (size_t at = kControls.find(c); at != kControls.npos) {
      out.push_back('\\');
      out.push_back(kLetters[at]);
    } else {
      if (c == options_.delimiter || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
}

void CopyWriter::end_row(Bytes& out) const {
  if (options_.format != Format::kBinary) out.push_back('\n');
}

void CopyWriter::end(Bytes& out) const {
  if (options_.format == Format::kBinary) put_number(out, 0xffff, 2);
}

}  // namespace quorate::sql

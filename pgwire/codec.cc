#include "pgwire/codec.h"

#include <cstring>

#include "base/limits.h"

namespace quorate::pgwire {
namespace {

// PostgreSQL's MAX_STARTUP_PACKET_LENGTH.
constexpr uint32_t kStartupBytesMax = 10'000;
constexpr uint32_t kSslRequest = 80877103, kGssRequest = 80877104, kCancelRequest = 80877102;

Status violation(std::string message) {
  return Status(StatusCode::kInvalidArgument, sqlstate::kProtocolViolation, std::move(message));
}

uint32_t load32(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return uint32_t{u[0]} << 24 | uint32_t{u[1]} << 16 | uint32_t{u[2]} << 8 | u[3];
}

// Reads a body field by field; the first field that is not there sets `bad`, and everything after
// it gives zeros.
class Reader {
 public:
  explicit Reader(BytesView body) : rest_(body) {}
  uint32_t u32() {
    if (!has(4)) return 0;
    uint32_t v = load32(rest_.data());
    rest_.remove_prefix(4);
    return v;
  }
  uint16_t u16() {
    if (!has(2)) return 0;
    const auto* u = reinterpret_cast<const unsigned char*>(rest_.data());
    auto v = static_cast<uint16_t>(u[0] << 8 | u[1]);
    rest_.remove_prefix(2);
    return v;
  }
  char byte() {
    if (!has(1)) return 0;
    char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }
  std::string_view string() {
    size_t end = rest_.find('\0');
    if (bad_ || end == BytesView::npos) {
      bad_ = true;
      return {};
    }
    std::string_view s = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return s;
  }
  BytesView bytes(size_t n) {
    if (!has(n)) return {};
    BytesView v = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return v;
  }
  bool bad() const { return bad_; }
  bool done() const { return !bad_ && rest_.empty(); }
  size_t left() const { return rest_.size(); }

 private:
  bool has(size_t n) {
    if (bad_ || rest_.size() < n) bad_ = true;
    return !bad_;
  }
  BytesView rest_;
  bool bad_ = false;
};

Status check_done(const Reader& r) {
  if (r.bad()) return violation("insufficient data left in message");
  if (!r.done()) return violation("invalid message format");
  return Status();
}

void read_formats(Reader& r, std::vector<int16_t>* out) {
  size_t n = r.u16();
  out->clear();
  for (size_t i = 0; i < n && !r.bad(); ++i) out->push_back(static_cast<int16_t>(r.u16()));
}

void put_field(Bytes& out, char code, std::string_view text) {
  if (text.empty()) return;
  out.push_back(code);
  out.append(text);
  out.push_back('\0');
}

}  // namespace

Result<std::optional<Frame>> next_frame(BytesView in, size_t bytes_max) {
  if (in.size() < 5) return std::optional<Frame>();
  uint32_t length = load32(in.data() + 1);
  if (length < 4 || length > bytes_max) return violation("invalid message length");
  if (in.size() < size_t{1} + length) return std::optional<Frame>();
  return std::optional<Frame>(Frame{in[0], in.substr(5, length - 4), size_t{1} + length});
}

Result<std::optional<Frame>> next_startup_frame(BytesView in) {
  if (in.size() < 4) return std::optional<Frame>();
  uint32_t length = load32(in.data());
  if (length < 8 || length > kStartupBytesMax) return violation("invalid length of startup packet");
  if (in.size() < length) return std::optional<Frame>();
  return std::optional<Frame>(Frame{0, in.substr(4, length - 4), length});
}

Result<StartupPacket> decode_startup(BytesView body) {
  Reader r(body);
  StartupPacket p;
  p.protocol = r.u32();
  if (p.protocol == kSslRequest || p.protocol == kGssRequest) {
    p.kind =
        p.protocol == kSslRequest ? StartupPacket::Kind::kSsl : StartupPacket::Kind::kGssEncryption;
    RETURN_IF_ERROR(check_done(r));
    return p;
  }
  if (p.protocol == kCancelRequest) {
    p.kind = StartupPacket::Kind::kCancel;
    p.cancel.pid = r.u32();
    p.cancel.secret = r.u32();
    RETURN_IF_ERROR(check_done(r));
    return p;
  }
  if (p.protocol >> 16 != 3) {
    return Status(StatusCode::kInvalidArgument, sqlstate::kFeatureNotSupported,
                  "unsupported frontend protocol " + std::to_string(p.protocol >> 16) + "." +
                      std::to_string(p.protocol & 0xffff) + ": server supports 3.0 to 3.0");
  }
  for (;;) {
    std::string_view name = r.string();
    if (r.bad()) break;
    if (name.empty()) {
      if (r.done()) return p;
      break;
    }
    std::string_view value = r.string();
    if (r.bad()) break;
    p.parameters.emplace_back(name, value);
  }
  return violation("invalid startup packet layout: expected terminator as last byte");
}

std::vector<std::string> split_options(std::string_view options) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  for (size_t i = 0; i < options.size(); ++i) {
    char c = options[i];
    bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (blank) {
      if (inside) words.push_back(std::move(word));
      word.clear();
      inside = false;
      continue;
    }
    if (c == '\\' && i + 1 < options.size()) c = options[++i];
    word.push_back(c);
    inside = true;
  }
  if (inside) words.push_back(std::move(word));
  return words;
}

Result<std::string_view> decode_query(BytesView body) {
  Reader r(body);
  std::string_view text = r.string();
  if (r.bad()) return violation("invalid string in message");
  RETURN_IF_ERROR(check_done(r));
  return text;
}

Result<ParseMessage> decode_parse(BytesView body) {
  Reader r(body);
  ParseMessage m;
  m.statement = r.string();
  m.text = r.string();
  if (r.bad()) return violation("invalid string in message");
  size_t n = r.u16();
  for (size_t i = 0; i < n && !r.bad(); ++i) m.types.push_back(r.u32());
  RETURN_IF_ERROR(check_done(r));
  return m;
}

Status decode_bind(BytesView body, BindMessage* out) {
  Reader r(body);
  out->portal = r.string();
  out->statement = r.string();
  if (r.bad()) return violation("invalid string in message");
  read_formats(r, &out->param_formats);
  size_t n = r.u16();
  out->params.clear();
  for (size_t i = 0; i < n && !r.bad(); ++i) {
    auto size = static_cast<int32_t>(r.u32());
    if (size < -1) return violation("invalid message format");
    if (size == -1)
      out->params.emplace_back();
    else
      out->params.emplace_back(r.bytes(static_cast<size_t>(size)));
  }
  read_formats(r, &out->result_formats);
  RETURN_IF_ERROR(check_done(r));
  size_t formats = out->param_formats.size();
  if (formats > 1 && formats != n) {
    return violation("bind message has " + std::to_string(formats) + " parameter formats but " +
                     std::to_string(n) + " parameters");
  }
  return Status();
}

Result<ExecuteMessage> decode_execute(BytesView body) {
  Reader r(body);
  ExecuteMessage m;
  m.portal = r.string();
  if (r.bad()) return violation("invalid string in message");
  m.rows_max = static_cast<int32_t>(r.u32());
  RETURN_IF_ERROR(check_done(r));
  // PostgreSQL takes a negative count as "all".
  if (m.rows_max < 0) m.rows_max = 0;
  return m;
}

Result<TargetMessage> decode_target(BytesView body, char type) {
  Reader r(body);
  TargetMessage m;
  m.kind = r.byte();
  m.name = r.string();
  if (r.bad()) return violation("invalid string in message");
  RETURN_IF_ERROR(check_done(r));
  if (m.kind != 'S' && m.kind != 'P') {
    return violation(std::string("invalid ") + (type == 'C' ? "CLOSE" : "DESCRIBE") +
                     " message subtype " +
                     std::to_string(static_cast<int>(static_cast<unsigned char>(m.kind))));
  }
  return m;
}

Result<std::string_view> decode_copy_fail(BytesView body) { return decode_query(body); }

void end_message(Bytes& out, size_t length_at) {
  auto n = static_cast<uint32_t>(out.size() - length_at);
  char b[4] = {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
               static_cast<char>(n)};
  std::memcpy(out.data() + length_at, b, 4);
}

void put_int16(Bytes& out, int16_t v) {
  auto u = static_cast<uint16_t>(v);
  char b[2] = {static_cast<char>(u >> 8), static_cast<char>(u)};
  out.append(b, 2);
}

void put_int32(Bytes& out, int32_t v) {
  auto u = static_cast<uint32_t>(v);
  char b[4] = {static_cast<char>(u >> 24), static_cast<char>(u >> 16), static_cast<char>(u >> 8),
               static_cast<char>(u)};
  out.append(b, 4);
}

void put_authentication_ok(Bytes& out) {
  size_t at = begin_message(out, 'R');
  put_int32(out, 0);
  end_message(out, at);
}

void put_parameter_status(Bytes& out, std::string_view name, std::string_view value) {
  size_t at = begin_message(out, 'S');
  out.append(name).push_back('\0');
  out.append(value).push_back('\0');
  end_message(out, at);
}

void put_backend_key_data(Bytes& out, CancelKey key) {
  size_t at = begin_message(out, 'K');
  put_int32(out, static_cast<int32_t>(key.pid));
  put_int32(out, static_cast<int32_t>(key.secret));
  end_message(out, at);
}

void put_negotiate_version(Bytes& out, uint32_t minor, std::span<const std::string_view> unknown) {
  size_t at = begin_message(out, 'v');
  put_int32(out, static_cast<int32_t>(minor));
  put_int32(out, static_cast<int32_t>(unknown.size()));
  for (std::string_view name : unknown) out.append(name).push_back('\0');
  end_message(out, at);
}

void put_ready_for_query(Bytes& out, char transaction_status) {
  const char message[6] = {'Z', 0, 0, 0, 5, transaction_status};
  out.append(message, 6);
}

void put_empty(Bytes& out, char type) {
  const char message[5] = {type, 0, 0, 0, 4};
  out.append(message, 5);
}

void put_command_complete(Bytes& out, std::string_view tag) {
  size_t at = begin_message(out, 'C');
  out.append(tag).push_back('\0');
  end_message(out, at);
}

void put_row_description(Bytes& out, std::span<const FieldDescription> fields) {
  size_t at = begin_message(out, 'T');
  put_int16(out, static_cast<int16_t>(fields.size()));
  for (const FieldDescription& f : fields) {
    out.append(f.name).push_back('\0');
    put_int32(out, static_cast<int32_t>(f.table_oid));
    put_int16(out, f.column_number);
    put_int32(out, static_cast<int32_t>(f.type_oid));
    put_int16(out, f.type_size);
    put_int32(out, f.type_modifier);
    put_int16(out, f.format);
  }
  end_message(out, at);
}

void put_parameter_description(Bytes& out, std::span<const uint32_t> types) {
  size_t at = begin_message(out, 't');
  put_int16(out, static_cast<int16_t>(types.size()));
  for (uint32_t t : types) put_int32(out, static_cast<int32_t>(t));
  end_message(out, at);
}

void put_copy_response(Bytes& out, char type, bool binary, size_t columns) {
  size_t at = begin_message(out, type);
  out.push_back(binary ? 1 : 0);
  put_int16(out, static_cast<int16_t>(columns));
  for (size_t i = 0; i < columns; ++i) put_int16(out, binary ? 1 : 0);
  end_message(out, at);
}

void put_copy_data(Bytes& out, BytesView data) {
  size_t at = begin_message(out, 'd');
  out.append(data);
  end_message(out, at);
}

void put_error(Bytes& out, char type, std::string_view severity, const Status& error) {
  size_t at = begin_message(out, type);
  const Status::Fields& f = error.fields();
  put_field(out, 'S', severity);
  put_field(out, 'V', severity);
  put_field(out, 'C', error.sqlstate().view());
  put_field(out, 'M', error.message().empty() ? "missing error text" : error.message());
  put_field(out, 'D', f.detail);
  put_field(out, 'H', f.hint);
  if (f.position > 0) put_field(out, 'P', std::to_string(f.position));
  put_field(out, 'W', f.where);
  put_field(out, 's', f.schema);
  put_field(out, 't', f.table);
  put_field(out, 'c', f.column);
  put_field(out, 'd', f.type);
  put_field(out, 'n', f.constraint);
  out.push_back('\0');
  end_message(out, at);
}

}  // namespace quorate::pgwire

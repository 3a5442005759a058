// PostgreSQL's protocol 3.0 as bytes: pure functions, no state, no waiting.
//
// In: frames are cut from the front of a buffer; a decoded message is a plain struct whose views
// look into the frame. Anything malformed is a Status 08P01 with PostgreSQL's message; no input
// makes these functions read outside of it or allocate more than in proportion to its size.
// Out: each function appends one whole message to a buffer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace quorate::pgwire {

// --- frames ---
struct Frame {
  char type = 0;  // 0: a start-up packet
  BytesView body;
  size_t bytes = 0;  // of the whole frame: what to take from the buffer
};
// nullopt: more bytes are needed. `bytes_max` bounds the length that a frame may announce.
Result<std::optional<Frame>> next_frame(BytesView in, size_t bytes_max);
Result<std::optional<Frame>> next_startup_frame(BytesView in);

// --- start-up ---
struct CancelKey {
  uint32_t pid = 0, secret = 0;
};
struct StartupPacket {
  enum class Kind : uint8_t { kStartup, kSsl, kGssEncryption, kCancel } kind = Kind::kStartup;
  CancelKey cancel;       // kCancel
  uint32_t protocol = 0;  // kStartup: major << 16 | minor
  std::vector<std::pair<std::string_view, std::string_view>> parameters;  // kStartup, in order
};
Result<StartupPacket> decode_startup(BytesView body);
// The words of the parameter `options`: split at blanks, a backslash keeps the next character.
std::vector<std::string> split_options(std::string_view options);

// --- from the client ---
struct ParseMessage {
  std::string_view statement, text;
  std::vector<uint32_t> types;
};
struct BindMessage {
  std::string_view portal, statement;
  std::vector<int16_t> param_formats;
  std::vector<std::optional<BytesView>> params;  // nullopt: null
  std::vector<int16_t> result_formats;
};
struct ExecuteMessage {
  std::string_view portal;
  int32_t rows_max = 0;  // 0: all
};
// Describe and Close.
struct TargetMessage {
  char kind = 'S';  // 'S' a statement, 'P' a portal
  std::string_view name;
};

Result<std::string_view> decode_query(BytesView body);
Result<ParseMessage> decode_parse(BytesView body);
// Into a struct whose vectors are used again from message to message.
Status decode_bind(BytesView body, BindMessage* out);
Result<ExecuteMessage> decode_execute(BytesView body);
Result<TargetMessage> decode_target(BytesView body, char type);
Result<std::string_view> decode_copy_fail(BytesView body);

// --- to the client ---
// A message whose body is appended by the caller: end_message() puts its length in.
inline size_t begin_message(Bytes& out, char type) {
  out.push_back(type);
  out.append(4, '\0');
  return out.size() - 4;
}
void end_message(Bytes& out, size_t length_at);
void put_int16(Bytes& out, int16_t v);
void put_int32(Bytes& out, int32_t v);

// The column of a RowDescription.
struct FieldDescription {
  std::string_view name;
  uint32_t table_oid = 0;
  int16_t column_number = 0;
  uint32_t type_oid = 0;
  int16_t type_size = 0;
  int32_t type_modifier = -1;
  int16_t format = 0;
};

void put_authentication_ok(Bytes& out);
void put_parameter_status(Bytes& out, std::string_view name, std::string_view value);
void put_backend_key_data(Bytes& out, CancelKey key);
void put_negotiate_version(Bytes& out, uint32_t minor, std::span<const std::string_view> unknown);
void put_ready_for_query(Bytes& out, char transaction_status);
void put_empty(Bytes& out, char type);  // '1' '2' '3' 'n' 's' 'I' 'c': messages without a body
void put_command_complete(Bytes& out, std::string_view tag);
void put_row_description(Bytes& out, std::span<const FieldDescription> fields);
void put_parameter_description(Bytes& out, std::span<const uint32_t> types);
void put_copy_response(Bytes& out, char type, bool binary, size_t columns);  // 'G' in, 'H' out
void put_copy_data(Bytes& out, BytesView data);
// 'E' or 'N'. Severity is the English word (ERROR, FATAL, WARNING, NOTICE ...).
void put_error(Bytes& out, char type, std::string_view severity, const Status& error);

}  // namespace quorate::pgwire

#include "bench/floor/canned.h"

#include <endian.h>

#include <cstring>

namespace quorate::floor_server {

namespace {

void put16(std::string& out, uint16_t v) {
  v = htobe16(v);
  out.append(reinterpret_cast<const char*>(&v), 2);
}
void put32(std::string& out, uint32_t v) {
  v = htobe32(v);
  out.append(reinterpret_cast<const char*>(&v), 4);
}
uint32_t get32(const char* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return be32toh(v);
}
std::string message_of(char type, std::string_view body) {
  std::string m(1, type);
  put32(m, static_cast<uint32_t>(body.size() + 4));
  return m.append(body);
}
std::string complete(std::string_view tag) { return message_of('C', std::string(tag) + '\0'); }

// One column of that type, `count` rows of `value`.
Answer rows_of(const char* column, uint32_t type, const std::string& value, int count) {
  std::string description, row;
  put16(description, 1);
  description.append(column).append(1, '\0');
  put32(description, 0);
  put16(description, 0);
  put32(description, type);
  put16(description, 0xffff);
  put32(description, 0xffffffff);
  put16(description, 0);
  put16(row, 1);
  put32(row, static_cast<uint32_t>(value.size()));
  row += value;
  Answer a{message_of('T', description), {}};
  for (int i = 0; i < count; ++i) a.rows += message_of('D', row);
  a.rows += complete("SELECT " + std::to_string(count));
  return a;
}

Answer command(std::string_view tag, bool write = false, char status = 0) {
  return {message_of('n', {}), complete(tag), write, status};
}

bool begins(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && strncasecmp(text.data(), with.data(), with.size()) == 0;
}

const Answer& answer_to(std::string_view sql) {
  static const Answer point = rows_of("c", 1042, std::string(119, '7') + " ", 1);
  static const Answer range = rows_of("c", 1042, std::string(119, '7') + " ", 100);
  static const Answer number = rows_of("n", 20, "1", 1);
  static const Answer begin = command("BEGIN", false, 'T'), commit = command("COMMIT", false, 'I');
  static const Answer update = command("UPDATE 1", true), remove = command("DELETE 1", true);
  static const Answer insert = command("INSERT 0 1", true), other = command("SET");
  // pgbench asks how its tables are partitioned, and takes an error for "not at all".
  static const Answer refused = {
      message_of('n', {}),
      message_of('E',
                 std::string_view("SERROR\0VERROR\0C42P01\0Mthere are no tables here\0\0", 48))};
  if (sql.find("pg_class") != std::string_view::npos) return refused;
  if (begins(sql, "SELECT c") || begins(sql, "SELECT DISTINCT c")) {
    return sql.find("BETWEEN") == std::string_view::npos
               ? (begins(sql, "SELECT c ") ? point : number)
               : range;
  }
  if (begins(sql, "SELECT")) return number;
  if (begins(sql, "BEGIN")) return begin;
  if (begins(sql, "COMMIT") || begins(sql, "END") || begins(sql, "ROLLBACK")) return commit;
  if (begins(sql, "UPDATE")) return update;
  if (begins(sql, "DELETE")) return remove;
  if (begins(sql, "INSERT")) return insert;
  return other;
}

// The next zero-terminated string of a message; what is left moves on.
std::string_view take_string(std::string_view& body) {
  const size_t end = std::min(body.find('\0'), body.size());
  const std::string_view s = body.substr(0, end);
  body.remove_prefix(std::min(end + 1, body.size()));
  return s;
}

}  // namespace

size_t CannedSession::consume(std::string_view in, std::string& out, int& writes) {
  size_t taken = 0;
  if (!started_) {
    taken = startup(in, out);
    if (!started_) return taken;
  }
  while (in.size() - taken >= 5) {
    const uint32_t length = get32(in.data() + taken + 1);
    if (length < 4 || length > (1u << 26)) return SIZE_MAX;
    if (in.size() - taken < length + 1) break;
    if (!message(in[taken], in.substr(taken + 5, length - 4), out, writes)) return SIZE_MAX;
    taken += length + 1;
  }
  return taken;
}

size_t CannedSession::startup(std::string_view in, std::string& out) {
  if (in.size() < 8) return 0;
  const uint32_t length = get32(in.data()), version = get32(in.data() + 4);
  if (length < 8 || length > 10'000) return SIZE_MAX;
  if (in.size() < length) return 0;
  if (version == 80877103 || version == 80877104) {  // TLS, GSS
    out += 'N';
    return length;
  }
  if (version != 196608) return SIZE_MAX;
  started_ = true;
  std::string zero;
  put32(zero, 0);
  out += message_of('R', zero);
  for (std::string_view pair : {std::string_view("server_version\0"
                                                 "15.0\0",
                                                 20),
                                std::string_view("client_encoding\0UTF8\0", 21),
                                std::string_view("standard_conforming_strings\0on\0", 31)}) {
    out += message_of('S', pair);
  }
  out += message_of('Z', "I");
  return length;
}

void CannedSession::execute(const Answer& answer, bool describe, std::string& out, int& writes) {
  if (describe && answer.description[0] == 'T') out += answer.description;
  out += answer.rows;
  // As in Quorate: a transaction's writes are buffered, its COMMIT waits for the log, once.
  if (answer.write) dirty_ = true;
  if (answer.status_after) status_ = answer.status_after;
  if (dirty_ && status_ == 'I') {
    ++writes;
    dirty_ = false;
  }
}

bool CannedSession::message(char type, std::string_view body, std::string& out, int& writes) {
  static const std::string parsed = message_of('1', {}), bound = message_of('2', {}),
                           closed = message_of('3', {});
  switch (type) {
    case 'P': {
      const std::string name(take_string(body));
      prepared_[name] = &answer_to(take_string(body));
      out += parsed;
      return true;
    }
    case 'B': {
      take_string(body);
      const auto it = prepared_.find(take_string(body));
      if (it == prepared_.end()) return false;
      portal_ = it->second;
      out += bound;
      return true;
    }
    case 'D':
      if (!portal_) return false;
      out += portal_->description;
      return true;
    case 'E':
      if (!portal_) return false;
      execute(*portal_, false, out, writes);
      return true;
    case 'Q':
      execute(answer_to(take_string(body)), true, out, writes);
      [[fallthrough]];
    case 'S':
      out += message_of('Z', std::string_view(&status_, 1));
      return true;
    case 'C':
      out += closed;
      return true;
    case 'H':
      return true;
    default:
      return false;  // X, or something that no benchmark sends
  }
}

}  // namespace quorate::floor_server

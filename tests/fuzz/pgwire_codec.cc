// What a client may send, in pieces cut where the input says. What could go wrong: a message is
// read outside of its bytes, allocates beyond its size, or depends on how it was cut.
#include <optional>

#include "pgwire/codec.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input_reader.h"

namespace quorate::pgwire {
namespace {

constexpr size_t kBytesMax = 1u << 20;

void check_inside(BytesView part, BytesView whole) {
  if (part.empty()) return;
  CHECK(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_error(const Status& s) {
  CHECK(s.sqlstate() == sqlstate::kProtocolViolation ||
        s.sqlstate() == sqlstate::kFeatureNotSupported);
  CHECK(!s.message().empty());
}

void put_string(Bytes& out, BytesView v) { out.append(v).push_back('\0'); }

// What decodes is written as a client would write it, and must be the same bytes.
void run_startup(BytesView body) {
  auto p = decode_startup(body);
  if (!p.ok()) return check_error(p.status());
  if (p->kind != StartupPacket::Kind::kStartup) return;
  Bytes again;
  put_int32(again, static_cast<int32_t>(p->protocol));
  for (const auto& [name, value] : p->parameters) {
    check_inside(name, body);
    CHECK(!name.empty());
    put_string(again, name);
    put_string(again, value);
    if (name == "options") {
      for (const std::string& word : split_options(value)) CHECK(word.size() <= value.size());
    }
  }
  again.push_back('\0');
  CHECK(again == body);
}

void run_parse(BytesView body) {
  auto m = decode_parse(body);
  if (!m.ok()) return check_error(m.status());
  Bytes again;
  put_string(again, m->statement);
  put_string(again, m->text);
  put_int16(again, static_cast<int16_t>(m->types.size()));
  for (uint32_t type : m->types) put_int32(again, static_cast<int32_t>(type));
  CHECK(again == body);
}

void put_formats(Bytes& out, const std::vector<int16_t>& formats) {
  put_int16(out, static_cast<int16_t>(formats.size()));
  for (int16_t f : formats) put_int16(out, f);
}

void run_bind(BytesView body) {
  BindMessage m;
  Status s = decode_bind(body, &m);
  // Vectors grow by what is there, not by what is announced.
  CHECK(m.params.capacity() <= 2 * body.size() + 16);
  if (!s.ok()) return check_error(s);
  Bytes again;
  put_string(again, m.portal);
  put_string(again, m.statement);
  put_formats(again, m.param_formats);
  put_int16(again, static_cast<int16_t>(m.params.size()));
  for (const auto& p : m.params) {
    put_int32(again, p ? static_cast<int32_t>(p->size()) : -1);
    if (p) again.append(*p);
    if (p) check_inside(*p, body);
  }
  put_formats(again, m.result_formats);
  CHECK(again == body);
}

void run_message(const Frame& f) {
  switch (f.type) {
    case 'P':
      return run_parse(f.body);
    case 'B':
      return run_bind(f.body);
    case 'E': {
      auto m = decode_execute(f.body);
      if (!m.ok()) return check_error(m.status());
      CHECK(m->rows_max >= 0);
      return check_inside(m->portal, f.body);
    }
    case 'D':
    case 'C': {
      auto m = decode_target(f.body, f.type);
      if (!m.ok()) return check_error(m.status());
      CHECK(m->kind == 'S' || m->kind == 'P');
      CHECK(m->name.size() + 2 == f.body.size());
      return;
    }
    case 'f': {
      auto m = decode_copy_fail(f.body);
      if (!m.ok()) check_error(m.status());
      return;
    }
    default: {
      auto m = decode_query(f.body);
      if (!m.ok()) return check_error(m.status());
      CHECK(m->size() + 1 == f.body.size());
    }
  }
}

// Frames of a stream; an error ends it.
struct Reading {
  std::vector<std::pair<char, Bytes>> frames;
  size_t used = 0;
  bool failed = false, started = false;

  void take(BytesView arrived) {
    while (!failed) {
      auto f = started ? next_frame(arrived.substr(used), kBytesMax)
                       : next_startup_frame(arrived.substr(used));
      if (!f.ok()) {
        check_error(f.status());
        failed = true;
        return;
      }
      if (!f->has_value()) return;
      const Frame& frame = **f;
      CHECK(frame.bytes > 0 && frame.bytes <= arrived.size() - used);
      check_inside(frame.body, arrived);
      frames.emplace_back(frame.type, frame.body);
      if (started) {
        run_message(frame);
      } else {
        auto p = decode_startup(frame.body);
        run_startup(frame.body);
        started = p.ok() && p->kind == StartupPacket::Kind::kStartup;
        failed = !p.ok();
      }
      used += frame.bytes;
    }
  }
};

// The fields of an error, with zero bytes inside: the client must find its terminator at the end.
void run_writing(BytesView text) {
  Bytes out;
  const std::string clean(text.substr(0, text.find('\0')));
  put_error(out, 'E', "ERROR",
            invalid_argument(clean).with_detail(clean).with_hint(clean).with_position(
                static_cast<int32_t>(clean.size())));
  put_parameter_status(out, clean, clean);
  put_command_complete(out, clean);
  put_copy_data(out, text);
  FieldDescription field;
  field.name = clean;
  put_row_description(out, std::span(&field, 1));
  size_t messages = 0;
  for (BytesView rest = out; !rest.empty(); ++messages) {
    auto f = next_frame(rest, kBytesMax);
    CHECK(f.ok() && f->has_value());
    if ((*f)->type == 'E') CHECK((*f)->body.ends_with(BytesView("\0\0", 2)));
    rest.remove_prefix((*f)->bytes);
  }
  CHECK(messages == 5);
}

}  // namespace

// First byte: lowest bit, whether a start-up packet comes first; the others, the piece's size.
FUZZ_TARGET(pgwire_codec) {
  fuzz::InputReader in(input);
  const uint8_t head = in.byte();
  const size_t piece = 1 + head / 2;
  const BytesView stream = in.rest();
  Reading whole, pieces;
  whole.started = pieces.started = (head & 1) != 0;
  whole.take(stream);
  for (size_t end = 0; end < stream.size();) {
    end = std::min(stream.size(), end + piece);
    // Exactly what has arrived, so that a look beyond it is seen.
    const Bytes arrived(stream.substr(0, end));
    pieces.take(arrived);
  }
  CHECK(whole.frames == pieces.frames && whole.failed == pieces.failed);
  run_writing(stream);
}

namespace {

// The text with the zero bytes that are written in it, without the compiler's.
template <size_t N>
BytesView text(const char (&literal)[N]) {
  return BytesView(literal, N - 1);
}

}  // namespace

FUZZ_SEEDS(pgwire_codec) {
  auto message = [](char type, BytesView body) {
    Bytes out;
    size_t at = begin_message(out, type);
    out.append(body);
    end_message(out, at);
    return out;
  };
  auto startup = [](BytesView body) {
    Bytes out;
    put_int32(out, static_cast<int32_t>(body.size() + 4));
    return out.append(body);
  };
  const Bytes start = startup(
      text("\0\3\0\0user\0me\0database\0d\0options\0-c a=b\\ c\0application_name\0psql\0\0"));
  const Bytes bind = message('B', text("p\0s\0\0\1\0\1\0\2\0\0\0\4abcd\xff\xff\xff\xff\0\1\0\0"));
  const Bytes parse = message('P', text("s\0select $1\0\0\1\0\0\0\x17"));
  const Bytes rest = message('D', text("Ss\0")) + message('E', text("p\0\0\0\0\5")) +
                     message('C', text("Pp\0")) + message('S', "") + message('H', "") +
                     message('d', "1\t2\n") + message('c', "") + message('f', text("why\0")) +
                     message('Q', text("select 1\0")) + message('X', "");
  return {"\xfe" + start + parse + bind + rest,
          "\x06" + startup(text("\x04\xd2\x16\x2f")) + start + parse,
          "\x02" + startup(text("\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2")), "\x15" + parse + bind + rest,
          "\x01" + bind};
}

}  // namespace quorate::pgwire

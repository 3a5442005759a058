// Keys of SQL values. What could go wrong: keys sort otherwise than values, one column's bytes run
// into the next one's, a damaged key is read past its end or decodes to what never encodes to it.
#include "sql/types/key_encoding.h"

#include "sql/types/compare.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/value_generator.h"

namespace quorate::sql {
namespace {

struct Column {
  Type type;
  bool descending = false, nulls_first = false;
};

Column draw_column(fuzz::InputReader& in) {
  const auto& all = fuzz::value_types();
  Column c;
  c.type = Type{all[in.byte() % all.size()]};
  const uint8_t flags = in.byte();
  c.descending = (flags & 1) != 0;
  c.nulls_first = (flags & 2) != 0;
  return c;
}

void put(const Column& c, const Datum& v, Bytes& out) {
  encode_key(c.type, v, c.descending, c.nulls_first, out);
}

int sign(int c) { return c < 0 ? -1 : c > 0; }

int order(const Column& c, const Datum& a, const Datum& b) {
  if (a.is_null() || b.is_null()) {
    if (a.is_null() && b.is_null()) return 0;
    return a.is_null() == c.nulls_first ? -1 : 1;
  }
  int ascending = sign(compare(c.type.oid, a, b));
  return c.descending ? -ascending : ascending;
}

void check_same(const Column& c, const Datum& a, const Datum& b) {
  CHECK(a.is_null() == b.is_null());
  if (!a.is_null()) CHECK(equal(c.type.oid, a, b));
}

// Two rows of two columns.
void run_values(fuzz::InputReader in) {
  const Column columns[2] = {draw_column(in), draw_column(in)};
  Datum rows[2][2];
  Bytes keys[2];
  for (int r = 0; r < 2; ++r) {
    for (int i = 0; i < 2; ++i) {
      if ((in.byte() & 15) != 0) rows[r][i] = fuzz::draw_value(columns[i].type.oid, in);
      // Often the same first column, so that the second one decides.
      if (r == 1 && i == 0 && (in.byte() & 1) != 0) rows[1][0] = rows[0][0];
      put(columns[i], rows[r][i], keys[r]);
    }
  }
  int wanted = order(columns[0], rows[0][0], rows[1][0]);
  if (wanted == 0) wanted = order(columns[1], rows[0][1], rows[1][1]);
  CHECK(sign(keys[0].compare(keys[1])) == wanted);
  for (int r = 0; r < 2; ++r) {
    BytesView rest = keys[r], skipped = keys[r];
    Bytes again;
    for (int i = 0; i < 2; ++i) {
      const Column& c = columns[i];
      Datum back;
      CHECK(decode_key(c.type, rest, c.descending, c.nulls_first, &back).ok());
      CHECK(skip_key(c.type, skipped, c.descending).ok() && skipped == rest);
      check_same(c, rows[r][i], back);
      put(c, back, again);
    }
    CHECK(rest.empty() && again == keys[r]);
  }
}

// Any bytes as a key.
void run_bytes(fuzz::InputReader in) {
  const Column c = draw_column(in);
  const Bytes key(in.rest());
  BytesView rest = key, skipped = key;
  Datum v;
  if (!decode_key(c.type, rest, c.descending, c.nulls_first, &v).ok()) return;
  CHECK(key.ends_with(rest));
  const BytesView used = BytesView(key).substr(0, key.size() - rest.size());
  CHECK(skip_key(c.type, skipped, c.descending).ok() && skipped == rest);
  Bytes again;
  put(c, v, again);
  if (v.is_null() || key_is_exact(c.type.oid)) CHECK(again == used);
  BytesView in_again = again;
  Datum back;
  CHECK(decode_key(c.type, in_again, c.descending, c.nulls_first, &back).ok());
  CHECK(in_again.empty());
  check_same(c, v, back);
}

}  // namespace

// First byte: values or bytes.
FUZZ_TARGET(key_encoding) {
  fuzz::InputReader in(input);
  if ((in.byte() & 1) != 0) {
    run_values(in);
  } else {
    run_bytes(in);
  }
}

FUZZ_SEEDS(key_encoding) {
  std::vector<Bytes> out;
  const auto count = static_cast<char>(fuzz::value_types().size());
  for (char type = 0; type < count; ++type) {
    for (char flags = 0; flags < 4; ++flags) {
      // Two equal columns and plenty of bytes to draw from.
      Bytes values{1, type, flags, type, static_cast<char>(3 - flags)};
      for (int i = 0; i < 90; ++i) values.push_back(static_cast<char>(i * (type + 7) + flags));
      out.push_back(values);
      fuzz::InputReader draw(BytesView(values).substr(5));
      const Column c{Type{fuzz::value_types()[static_cast<size_t>(type)]}, (flags & 1) != 0,
                     (flags & 2) != 0};
      Bytes key{0, type, flags};
      put(c, fuzz::draw_value(c.type.oid, draw), key);
      out.push_back(key);
    }
  }
  return out;
}

}  // namespace quorate::sql

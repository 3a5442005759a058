// One SQL value without its type.
//
// A Datum is 24 bytes, cheap to move and to copy, and holds one of
//
//   null
//   bool                                       bool
//   int     (int64_t)                          int2 int4 int8, oid and reg*, xid, cid; date as days
//   and
//                                              time, timestamp, timestamptz as microseconds, both
//                                              since 2000-01-01 (time: since midnight)
//   double                                     float8; float4 as the double of its rounded value
//   bytes                                      all other types, in the form that type.h gives for
//   each
//
// Which one a type uses is TypeInfo::rep. A Datum does not know its type; asking for another
// representation than the one it holds is a programming error (DCHECK).
//
// Bytes of up to 22 characters stand in the Datum itself. Longer ones are either *shared* (a
// counted heap block; the count is not atomic) or a *view* of memory that somebody else keeps:
// `Datum::view` allocates nothing, and is what scans and decoders hand out. Whoever keeps a Datum
// longer than its source lives calls `own()`. Copies of a view are views.
//
// One thread: because of the count, a shared Datum and its copies stay with one executor. To hand a
// value to another one pass `detach()`, which never shares, or read it there through
// `view(d.as_bytes())`.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace quorate::sql {

class Datum {
 public:
  static constexpr size_t kInlineBytesMax = 22;

  // Null.
  Datum() { word_.head.kind = Kind::kNull; }
  static Datum null() { return Datum(); }
  static Datum of_bool(bool v) {
    Datum d(Kind::kBool);
    d.word_.body.integer = v;
    return d;
  }
  static Datum of_int(int64_t v) {
    Datum d(Kind::kInt);
    d.word_.body.integer = v;
    return d;
  }
  static Datum of_double(double v) {
    Datum d(Kind::kDouble);
    d.word_.body.real = v;
    return d;
  }
  // Copies the bytes. At most 4 GiB - 1 (values are bounded far below by base/limits.h).
  static Datum of_bytes(BytesView v) {
    return v.size() <= kInlineBytesMax ? inline_bytes(v) : share(v);
  }
  // Does not copy: `v` must outlive the Datum and its copies. Short bytes are copied inside all the
  // same.
  static Datum view(BytesView v) {
    if (v.size() <= kInlineBytesMax) return inline_bytes(v);
    Datum d(Kind::kView);
    d.word_.body.size = static_cast<uint32_t>(v.size());
    d.word_.body.pointer = v.data();
    return d;
  }

  Datum(const Datum& o) : word_(o.word_) {
    if (word_.head.kind == Kind::kShared) ++word_.body.shared->references;
  }
  Datum(Datum&& o) noexcept : word_(o.word_) { o.word_.head.kind = Kind::kNull; }
  Datum& operator=(const Datum& o) {
    if (this != &o) {
      if (o.word_.head.kind == Kind::kShared) ++o.word_.body.shared->references;
      release();
      word_ = o.word_;
    }
    return *this;
  }
  Datum& operator=(Datum&& o) noexcept {
    if (this != &o) {
      release();
      word_ = o.word_;
      o.word_.head.kind = Kind::kNull;
    }
    return *this;
  }
  ~Datum() { release(); }

  bool is_null() const { return word_.head.kind == Kind::kNull; }
  bool holds_bool() const { return word_.head.kind == Kind::kBool; }
  bool holds_int() const { return word_.head.kind == Kind::kInt; }
  bool holds_double() const { return word_.head.kind == Kind::kDouble; }
  bool holds_bytes() const { return word_.head.kind >= Kind::kInline; }
  // Bytes whose memory belongs to somebody else.
  bool is_view() const { return word_.head.kind == Kind::kView; }

  bool as_bool() const {
    DCHECK(holds_bool());
    return word_.body.integer != 0;
  }
  int64_t as_int() const {
    DCHECK(holds_int());
    return word_.body.integer;
  }
  double as_double() const {
    DCHECK(holds_double());
    return word_.body.real;
  }
  // Valid as long as this Datum is neither changed nor destroyed (short bytes stand inside it).
  BytesView as_bytes() const& {
    switch (word_.head.kind) {
      case Kind::kInline:
        return {word_.head.small, word_.head.small_size};
      case Kind::kView:
        return {word_.body.pointer, word_.body.size};
      case Kind::kShared:
        return {word_.body.shared->text, word_.body.size};
      default:
        DCHECK(is_null());
        return {};
    }
  }
  BytesView as_bytes() && = delete;

  // The same value, kept alive by itself: copies the bytes of a view, shares what is shared.
  Datum own() const& { return is_view() ? of_bytes(as_bytes()) : *this; }
  Datum own() && {
    return is_view() ? of_bytes(BytesView(word_.body.pointer, word_.body.size)) : std::move(*this);
  }
  // A copy that shares nothing with this one, fit for another executor.
  Datum detach() const { return word_.head.kind >= Kind::kView ? of_bytes(as_bytes()) : *this; }
  // Heap bytes that this Datum keeps alive; for memory accounting.
  size_t heap_bytes() const {
    return word_.head.kind == Kind::kShared ? word_.body.size + sizeof(Shared) : 0;
  }

 private:
  // The order matters: holds_bytes() and detach() compare.
  enum class Kind : uint8_t { kNull, kBool, kInt, kDouble, kInline, kView, kShared };
  struct Shared {
    uint32_t references;
    char text[];  // NOLINT: the bytes follow
  };
  struct Head {
    Kind kind;
    uint8_t small_size;
    char small[kInlineBytesMax];
  };
  struct Body {
    Kind kind;
    uint32_t size;
    union {
      int64_t integer;
      double real;
      const char* pointer;
      Shared* shared;
    };
  };
  union Word {
    Head head;
    Body body;
  };

  explicit Datum(Kind kind) { word_.head.kind = kind; }
  static Datum inline_bytes(BytesView v) {
    Datum d(Kind::kInline);
    d.word_.head.small_size = static_cast<uint8_t>(v.size());
    if (!v.empty()) std::memcpy(d.word_.head.small, v.data(), v.size());
    return d;
  }
  static Datum share(BytesView v);
  void release() {
    if (word_.head.kind == Kind::kShared) release_shared();
  }
  void release_shared();

  Word word_;
};

static_assert(sizeof(Datum) == 24);

}  // namespace quorate::sql

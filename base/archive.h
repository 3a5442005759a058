// Turns plain structs into bytes and back: messages between nodes, log entries, catalog
// descriptors.
//
//   struct Point { uint64_t x; std::string name;
//                  template <class A> void serialize(A& a) { a(x, name); } };
//   Bytes b = encode(point);   Status s = decode(b, point);
//
// Integers are varints (signed ones zigzag), `a.fixed64()` is 8 bytes little-endian, strings and
// containers carry their length first, variants their alternative's number. Fields are told by
// their order alone: what is kept on disk begins with a format number of its own and a golden-bytes
// test freezes it; what goes between nodes is guarded by the handshake's version. Decoding never
// trusts a length: it fails with kCorruption on short or overlong input, and never reads past the
// end.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace quorate {

class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  void fixed64(uint64_t v) {
    char raw[8];
    for (int i = 0; i < 8; ++i) raw[i] = static_cast<char>(v >> (8 * i));
    out_.append(raw, 8);
  }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_.push_back(static_cast<char>(v | 0x80));
      v >>= 7;
    }
    out_.push_back(static_cast<char>(v));
  }
  static constexpr bool kDecoding = false;

 private:
  template <class T>
  void put(const T& v) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.push_back(v ? 1 : 0);
    } else if constexpr (std::is_enum_v<T>) {
      varint(static_cast<uint64_t>(v));
    } else if constexpr (std::is_floating_point_v<T>) {
      double d = v;
      uint64_t u;
      static_assert(sizeof u == sizeof d);
      __builtin_memcpy(&u, &d, 8);
      fixed64(u);
    } else if constexpr (std::is_signed_v<T>) {
      int64_t s = v;
      varint((static_cast<uint64_t>(s) << 1) ^ static_cast<uint64_t>(s >> 63));
    } else if constexpr (std::is_unsigned_v<T>) {
      varint(v);
    } else {
      const_cast<T&>(v).serialize(*this);
    }
  }
  void put(const std::string& v) {
    varint(v.size());
    out_.append(v);
  }
  template <class T>
  void put(const std::vector<T>& v) {
    sequence(v);
  }
  template <class T>
  void put(const std::set<T>& v) {
    sequence(v);
  }
  template <class K, class V>
  void put(const std::map<K, V>& v) {
    sequence(v);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& v) {
    put(v.first);
    put(v.second);
  }
  template <class T>
  void put(const std::optional<T>& v) {
    put(v.has_value());
    if (v) put(*v);
  }
  template <class T>
  void put(const std::shared_ptr<T>& v) {
    put(v != nullptr);
    if (v) put(*v);
  }
  template <class... T>
  void put(const std::variant<T...>& v) {
    varint(v.index());
    std::visit([this](const auto& x) { this->put(x); }, v);
  }
  void put(const std::monostate&) {}
  template <class C>
  void sequence(const C& c) {
    varint(c.size());
    for (const auto& x : c) put(x);
  }

  Bytes& out_;
};

class Decoder {
 public:
  explicit Decoder(BytesView in) : in_(in) {}
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  void fixed64(uint64_t& v) {
    if (in_.size() < 8) return fail();
    v = 0;
    for (int i = 0; i < 8; ++i)
      v |= static_cast<uint64_t>(static_cast<unsigned char>(in_[i])) << (8 * i);
    in_.remove_prefix(8);
  }
  void varint(uint64_t& v) {
    v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) return fail();
      uint64_t byte = static_cast<unsigned char>(in_.front());
      in_.remove_prefix(1);
      v |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return;
    }
    fail();
  }
  bool ok() const { return ok_; }
  bool at_end() const { return in_.empty(); }
  BytesView rest() const { return in_; }
  void fail() {
    ok_ = false;
    in_ = {};
  }
  static constexpr bool kDecoding = true;

 private:
  template <class T>
  void get(T& v) {
    if constexpr (std::is_same_v<T, bool>) {
      if (in_.empty()) return fail();
      v = in_.front() != 0;
      in_.remove_prefix(1);
    } else if constexpr (std::is_enum_v<T>) {
      uint64_t u = 0;
      varint(u);
      v = static_cast<T>(u);
    } else if constexpr (std::is_floating_point_v<T>) {
      uint64_t u = 0;
      fixed64(u);
      double d;
      __builtin_memcpy(&d, &u, 8);
      v = static_cast<T>(d);
    } else if constexpr (std::is_signed_v<T>) {
      uint64_t u = 0;
      varint(u);
      v = static_cast<T>(static_cast<int64_t>(u >> 1) ^ -static_cast<int64_t>(u & 1));
    } else if constexpr (std::is_unsigned_v<T>) {
      uint64_t u = 0;
      varint(u);
      v = static_cast<T>(u);
    } else {
      v.serialize(*this);
    }
  }
  void get(std::string& v) {
    uint64_t n = 0;
    varint(n);
    if (n > in_.size()) return fail();
    v.assign(in_.substr(0, n));
    in_.remove_prefix(n);
  }
  template <class T>
  void get(std::vector<T>& v) {
    v.clear();
    uint64_t n = count();
    v.reserve(std::min<uint64_t>(n, 4096));
    for (uint64_t i = 0; i < n && ok_; ++i) {
      if constexpr (std::is_same_v<T, bool>) {
        bool b = false;
        get(b);
        v.push_back(b);
      } else {
        get(v.emplace_back());
      }
    }
  }
  template <class T>
  void get(std::set<T>& v) {
    v.clear();
    for (uint64_t n = count(), i = 0; i < n && ok_; ++i) {
      T x{};
      get(x);
      v.insert(std::move(x));
    }
  }
  template <class K, class V>
  void get(std::map<K, V>& v) {
    v.clear();
    for (uint64_t n = count(), i = 0; i < n && ok_; ++i) {
      K k{};
      get(k);
      get(v[std::move(k)]);
    }
  }
  template <class A, class B>
  void get(std::pair<A, B>& v) {
    get(v.first);
    get(v.second);
  }
  template <class T>
  void get(std::optional<T>& v) {
    bool present = false;
    get(present);
    if (present && ok_)
      get(v.emplace());
    else
      v.reset();
  }
  template <class T>
  void get(std::shared_ptr<T>& v) {
    bool present = false;
    get(present);
    if (!present || !ok_) {
      v.reset();
      return;
    }
    auto fresh = std::make_shared<std::remove_const_t<T>>();
    get(*fresh);
    v = std::move(fresh);
  }
  template <class... T>
  void get(std::variant<T...>& v) {
    uint64_t index = 0;
    varint(index);
    if (index >= sizeof...(T)) return fail();
    alternative<0>(v, index);
  }
  void get(std::monostate&) {}
  template <size_t I, class... T>
  void alternative(std::variant<T...>& v, uint64_t index) {
    if constexpr (I < sizeof...(T)) {
      if (index == I)
        get(v.template emplace<I>());
      else
        alternative<I + 1>(v, index);
    }
  }
  // Each element takes at least one byte, except empty structs, which nobody keeps in containers.
  uint64_t count() {
    uint64_t n = 0;
    varint(n);
    if (n > in_.size()) {
      fail();
      return 0;
    }
    return n;
  }

  BytesView in_;
  bool ok_ = true;
};

template <class T>
void encode_to(const T& value, Bytes& out) {
  Encoder e(out);
  e(value);
}
template <class T>
Bytes encode(const T& value) {
  Bytes out;
  encode_to(value, out);
  return out;
}
// The whole of `in` must be used up.
template <class T>
Status decode(BytesView in, T& value) {
  Decoder d(in);
  d(value);
  if (!d.ok() || !d.at_end()) return corruption("malformed encoded message");
  return Status();
}

}  // namespace quorate

// Order-preserving encodings: comparing encoded bytes compares values. Frozen: they are on disk.
//
//   u64    8 bytes, big-endian
//   i64    the same with the sign bit flipped
//   double IEEE bits; negative numbers all flipped, others with the sign bit flipped; -0 becomes 0,
//   NaN sorts last bytes  each 0x00 becomes 0x00 0xff; 0x00 0x01 ends it, so that a prefix sorts
//   first
//
// A descending column stores the complement of the ascending bytes (`invert_from`). The take_
// functions remove what they read from the front of `in` and return false, leaving it unspecified,
// on bad input.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace quorate {

void put_ordered_u8(uint8_t v, Bytes& out);
void put_ordered_u32(uint32_t v, Bytes& out);
void put_ordered_u64(uint64_t v, Bytes& out);
void put_ordered_i64(int64_t v, Bytes& out);
void put_ordered_double(double v, Bytes& out);
void put_ordered_bytes(BytesView v, Bytes& out);
// Complements out[from..]: makes the last column descending.
void invert_from(size_t from, Bytes& out);

bool take_ordered_u8(BytesView& in, uint8_t& v);
bool take_ordered_u32(BytesView& in, uint32_t& v);
bool take_ordered_u64(BytesView& in, uint64_t& v, bool descending = false);
bool take_ordered_i64(BytesView& in, int64_t& v, bool descending = false);
bool take_ordered_double(BytesView& in, double& v, bool descending = false);
bool take_ordered_bytes(BytesView& in, Bytes& v, bool descending = false);

}  // namespace quorate

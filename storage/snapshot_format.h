// A range's copy on its way to another store: a row of chunks. Between nodes and in the spool; the
// stored keys and values go as they stand in the checkpoint.
//
//   chunk := crc32c(rest) 4 bytes | number | last | records | count of all records (last chunk)
#pragma once

#include <vector>

#include "base/archive.h"
#include "base/crc32c.h"

namespace quorate::storage {

struct SnapshotChunk {
  uint64_t number = 0;  // from 0
  bool last = false;
  std::vector<std::pair<Bytes, Bytes>> records;
  uint64_t total = 0;
  template <class A>
  void serialize(A& a) {
    a(number, last, records, total);
  }
};

inline constexpr size_t kSnapshotChunkBytes = 1u << 20;  // about

inline Bytes encode_chunk(const SnapshotChunk& chunk) {
  Bytes out(4, '\0');
  encode_to(chunk, out);
  uint32_t crc = crc32c(BytesView(out).substr(4));
  for (int i = 0; i < 4; ++i) out[static_cast<size_t>(i)] = static_cast<char>(crc >> (8 * i));
  return out;
}

inline Status decode_chunk(BytesView in, SnapshotChunk& chunk) {
  if (in.size() < 4) return corruption("short snapshot chunk");
  uint32_t crc = 0;
  for (size_t i = 0; i < 4; ++i) {
    crc |= static_cast<uint32_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  if (crc != crc32c(in.substr(4))) return corruption("a snapshot chunk is damaged");
  return decode(in.substr(4), chunk);
}

}  // namespace quorate::storage

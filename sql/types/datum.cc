#include "sql/types/datum.h"

#include <cstdlib>

namespace quorate::sql {

Datum Datum::share(BytesView v) {
  CHECK(v.size() < UINT32_MAX);
  auto* block = static_cast<Shared*>(std::malloc(sizeof(Shared) + v.size()));
  CHECK(block != nullptr);
  block->references = 1;
  std::memcpy(block->text, v.data(), v.size());
  Datum d(Kind::kShared);
  d.word_.body.size = static_cast<uint32_t>(v.size());
  d.word_.body.shared = block;
  return d;
}

void Datum::release_shared() {
  if (--word_.body.shared->references == 0) std::free(word_.body.shared);
}

}  // namespace quorate::sql

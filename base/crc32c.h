// CRC-32C (Castagnoli), as in RFC 3720. `seed` is a previous result, so that parts can be chained.
#pragma once

#include <cstdint>
#include <string_view>

namespace quorate {
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);
}

// Byte strings: owned (Bytes) and viewed (BytesView). A view never outlives what it looks at.
#pragma once

#include <string>
#include <string_view>

namespace quorate {

using Bytes = std::string;
using BytesView = std::string_view;

// The smallest string greater than every string that starts with `prefix`; empty when there is none
// (empty means "no upper bound" wherever an end key is expected).
Bytes prefix_successor(BytesView prefix);
// The smallest string greater than `key`: key + '\0'.
Bytes key_successor(BytesView key);
std::string to_hex(BytesView bytes);
bool from_hex(std::string_view hex, Bytes& out);
// Printable ASCII as it is, the rest as \xNN: for logs and test scripts.
std::string escape_bytes(BytesView bytes);

}  // namespace quorate

#include "base/timestamp.h"

#include <cstdio>

#include "base/ids.h"

namespace quorate {

std::string Timestamp::to_string() const {
  char text[48];
  std::snprintf(text, sizeof text, "%llu.%06llu,%u",
                static_cast<unsigned long long>(micros() / 1000000),
                static_cast<unsigned long long>(micros() % 1000000), logical());
  return text;
}

std::string TxnId::to_string() const {
  char text[16];
  std::snprintf(text, sizeof text, "%08llx", static_cast<unsigned long long>(high >> 32));
  return text;
}

}  // namespace quorate

#include "tests/fuzz/fuzz_target.h"

namespace quorate::fuzz {

std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

}  // namespace quorate::fuzz

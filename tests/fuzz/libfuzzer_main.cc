// What libFuzzer calls. One program holds all targets; the environment tells which one runs:
//
//   QUORATE_FUZZ_TARGET=pgwire_codec fuzzer CORPUS...
//
// With QUORATE_FUZZ_SEEDS=DIR the target's seeds are written there first.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/fuzz/fuzz_target.h"

namespace {

const quorate::fuzz::Target* target = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* wanted = std::getenv("QUORATE_FUZZ_TARGET");
  for (const quorate::fuzz::Target& t : quorate::fuzz::targets()) {
    if (wanted != nullptr && t.name == std::string(wanted)) target = &t;
  }
  if (target == nullptr) {
    std::fprintf(stderr, "QUORATE_FUZZ_TARGET is one of");
    for (const quorate::fuzz::Target& t : quorate::fuzz::targets())
      std::fprintf(stderr, " %s", t.name);
    std::fprintf(stderr, "\n");
    std::exit(2);
  }
  const char* directory = std::getenv("QUORATE_FUZZ_SEEDS");
  if (directory == nullptr) return 0;
  int number = 0;
  for (const quorate::Bytes& seed : target->seeds()) {
    const std::string path = std::string(directory) + "/seed-" + std::to_string(++number);
    std::ofstream(path, std::ios::binary) << seed;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  target->run(quorate::BytesView(reinterpret_cast<const char*>(data), size));
  return 0;
}

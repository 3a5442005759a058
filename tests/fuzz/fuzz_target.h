// One fuzz target a file:
//
//   FUZZ_TARGET(pgwire_codec) { ... decode(input) ...; }    // BytesView input
//   FUZZ_SEEDS(pgwire_codec) { return {...}; }              // valid inputs to begin with
//
// A target must do something sensible with any bytes: no crash, no sanitizer's report, memory in
// proportion to the input, and what it CHECKs. It keeps nothing from one input to the next.
//
// In the preset `fuzz` all targets stand in one libFuzzer program (libfuzzer_main.cc); everywhere
// else in fuzz_corpus, which runs seeds and kept inputs once (corpus_main.cc).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace quorate::fuzz {

struct Target {
  const char* name;
  void (*run)(BytesView input);
  std::vector<Bytes> (*seeds)();
};

// Targets of this program, in no order.
std::vector<Target>& targets();

struct Registration {
  explicit Registration(const Target& target) { targets().push_back(target); }
};

}  // namespace quorate::fuzz

#define FUZZ_TARGET(name)                                         \
  static void fuzz_##name(::quorate::BytesView input);            \
  static std::vector<::quorate::Bytes> seeds_##name();            \
  static const ::quorate::fuzz::Registration registration_##name( \
      {#name, fuzz_##name, seeds_##name});                        \
  static void fuzz_##name([[maybe_unused]] ::quorate::BytesView input)
#define FUZZ_SEEDS(name) static std::vector<::quorate::Bytes> seeds_##name()

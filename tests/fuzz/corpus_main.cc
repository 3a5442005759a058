// Runs the kept inputs of every target, and its seeds, as an ordinary test:
//
//   fuzz_corpus CORPUS [TARGET [FILE]]
//
// CORPUS holds a folder for each target. A target without kept inputs fails, and so does a folder
// without a target. An input that crashes ends the program; the last line tells which one it was.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "tests/fuzz/fuzz_target.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace quorate::fuzz {
namespace {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK_MSG(in.good(), path.string());
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

std::string& current() {
  static std::string name;
  return name;
}
void tell_current() {
  const std::string& line = current();
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}
void on_signal(int signal) {
  tell_current();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// In memory of its exact size, so that AddressSanitizer sees a read past its end.
void run(const Target& target, const std::string& name, const Bytes& input) {
  current() = std::string("the input was ") + target.name + " " + name + "\n";
  auto exact = std::make_unique<char[]>(input.size());
  std::copy(input.begin(), input.end(), exact.get());
  target.run(BytesView(exact.get(), input.size()));
}

bool run_target(const Target& target, const fs::path& corpus, const char* only) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(corpus / target.name, none)) {
    if (only == nullptr || entry.path().filename() == only) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::printf("%s: no kept inputs in %s\n", target.name, corpus.c_str());
    return false;
  }
  const std::vector<Bytes> seeds = target.seeds();
  CHECK_MSG(!seeds.empty(), target.name);
  for (size_t i = 0; i < seeds.size() && only == nullptr; ++i) {
    run(target, "seed " + std::to_string(i + 1), seeds[i]);
  }
  for (const fs::path& file : files) run(target, file.filename(), read_file(file));
  std::printf("%s: %zu kept inputs, %zu seeds\n", target.name, files.size(), seeds.size());
  return true;
}

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: fuzz_corpus CORPUS [TARGET [FILE]]\n");
    return 2;
  }
  const fs::path corpus = argv[1];
  std::vector<Target>& all = targets();
  std::sort(all.begin(), all.end(),
            [](const Target& a, const Target& b) { return std::strcmp(a.name, b.name) < 0; });
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(tell_current);
  } else {
    for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_signal);
  }
  bool good = true;
  size_t ran = 0;
  for (const Target& target : all) {
    if (argc > 2 && std::strcmp(argv[2], target.name) != 0) continue;
    ++ran;
    good &= run_target(target, corpus, argc > 3 ? argv[3] : nullptr);
  }
  if (ran == 0) {
    std::printf("no such target\n");
    return 1;
  }
  for (const auto& entry : fs::directory_iterator(corpus)) {
    const std::string name = entry.path().filename();
    if (std::none_of(all.begin(), all.end(), [&](const Target& t) { return name == t.name; })) {
      std::printf("%s: a folder without a target\n", name.c_str());
      good = false;
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace quorate::fuzz

int main(int argc, char** argv) { return quorate::fuzz::main(argc, argv); }

// Text scripts with golden output. A script is a sequence of blocks:
//
//   # comment
//   command key=value key=(v1,v2) flag
//   input lines
//   ----
//   expected output
//   <blank line>
//
// Output that holds blank lines is fenced by "----" twice before and after. `run_script` calls the
// handler for each block and compares; with QUORATE_REWRITE=1 in the environment it rewrites the
// file with what came out, so that the diff is the review.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace quorate::testing {

struct Command {
  std::string name;
  std::vector<std::pair<std::string, std::vector<std::string>>>
      args;           // in order; a flag has no values
  std::string input;  // lines between command and ----
  std::string where;  // "file:line"
  bool has(const std::string& key) const;
  // The first value, or `fallback` where the key is absent. A missing key without fallback fails
  // the test.
  std::string get(const std::string& key) const;
  std::string get(const std::string& key, const std::string& fallback) const;
  uint64_t get_u64(const std::string& key) const;
  uint64_t get_u64(const std::string& key, uint64_t fallback) const;
  std::vector<std::string> list(const std::string& key) const;
};

using Handler = std::function<std::string(const Command&)>;
void run_script(const std::string& path, const Handler& handler);
// Every *.txt of a directory, by name; `make` builds a fresh handler for each file.
void run_scripts(const std::string& directory, const std::function<Handler()>& make);

}  // namespace quorate::testing

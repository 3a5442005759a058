#include "base/testing/datadriven.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace quorate::testing {
namespace {

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << "cannot read " << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// "name a=1 b=(2,3) c" -> name and arguments. Values may be quoted with '...'.
void parse_command(const std::string& line, Command& c) {
  size_t i = 0;
  auto skip = [&] {
    while (i < line.size() && line[i] == ' ') ++i;
  };
  auto word = [&](std::string_view stop) {
    std::string w;
    if (i < line.size() && line[i] == '\'') {
      for (++i; i < line.size() && line[i] != '\''; ++i) w += line[i];
      ++i;
      return w;
    }
    while (i < line.size() && stop.find(line[i]) == std::string_view::npos) w += line[i++];
    return w;
  };
  c.name = word(" ");
  for (skip(); i < line.size(); skip()) {
    std::string key = word(" =");
    std::vector<std::string> values;
    if (i < line.size() && line[i] == '=') {
      ++i;
      if (i < line.size() && line[i] == '(') {
        ++i;
        while (i < line.size() && line[i] != ')') {
          skip();
          values.push_back(word(",)"));
          if (i < line.size() && line[i] == ',') ++i;
        }
        ++i;
      } else {
        values.push_back(word(" "));
      }
    }
    c.args.emplace_back(key, std::move(values));
  }
}

std::string fenced(std::string output) {
  if (!output.empty() && output.back() != '\n') output += '\n';
  bool blank = output.find("\n\n") != std::string::npos || output.starts_with("\n");
  return blank ? "----\n----\n" + output + "----\n----\n" : "----\n" + output;
}

}  // namespace

bool Command::has(const std::string& key) const {
  for (const auto& [k, v] : args)
    if (k == key) return true;
  return false;
}
std::vector<std::string> Command::list(const std::string& key) const {
  for (const auto& [k, v] : args)
    if (k == key) return v;
  return {};
}
std::string Command::get(const std::string& key, const std::string& fallback) const {
  auto values = list(key);
  return values.empty() ? fallback : values[0];
}
std::string Command::get(const std::string& key) const {
  EXPECT_TRUE(has(key)) << where << ": " << name << " needs " << key << "=";
  return get(key, "");
}
uint64_t Command::get_u64(const std::string& key) const {
  return std::strtoull(get(key).c_str(), nullptr, 10);
}
uint64_t Command::get_u64(const std::string& key, uint64_t fallback) const {
  return has(key) ? get_u64(key) : fallback;
}

void run_script(const std::string& path, const Handler& handler) {
  const bool rewrite = std::getenv("QUORATE_REWRITE") != nullptr;
  std::vector<std::string> lines = read_lines(path);
  std::ostringstream rewritten;
  size_t i = 0;
  while (i < lines.size()) {
    if (lines[i].empty() || lines[i][0] == '#') {
      rewritten << lines[i++] << '\n';
      continue;
    }
    Command c;
    c.where = path + ":" + std::to_string(i + 1);
    parse_command(lines[i], c);
    rewritten << lines[i++] << '\n';
    while (i < lines.size() && lines[i] != "----") {
      ASSERT_FALSE(lines[i].empty()) << c.where << ": no ---- after the command";
      c.input += lines[i] + "\n";
      rewritten << lines[i++] << '\n';
    }
    ASSERT_LT(i, lines.size()) << c.where << ": no ---- after the command";
    ++i;
    std::string expected;
    if (i < lines.size() && lines[i] == "----") {
      ++i;
      while (i + 1 < lines.size() && !(lines[i] == "----" && lines[i + 1] == "----"))
        expected += lines[i++] + "\n";
      i += 2;
    } else {
      while (i < lines.size() && !lines[i].empty()) expected += lines[i++] + "\n";
    }
    std::string actual = handler(c);
    if (!actual.empty() && actual.back() != '\n') actual += '\n';
    if (rewrite) {
      rewritten << fenced(actual);
    } else {
      EXPECT_EQ(actual, expected) << c.where << ": " << c.name;
    }
    if (::testing::Test::HasFatalFailure()) return;
  }
  if (rewrite) std::ofstream(path) << rewritten.str();
}

void run_scripts(const std::string& directory, const std::function<Handler()>& make) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  EXPECT_FALSE(paths.empty()) << "no scripts in " << directory;
  for (const auto& path : paths) {
    SCOPED_TRACE(path);
    run_script(path, make());
  }
}

}  // namespace quorate::testing

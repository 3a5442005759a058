// Planted bugs (base/planted.h) are of use only where they are looked for: each has a place in the
// code that it breaks, a name that `--plant` knows, and a line of tests/long/planted.txt with the
// workload that must show it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace quorate {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;  // as they come: a name may be there twice

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

fs::path top() { return QUORATE_SOURCE_DIR; }

Names all_of(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Names out;
  for (std::sregex_iterator m(text.begin(), text.end(), regex), end; m != end; ++m)
    out.push_back((*m)[1]);
  return out;
}

Names switches_of(const std::string& header) {
  const size_t begin = header.find("struct PlantedBugs");
  return all_of(header.substr(std::min(begin, header.size())),
                R"rx(QUORATE_PLANTED\(\s*(\w+)\s*\))rx");
}

struct Row {
  std::string plant, workload;
  int seeds = 0;
};

std::vector<Row> rows_of(const std::string& list) {
  std::vector<Row> out;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    static const std::regex kRow(
        R"rx(([^|]+) \| (\w+) \| ([a-z-]+)(?: --often [a-z-]+)? \| (\d+))rx");
    std::smatch m;
    if (std::regex_match(line, m, kRow))
      out.push_back({m[2], m[3], std::stoi(m[4])});
    else
      out.push_back({"not a row: " + line, "", 0});
  }
  return out;
}

Names plants_of(const std::vector<Row>& rows) {
  Names out;
  for (const Row& row : rows) out.push_back(row.plant);
  return out;
}

// What is in one and not in the other, or twice.
Names differences(Names a, Names b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  Names out;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  for (const Names* names : {&a, &b})
    for (size_t i = 1; i < names->size(); ++i)
      if ((*names)[i] == (*names)[i - 1]) out.push_back((*names)[i]);
  return out;
}

// The code of the rooms, without the switches themselves and without tests.
std::string read_rooms() {
  std::string out;
  for (const char* room : {"raft", "storage", "range", "txn", "sql", "pgwire", "server"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top() / room)) {
      const fs::path& path = entry.path();
      const bool code = path.extension() == ".cc" || path.extension() == ".h";
      if (code && !path.stem().string().ends_with("_test")) out += read_file(path);
    }
  }
  return out;
}

Names switches() { return switches_of(read_file(top() / "base/planted.h")); }
std::vector<Row> rows() { return rows_of(read_file(top() / "tests/long/planted.txt")); }

TEST(Plants, are_known_to_the_simulator) {
  EXPECT_GT(switches().size(), 80u);
  const std::string table = read_file(top() / "sim/job.cc");
  const Names known = all_of(table, R"rx(\{"(\w+)",\s*&PlantedBugs::\w+\})rx");
  EXPECT_EQ(differences(switches(), known), Names());
  const Names fields = all_of(table, R"rx(\{"\w+",\s*&PlantedBugs::(\w+)\})rx");
  EXPECT_EQ(known, fields);
}

TEST(Plants, are_listed_with_a_workload_that_there_is) {
  EXPECT_EQ(differences(switches(), plants_of(rows())), Names());
  const std::string kinds =
      read_file(top() / "sim/workload.cc") + read_file(top() / "sim/sql/sql_workloads.cc");
  for (const Row& row : rows()) {
    EXPECT_NE(kinds.find("{\"" + row.workload + "\", make<"), std::string::npos) << row.plant;
    EXPECT_GT(row.seeds, 0) << row.plant;
  }
}

TEST(Plants, break_something) {
  const Names used = all_of(read_rooms(), R"rx((?:planted_?|bugs)\.(\w+)\b)rx");
  const std::set<std::string> somewhere(used.begin(), used.end());
  for (const std::string& name : switches()) EXPECT_TRUE(somewhere.contains(name)) << name;
}

TEST(Plants, that_are_missing_are_found) {
  EXPECT_EQ(switches_of("struct PlantedBugs {\n  QUORATE_PLANTED(a);\n  QUORATE_PLANTED(\n  b);"),
            (Names{"a", "b"}));
  EXPECT_EQ(differences({"a", "b"}, {"b", "a"}), Names());
  EXPECT_EQ(differences({"a", "b"}, {"a"}), Names{"b"});
  EXPECT_EQ(differences({"a"}, {"a", "b"}), Names{"b"});
  EXPECT_FALSE(differences({"a", "a"}, {"a", "a"}).empty());
  const std::vector<Row> good = rows_of("# a comment\na rule: of two | plant | sql-bank | 30\n");
  ASSERT_EQ(good.size(), 1u);
  EXPECT_EQ(good[0].plant + good[0].workload + std::to_string(good[0].seeds), "plantsql-bank30");
  const std::vector<Row> often = rows_of("a rule | plant | bank --often rot | 30\n");
  ASSERT_EQ(often.size(), 1u);
  EXPECT_EQ(often[0].workload, "bank");
  EXPECT_NE(plants_of(rows_of("a rule | plant | sql-bank\n")), Names{"plant"});
}

}  // namespace
}  // namespace quorate

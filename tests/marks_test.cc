// Marks (base/mark.h) are told apart by their names alone: two of one name would hide each other in
// the report, and one whose name begins with another room's would be looked for in the wrong place.
// In a header, or a template, the linker would not know in which section to put a mark.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace quorate {
namespace {

using Tree = std::map<std::string, std::string>;  // path from the top -> content

const char* const kRooms[] = {"raft", "storage", "range", "txn", "sql", "pgwire", "server"};

Tree read_rooms() {
  namespace fs = std::filesystem;
  Tree tree;
  const fs::path top = QUORATE_SOURCE_DIR;
  for (const char* room : kRooms) {
    for (const auto& entry : fs::recursive_directory_iterator(top / room)) {
      const fs::path ext = entry.path().extension();
      if (ext != ".cc" && ext != ".h") continue;
      std::ifstream in(entry.path());
      tree[fs::relative(entry.path(), top).generic_string()] =
          std::string(std::istreambuf_iterator<char>(in), {});
    }
  }
  return tree;
}

struct Marks {
  std::map<std::string, std::string> by_name;  // where it stands
  std::vector<std::string> faults;
};

Marks find_marks(const Tree& tree) {
  static const std::regex kMark(R"rx(\bMARK(?:_IF)?\s*\(([^;]*?)"((?:[^"\\]|\\.)*)"\s*\))rx");
  Marks out;
  for (const auto& [path, text] : tree) {
    for (std::sregex_iterator m(text.begin(), text.end(), kMark), end; m != end; ++m) {
      const std::string name = (*m)[2];
      const std::string room = path.substr(0, path.find('/'));
      if (path.ends_with(".h")) out.faults.push_back(path + ": a mark in a header: " + name);
      if (!name.starts_with(room + ": "))
        out.faults.push_back(path + ": not named after its room: " + name);
      auto [known, fresh] = out.by_name.emplace(name, path);
      if (!fresh) out.faults.push_back(path + ": as in " + known->second + ": " + name);
    }
  }
  return out;
}

TEST(Marks, have_names_of_their_own_and_of_their_rooms) {
  const Marks marks = find_marks(read_rooms());
  EXPECT_GT(marks.by_name.size(), 80u);
  for (const std::string& fault : marks.faults) ADD_FAILURE() << fault;
}

TEST(Marks, planted_faults_are_found) {
  EXPECT_EQ(find_marks({{"raft/a.cc", "MARK(\"raft: one\"); MARK(\"raft: two\");"}}).faults.size(),
            0u);
  EXPECT_EQ(find_marks({{"raft/a.cc", "MARK(\"raft: one\");"},
                        {"raft/b.cc", "MARK_IF(x > (y), \"raft: one\");"}})
                .faults.size(),
            1u);
  EXPECT_EQ(find_marks({{"txn/a.cc", "MARK(\"raft: one\");"}}).faults.size(), 1u);
  EXPECT_EQ(find_marks({{"txn/a.h", "MARK(\"txn: one\");"}}).faults.size(), 1u);
}

}  // namespace
}  // namespace quorate

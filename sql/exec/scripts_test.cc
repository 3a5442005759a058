// Runs the scripts of sql/testdata: statements with the answers that PostgreSQL 15 gave
// (sql/testing/expect.py). A block that begins with "# differs: why" has our own answer, frozen by
// hand.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sql/testing/mini_session.h"

namespace quorate::sql {
namespace {

struct Block {
  std::string sql, expected;
  size_t line = 0;
};

std::vector<Block> read_script(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<Block> out;
  Block b;
  bool answer = false;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty()) {
      if (!b.sql.empty()) out.push_back(std::move(b));
      b = {};
      answer = false;
    } else if (answer) {
      b.expected += line + "\n";
    } else if (line == "----") {
      answer = true;
    } else if (line[0] != '#') {
      if (b.sql.empty()) b.line = number;
      b.sql += (b.sql.empty() ? "" : "\n") + line;
    }
  }
  if (!b.sql.empty()) out.push_back(std::move(b));
  return out;
}

bool has_order(std::string sql) {
  std::transform(sql.begin(), sql.end(), sql.begin(), [](unsigned char c) { return tolower(c); });
  return sql.find("order by") != std::string::npos;
}

class Scripts : public testing::TestWithParam<std::string> {};

TEST_P(Scripts, answers_are_those_of_postgres) {
  const auto path =
      std::filesystem::path(QUORATE_SOURCE_DIR) / "sql/testdata" / (GetParam() + ".txt");
  MiniNode node;
  MiniSession session(node);
  for (const Block& b : read_script(path)) {
    EXPECT_EQ(session.query(b.sql, !has_order(b.sql)), b.expected)
        << path.filename().string() << ":" << b.line << ": " << b.sql << "\n"
        << session.explain(b.sql);
  }
}

std::vector<std::string> scripts() {
  std::vector<std::string> out;
  for (const auto& f :
       std::filesystem::directory_iterator(std::string(QUORATE_SOURCE_DIR) + "/sql/testdata")) {
    if (f.path().extension() == ".txt") out.push_back(f.path().stem().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, Scripts, testing::ValuesIn(scripts()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace quorate::sql

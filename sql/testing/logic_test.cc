// The files of tests/sqllogic: SQL whose results were written by a real PostgreSQL 15
// (tests/sqllogic/freeze.py), run here from text to text in one process.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sql/testing/mini_session.h"

namespace quorate::sql {
namespace {

struct Block {
  std::string sql, expected;
};

std::vector<Block> read_blocks(const std::string& path) {
  std::ifstream in(path);
  std::vector<Block> out;
  Block block;
  bool results = false;
  const auto finish = [&] {
    if (results) out.push_back(std::move(block));
    block = {};
    results = false;
  };
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      finish();
    } else if (line == "----") {
      results = true;
    } else {
      (results ? block.expected : block.sql) += line + "\n";
    }
  }
  finish();
  return out;
}

std::vector<std::string> files() {
  std::vector<std::string> out;
  for (const auto& e : std::filesystem::directory_iterator(QUORATE_SOURCE_DIR "/tests/sqllogic"))
    if (e.path().extension() == ".slt") out.push_back(e.path().stem().string());
  std::sort(out.begin(), out.end());
  return out;
}

class Logic : public testing::TestWithParam<std::string> {};

TEST_P(Logic, gives_what_postgresql_gives) {
  TextSession session;
  const auto blocks = read_blocks(QUORATE_SOURCE_DIR "/tests/sqllogic/" + GetParam() + ".slt");
  ASSERT_FALSE(blocks.empty());
  for (const Block& b : blocks) EXPECT_EQ(session.run(b.sql), b.expected) << b.sql;
}

INSTANTIATE_TEST_SUITE_P(Files, Logic, testing::ValuesIn(files()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate::sql

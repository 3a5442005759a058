// Who may include whom, which foreign headers may appear where, and which names are banned above
// the runtime seam. The tables below are the house's plan as code: docs/architecture.md says why
// each edge is there. A rule that catches nothing is no rule, so each has a planted violation at
// the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace quorate {
namespace {

using Strings = std::vector<std::string>;
using Tree = std::map<std::string, std::string>;  // path from the top -> content

bool starts_with_any(const std::string& s, const Strings& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& p) { return s.starts_with(p); });
}

// A folder and what its files may include of ours. The longest matching `folder` decides; a prefix
// without a trailing slash is the beginning of file names. Every folder may include its own files.
struct Room {
  std::string folder;
  Strings may;
};

const std::vector<Room>& rooms() {
  static const std::vector<Room> table = [] {
    std::vector<Room> t = {
        {"base/", {}},
        {"runtime/", {"base/"}},
        {"runtime/real/", {"base/", "runtime/"}},
        {"runtime/sim/", {"base/", "runtime/"}},
        {"storage/", {"base/", "runtime/"}},
        {"raft/core/", {"base/"}},
        {"raft/", {"base/", "runtime/", "storage/"}},
        {"range/", {"base/", "runtime/", "storage/", "raft/"}},
        {"txn/", {"base/", "runtime/", "range/", "storage/run_body"}},
        {"pgwire/", {"base/", "runtime/", "sql/session/", "sql/types/"}},
        {"server/",
         {"base/", "runtime/", "storage/", "raft/", "range/", "txn/", "sql/", "pgwire/"}},
        {"bench/", {"base/"}},
    };
    // The binary's main hands `quorate bench` and `quorate sim` over to those rooms.
    t.push_back({"server/quorate_main.cc",
                 {"base/", "runtime/", "storage/", "raft/", "range/", "txn/", "sql/", "pgwire/",
                  "server/", "bench/", "sim/"}});
    // Filters at the leaseholder are plain data of range/; the rest of range/ is not sql's
    // business.
    const Strings below_sql = {"base/",      "runtime/",         "txn/",
                               "range/api",  "range/filter",     "range/eval/filter",
                               "range/keys", "range/descriptor", "range/row_view"};
    Strings so_far = below_sql;
    for (const char* part : {"types", "functions", "catalog", "parse", "analyze", "plan", "exec",
                             "schema", "system", "session"}) {
      const std::string folder = std::string("sql/") + part + "/";
      t.push_back({folder, so_far});
      so_far.push_back(folder);
      // Evaluating a bound expression needs no plan, and a plan holds compiled expressions: these
      // files of exec are a room of their own, below plan.
      if (part == std::string_view("analyze")) {
        for (const char* below_plan : {"sql/exec/expr_eval", "sql/exec/frame"}) {
          t.push_back({below_plan, so_far});
          t.back().may.insert(t.back().may.end(), {"sql/exec/expr_eval", "sql/exec/frame"});
        }
      }
      if (part == std::string_view("plan")) {
        t.back().may.insert(t.back().may.end(), {"sql/exec/expr_eval", "sql/exec/frame"});
        so_far.insert(so_far.end(), {"sql/exec/expr_eval", "sql/exec/frame"});
      }
    }
    Strings all = {"base/", "runtime/", "storage/", "raft/",   "range/",
                   "txn/",  "sql/",     "pgwire/",  "server/", "sim/"};
    t.push_back({"sim/", all});
    all.push_back("bench/");
    t.push_back({"tests/", all});
    so_far.push_back("txn/testing/");
    t.push_back({"sql/testing/", so_far});
    so_far.push_back("sql/testing/");
    t.push_back({"sql/exec/micro/", so_far});
    return t;
  }();
  return table;
}

// Foreign headers that have a home, by the beginning of their name, and that home.
struct Foreign {
  std::string header;
  std::regex home;
  const char* why;
};

const std::vector<Foreign>& foreign() {
  static const std::vector<Foreign> table = {
      {"boost/", std::regex("runtime/real/.*|server/http\\.cc|bench/floor/.*"),
       "sockets and timers come from runtime"},
      {"lmdb.h", std::regex("storage/lmdb_[a-z_]*\\.cc"),
       "LMDB stands behind the checkpoint store"},
      {"pg_query", std::regex("sql/(parse|analyze)/.*\\.cc"),
       "135,000 lines that no header may drag along"},
      {"openssl/", std::regex("runtime/real/.*|pgwire/.*\\.cc|server/.*\\.cc"),
       "TLS is runtime's, passwords are pgwire's"},
      {"spdlog/", std::regex("base/log\\.cc"), "lines go through a node's LogSink"},
      {"libpq", std::regex("bench/.*|tests/.*"), "only clients speak libpq"},
      {"pqxx/", std::regex("bench/.*|tests/.*"), "only clients speak libpqxx"},
      {"CLI/", std::regex("server/.*\\.(cc|h)|bench/.*|sim/.*"), "flags end at the command line"},
      {"gtest/", std::regex(".*_test\\.cc|.*/testing/.*"), "tests stay out of the product"},
      {"gmock/", std::regex(".*_test\\.cc|.*/testing/.*"), "tests stay out of the product"},
      {"benchmark/", std::regex("bench/.*|.*_bench\\.cc"), "measurements stay out of the product"},
      {"unicode/", std::regex("sql/.*"), "collations are sql's"},
      {"re2/", std::regex("sql/.*"), "patterns are sql's"},
      {"date/", std::regex("sql/.*"), "calendars are sql's"},
      {"gmp", std::regex("sql/types/.*|sql/functions/.*"), "numeric is a type"},
      {"sys/socket.h", std::regex("runtime/real/.*|bench/.*|tests/.*|server/demo\\.cc"),
       "sockets come from runtime"},
      {"thread", std::regex("runtime/real/.*|bench/.*|tests/.*|server/.*|.*_test\\.cc"),
       "work runs on executors"},
      {"mutex", std::regex("base/.*|runtime/real/.*|bench/.*|tests/.*|server/.*|.*_test\\.cc"),
       "state belongs to one executor"},
  };
  return table;
}

// Names that make a run depend on more than its seed.
const Strings& banned_names() {
  static const Strings table = {"std::thread",
                                "std::jthread",
                                "std::mutex",
                                "std::shared_mutex",
                                "std::recursive_mutex",
                                "std::condition_variable",
                                "std::async(",
                                "std::call_once",
                                "std::this_thread",
                                "usleep(",
                                "nanosleep(",
                                "system_clock",
                                "steady_clock",
                                "high_resolution_clock",
                                "gettimeofday(",
                                "clock_gettime(",
                                "time(nullptr)",
                                "time(NULL)",
                                "localtime(",
                                "rand(",
                                "srand(",
                                "random_device",
                                "drand48(",
                                "getenv(",
                                "fopen(",
                                "ifstream",
                                "ofstream",
                                "std::fstream",
                                "pthread_",
                                "std::filesystem",
                                "getaddrinfo("};
  return table;
}

const Strings kAboveSeam = {"storage/", "raft/", "range/", "txn/", "sql/", "pgwire/"};
// LMDB opens its own file: its wrapper makes the directory and may ask the file system.
const std::regex kSeamExempt("storage/lmdb_[a-z_]*\\.(cc|h)|.*/micro/.*");

bool is_test(const std::string& path) {
  return path.ends_with("_test.cc") || path.find("/testing/") != std::string::npos ||
         path.find("/micro/") != std::string::npos || path.starts_with("tests/") ||
         path.starts_with("sim/");
}

const Room* room_of(const std::string& path) {
  const Room* best = nullptr;
  for (const Room& r : rooms()) {
    if (path.starts_with(r.folder) && (!best || r.folder.size() > best->folder.size())) best = &r;
  }
  return best;
}

// Comments and literals become spaces, line breaks stay. By hand: std::regex recurses once a
// character.
std::string strip(std::string text) {
  auto blank = [&](size_t from, size_t to) {
    for (size_t i = from; i < std::min(to, text.size()); ++i) {
      if (text[i] != '\n') text[i] = ' ';
    }
    return to;
  };
  auto end_of = [&](const std::string& mark, size_t from) {
    const size_t at = text.find(mark, from);
    return at == std::string::npos ? text.size() : at + mark.size();
  };
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const bool in_number =
        c == '\'' && i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1]));
    if (text.compare(i, 2, "//") == 0) {
      i = blank(i, end_of("\n", i));
    } else if (text.compare(i, 2, "/*") == 0) {
      i = blank(i, end_of("*/", i + 2));
    } else if (text.compare(i, 2, "R\"") == 0) {
      const size_t paren = std::min(text.find('(', i), text.size());
      i = blank(i, end_of(")" + text.substr(i + 2, paren - i - 2) + "\"", paren));
    } else if ((c == '"' || c == '\'') && !in_number) {
      size_t end = i + 1;
      while (end < text.size() && text[end] != c && text[end] != '\n')
        end += text[end] == '\\' ? 2 : 1;
      i = blank(i, end + 1);
    } else {
      ++i;
    }
  }
  return text;
}

size_t line_of(const std::string& text, size_t position) {
  return 1 + std::count(text.begin(), text.begin() + position, '\n');
}

class Checker {
 public:
  explicit Checker(const Tree& tree) : tree_(tree) {}

  Strings run() {
    for (const auto& [path, text] : tree_) {
      check_includes(path, text);
      check_leftovers(path, text);
      if (path.ends_with(".proto")) check_proto(path, text);
      if (starts_with_any(path, kAboveSeam) && !path.ends_with("_test.cc") &&
          path.find("/testing/") == std::string::npos && !std::regex_match(path, kSeamExempt)) {
        check_seam(path, strip(text));
      }
    }
    if (lmdb_files_.size() > 1) report(lmdb_files_[1], 1, "a second file includes lmdb.h");
    return found_;
  }

 private:
  void report(const std::string& path, size_t line, const std::string& what) {
    found_.push_back(path + ":" + std::to_string(line) + ": " + what);
  }

  void check_includes(const std::string& path, const std::string& text) {
    static const std::regex include(R"re((^|\n)[ \t]*#[ \t]*include[ \t]*(["<])([^">\n]+)[">])re");
    for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
      const size_t line = line_of(text, it->position(3));
      const std::string target = (*it)[3];
      check_foreign(path, line, target);
      if (room_of(target))
        check_ours(path, line, target);
      else if ((*it)[2] == "\"" && tree_.contains(path.substr(0, path.rfind('/') + 1) + target))
        report(path, line, "includes are written from the repository's root: " + target);
    }
  }

  void check_ours(const std::string& path, size_t line, const std::string& target) {
    const Room* from = room_of(path);
    const Room* to = room_of(target);
    if (!from) return report(path, line, "a file outside the rooms includes " + target);
    const bool parent_of_own = from->folder.starts_with("runtime/") && to->folder == from->folder;
    Strings may = from->may;
    may.push_back(from->folder);
    if (is_test(path)) may.push_back(path.substr(0, path.find('/')) + "/testing/");
    const bool to_testing = target.find("/testing/") != std::string::npos;
    const bool to_sim_runtime = to->folder == "runtime/sim/";
    const bool to_real_runtime = to->folder == "runtime/real/";
    if (!starts_with_any(target, may)) {
      report(path, line, from->folder + " may not include " + target);
    } else if (to_testing && !is_test(path)) {
      report(path, line, "only tests, testing/ and sim/ include " + target);
    } else if (to_sim_runtime && !is_test(path) && from->folder != "runtime/sim/") {
      report(path, line, "only tests, testing/ and sim/ include " + target);
    } else if (to_real_runtime && !parent_of_own && from->folder != "tests/" &&
               !path.starts_with("server/")) {
      report(path, line, "only server/ includes " + target);
    }
  }

  void check_foreign(const std::string& path, size_t line, const std::string& target) {
    if (target == "lmdb.h" && !is_test(path)) lmdb_files_.push_back(path);
    for (const Foreign& f : foreign()) {
      const bool whole_name = f.header.find('/') == std::string::npos &&
                              f.header.find('.') == std::string::npos && f.header.size() > 4 &&
                              (f.header == "thread" || f.header == "mutex");
      const bool hit = whole_name ? target == f.header : target.starts_with(f.header);
      if (hit && !std::regex_match(path, f.home)) {
        report(path, line, "<" + target + "> has no place here: " + f.why);
      }
    }
  }

  void check_seam(const std::string& path, const std::string& code) {
    auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    for (const std::string& name : banned_names()) {
      for (size_t at = code.find(name); at != std::string::npos; at = code.find(name, at + 1)) {
        const size_t after = at + name.size();
        if (at > 0 && (word(code[at - 1]) || code[at - 1] == '.' || code[at - 1] == '>')) continue;
        if (word(name.back()) && name.back() != '_' && after < code.size() && word(code[after])) {
          continue;
        }
        report(path, line_of(code, at), "above the seam there is no " + name);
      }
    }
  }

  void check_leftovers(const std::string& path, const std::string& text) {
    static const std::regex leftover(
        "\\b(TO"
        "DO|FIX"
        "ME|XX"
        "X)\\b(?!\\(#[0-9]+\\))");
    for (std::sregex_iterator it(text.begin(), text.end(), leftover), end; it != end; ++it) {
      report(path, line_of(text, it->position()),
             it->str() + " without an issue: write (#123) after it");
    }
  }

  void check_proto(const std::string& path, const std::string& text) {
    const size_t at = text.find("map<");
    if (at != std::string::npos) {
      report(path, line_of(text, at), "protobuf's map<> has no order: use repeated entries");
    }
  }

  const Tree& tree_;
  Strings lmdb_files_;
  Strings found_;
};

Tree read_tree(const std::string& top) {
  namespace fs = std::filesystem;
  Tree tree;
  for (const char* room : {"base", "runtime", "storage", "raft", "range", "txn", "sql", "pgwire",
                           "server", "sim", "bench", "tests"}) {
    const fs::path folder = fs::path(top) / room;
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc" && extension != ".proto") continue;
      std::ifstream in(entry.path());
      tree[fs::relative(entry.path(), top)] = {std::istreambuf_iterator<char>(in), {}};
    }
  }
  return tree;
}

std::string joined(const Strings& lines) {
  std::string out;
  for (const std::string& l : lines) out += l + "\n";
  return out;
}

TEST(Layering, the_tree_keeps_the_plan) {
  const Tree tree = read_tree(QUORATE_SOURCE_DIR);
  ASSERT_GT(tree.size(), 10u) << "no sources under " QUORATE_SOURCE_DIR;
  EXPECT_EQ(joined(Checker(tree).run()), "");
}

// Each planted line must be found, and only because of what stands in it.
struct Planted {
  const char* path;
  const char* text;
  const char* expected;  // part of the report; empty: must be accepted
};

class LayeringRules : public ::testing::TestWithParam<Planted> {};

TEST_P(LayeringRules, finds_a_planted_violation_and_nothing_else) {
  const Planted& p = GetParam();
  const Tree tree = {{p.path, p.text}};
  const std::string found = joined(Checker(tree).run());
  if (*p.expected == '\0') {
    EXPECT_EQ(found, "");
  } else {
    EXPECT_NE(found.find(p.expected), std::string::npos) << "found only: " << found;
  }
}

const Planted kPlanted[] = {
    {"base/a.h", "#include \"storage/engine.h\"\n", "base/ may not include storage/engine.h"},
    {"storage/a.cc", "#include \"raft/core/raft.h\"\n", "may not include"},
    {"raft/core/a.cc", "#include \"storage/log_store.h\"\n", "may not include"},
    {"raft/core/a.cc", "#include \"base/ids.h\"\n", ""},
    {"raft/driver/a.cc", "#include \"raft/core/raft.h\"\n#include \"storage/log_store.h\"\n", ""},
    {"txn/a.cc", "#include \"storage/engine.h\"\n", "may not include"},
    {"sql/exec/a.cc", "#include \"range/leaseholder.h\"\n", "may not include"},
    {"sql/exec/a.cc", "#include \"range/api.h\"\n#include \"sql/plan/physical.h\"\n", ""},
    {"sql/plan/a.cc", "#include \"sql/exec/operator.h\"\n", "may not include"},
    {"sql/plan/a.h", "#include \"sql/exec/expr_eval.h\"\n", ""},
    {"sql/exec/expr_eval.cc", "#include \"sql/plan/physical.h\"\n", "may not include"},
    {"raft/core/a_test.cc", "#include \"raft/testing/cluster.h\"\n", ""},
    {"raft/core/a.cc", "#include \"raft/testing/cluster.h\"\n", "may not include"},
    {"range/a.cc", "co_await sleep_for(executor, kTick);\n", ""},
    {"range/a.cc", "std::this_thread::sleep_for(kTick);\n", "no std::this_thread"},
    {"sql/schema/a.cc", "#include \"sql/system/views.h\"\n", "may not include"},
    {"pgwire/a.cc", "#include \"sql/plan/physical.h\"\n", "may not include"},
    {"pgwire/a.cc", "#include \"sql/session/session.h\"\n", ""},
    {"range/a.h", "#include \"server/node.h\"\n", "may not include"},
    {"server/node.cc", "#include \"sim/cluster.h\"\n", "may not include"},
    {"server/quorate_main.cc", "#include \"sim/cluster.h\"\n", ""},
    {"range/a.cc", "#include \"raft/testing/env.h\"\n", "only tests"},
    {"range/a_test.cc", "#include \"raft/testing/env.h\"\n", ""},
    {"raft/a.cc", "#include \"runtime/sim/sim_disk.h\"\n", "only tests"},
    {"raft/a.cc", "#include \"runtime/real/asio_reactor.h\"\n", "only server/"},
    {"runtime/real/a_test.cc", "#include \"runtime/real/asio_reactor.h\"\n", ""},
    {"storage/a.cc", "#include \"a.h\"\n", ""},
    {"range/a.cc", "#include <boost/asio.hpp>\n", "has no place here"},
    {"storage/engine.cc", "#include <lmdb.h>\n", "has no place here"},
    {"storage/lmdb_env.cc", "#include <lmdb.h>\n", ""},
    {"storage/lmdb_env.h", "#include <lmdb.h>\n", "has no place here"},
    {"sql/parse/a.h", "#include <pg_query.h>\n", "has no place here"},
    {"sql/parse/a.cc", "#include <pg_query.h>\n", ""},
    {"sql/exec/a.cc", "#include <openssl/sha.h>\n", "has no place here"},
    {"storage/a.cc", "#include <spdlog/spdlog.h>\n", "has no place here"},
    {"server/a.cc", "#include <libpq-fe.h>\n", "has no place here"},
    {"range/a.cc", "#include <gtest/gtest.h>\n", "has no place here"},
    {"txn/a.cc", "#include <mutex>\n", "has no place here"},
    {"storage/a.cc", "void f() { std::mutex m; }\n", "no std::mutex"},
    {"sql/exec/a.cc", "int x = rand();\n", "no rand("},
    {"sql/exec/a.cc", "int x = operand(1) + strand(2) + random.rand();\n", ""},
    {"sql/exec/a.cc", "// std::thread would be wrong\nauto s = \"getenv(\";\n", ""},
    {"pgwire/a.cc", "auto t = std::chrono::system_clock::now();\n", "no system_clock"},
    {"raft/a_test.cc", "auto t = std::chrono::system_clock::now();\n", ""},
    {"range/a.proto", "map<string, string> m = 1;\n", "map<> has no order"},
    {"base/a.cc",
     "// TO"
     "DO: later\n",
     "without an issue"},
    {"base/a.cc",
     "// TO"
     "DO(#12): later\n",
     ""},
};
INSTANTIATE_TEST_SUITE_P(Planted, LayeringRules, ::testing::ValuesIn(kPlanted));

TEST(Layering, a_second_file_that_includes_lmdb_is_found) {
  const Tree tree = {{"storage/lmdb_a.cc", "#include <lmdb.h>\n"},
                     {"storage/lmdb_b.cc", "#include <lmdb.h>\n"}};
  EXPECT_NE(joined(Checker(tree).run()).find("a second file"), std::string::npos);
}

TEST(Layering, an_include_relative_to_its_folder_is_found) {
  const Tree tree = {{"storage/a.cc", "#include \"b.h\"\n"}, {"storage/b.h", ""}};
  EXPECT_NE(joined(Checker(tree).run()).find("repository's root"), std::string::npos);
}

}  // namespace
}  // namespace quorate

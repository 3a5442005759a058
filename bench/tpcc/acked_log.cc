#include "bench/tpcc/acked_log.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace quorate::bench {

AckedLog::AckedLog(const std::string& path, const std::string& run)
    : file_(std::fopen(path.c_str(), "a")) {
  if (!file_) throw std::runtime_error("cannot write " + path);
  line("r " + run);
}

AckedLog::~AckedLog() { std::fclose(file_); }

void AckedLog::line(const std::string& text) {
  std::lock_guard lock(mutex_);
  if (std::fprintf(file_, "%s\n", text.c_str()) < 0 || std::fflush(file_) != 0) {
    throw std::runtime_error("the log of acknowledged transactions can't be written");
  }
}

void AckedLog::new_order(int64_t w, int64_t d, int64_t o) {
  line("n " + std::to_string(w) + " " + std::to_string(d) + " " + std::to_string(o));
}

void AckedLog::payment(int64_t w, const std::string& token, bool known) {
  line((known ? "p " : "u ") + std::to_string(w) + " " + token);
}

AckedEntries read_acked_log(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  AckedEntries entries;
  for (std::string text; std::getline(in, text);) {
    std::istringstream words(text);
    char kind = 0;
    words >> kind;
    if (kind == 'r') {
      words >> entries.runs.emplace_back();
    } else if (kind == 'n') {
      AckedEntries::NewOrder n{};
      words >> n.warehouse >> n.district >> n.order;
      entries.new_orders.push_back(n);
    } else if (kind == 'p' || kind == 'u') {
      AckedEntries::Payment p{0, {}, kind == 'p'};
      words >> p.warehouse >> p.token;
      entries.payments.push_back(std::move(p));
    } else {
      words.setstate(std::ios::failbit);
    }
    if (words.fail()) throw std::runtime_error(path + ": unreadable line: " + text);
  }
  return entries;
}

}  // namespace quorate::bench

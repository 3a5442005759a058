// What the server acknowledged, written down by the client: after a crash of the server, nothing in
// here may be missing. One line each:
//
//   n WAREHOUSE DISTRICT ORDER    a new order whose COMMIT was acknowledged
//   p WAREHOUSE TOKEN             a payment whose COMMIT was acknowledged; TOKEN is its history
//   row's h_data u WAREHOUSE TOKEN             a payment whose outcome the client doesn't know r
//   RUN                         a run begins; its tokens start with "RUN-"
//
// So a token of a run that is in the table but not in the log was applied though the client was
// told that it failed, and one that is there twice was applied twice.
#pragma once

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

namespace quorate::bench {

class AckedLog {
 public:
  // Appends to `path`; throws std::runtime_error when it can't be opened.
  AckedLog(const std::string& path, const std::string& run);
  ~AckedLog();
  AckedLog(const AckedLog&) = delete;
  AckedLog& operator=(const AckedLog&) = delete;

  void new_order(int64_t warehouse, int64_t district, int64_t order);
  void payment(int64_t warehouse, const std::string& token, bool known);

 private:
  void line(const std::string& text);
  std::mutex mutex_;
  std::FILE* file_;
};

struct AckedEntries {
  struct NewOrder {
    int64_t warehouse, district, order;
  };
  struct Payment {
    int64_t warehouse;
    std::string token;
    bool known;
  };
  std::vector<std::string> runs;
  std::vector<NewOrder> new_orders;
  std::vector<Payment> payments;
};

AckedEntries read_acked_log(const std::string& path);

}  // namespace quorate::bench

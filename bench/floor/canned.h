// The protocol half of the floor: enough of PostgreSQL's protocol to keep sysbench and pgbench
// content, answered with fixed bytes. Nothing is looked up, so what a run costs here no server can
// save.
//
// Statements are told apart by how they begin; rows look like sysbench's and pgbench's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quorate::floor_server {

struct Answer {
  std::string description;  // RowDescription, or NoData
  std::string rows;         // DataRows, then CommandComplete
  bool write = false;       // in the walking skeleton: waits for the log
  char status_after = 0;    // 'T' after BEGIN, 'I' after COMMIT; 0: as before
};

// One client's protocol state. Bytes in, bytes out; no sockets.
class CannedSession {
 public:
  // Takes whole messages from the front of `in`, appends answers to `out`, and returns the number
  // of bytes taken; SIZE_MAX when the client said good-bye or speaks nonsense. `writes` counts
  // write statements.
  size_t consume(std::string_view in, std::string& out, int& writes);

 private:
  size_t startup(std::string_view in, std::string& out);
  bool message(char type, std::string_view body, std::string& out, int& writes);
  void execute(const Answer& answer, bool describe, std::string& out, int& writes);

  bool started_ = false;
  bool dirty_ = false;  // has written since the last commit
  char status_ = 'I';
  std::map<std::string, const Answer*, std::less<>> prepared_;
  const Answer* portal_ = nullptr;
};

}  // namespace quorate::floor_server

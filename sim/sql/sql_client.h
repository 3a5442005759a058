// A client of PostgreSQL's protocol: simple queries over a stream of the simulated world, or of the
// real one.
//
// It has the patience of an application: a query that takes longer ends with the connection.
// Whether a lost COMMIT happened is then not known, and said so by Outcome.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sqlstate.h"
#include "runtime/env.h"

namespace quorate::sim {

struct SqlAnswer {
  std::vector<std::vector<std::optional<std::string>>> rows;  // of the last statement with any
  std::string tag;
};

// Who connects. No password: servers that ask for one are refused.
struct SqlLogin {
  std::string user = "postgres", database = "postgres";
  std::string search_path;  // empty: the server's default
};

class SqlClient {
 public:
  explicit SqlClient(runtime::Env& env, SqlLogin login = {})
      : env_(env), login_(std::move(login)) {}
  bool connected() const { return stream_ != nullptr; }
  const std::string& address() const { return address_; }  // of the last connect()
  // Errors of the connection are kUnavailable, those that the server tells carry its SQLSTATE.
  runtime::Task<Status> connect(std::string address, runtime::Duration patience);
  runtime::Task<Result<SqlAnswer>> query(std::string text, runtime::Duration patience);
  void close();

 private:
  struct Message {
    char type = 0;
    Bytes body;
  };
  runtime::Task<Result<Message>> receive(runtime::CancelToken token);
  runtime::Task<Result<SqlAnswer>> receive_answer(runtime::CancelToken token);
  runtime::Task<Status> greet(std::string address, runtime::CancelToken token);
  runtime::Task<Result<SqlAnswer>> ask(std::string text, runtime::CancelToken token);

  runtime::Env& env_;
  const SqlLogin login_;
  std::string address_;
  std::unique_ptr<runtime::Stream> stream_;
  Bytes in_;
};

}  // namespace quorate::sim

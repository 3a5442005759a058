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
#include "pgwire/codec.h"
#include "runtime/env.h"

namespace quorate::sim {

struct SqlAnswer {
  std::vector<std::vector<std::optional<std::string>>> rows;  // of the last statement with any
  std::string tag;
  std::string copied;  // of COPY TO STDOUT
};

// Who connects. No password: servers that ask for one are refused.
struct SqlLogin {
  std::string user = "postgres", database = "postgres";
  std::string search_path;  // empty: the server's default
};

class SqlClient {
 public:
  explicit SqlClient(runtime::Env& env, SqlLogin login = {})
      : env_(env), login_(std::move(login)), cancels_(*env.executor) {}
  bool connected() const { return stream_ != nullptr; }
  const std::string& address() const { return address_; }  // of the last connect()
  // Errors of the connection are kUnavailable, those that the server tells carry its SQLSTATE.
  runtime::Task<Status> connect(std::string address, runtime::Duration patience);
  // `input` is what COPY FROM STDIN is told, in messages that begin and end anywhere; where
  // `breaks_off`, the client then says that the copy has failed.
  runtime::Task<Result<SqlAnswer>> query(std::string text, runtime::Duration patience,
                                         std::string input = {}, bool breaks_off = false);
  // A CancelRequest that long from now, on a connection of its own: to whatever this session does
  // then. Its end is not waited for.
  void cancel_after(runtime::Duration delay);
  void close();

 private:
  struct Message {
    char type = 0;
    Bytes body;
  };
  runtime::Task<Result<Message>> receive(runtime::CancelToken token);
  runtime::Task<Result<SqlAnswer>> receive_answer(runtime::CancelToken token);
  runtime::Task<Status> send_input(runtime::CancelToken token);
  runtime::Task<Status> greet(std::string address, runtime::CancelToken token);
  runtime::Task<Result<SqlAnswer>> ask(std::string text, runtime::CancelToken token);
  runtime::Task<void> send_cancel(std::string address, pgwire::CancelKey key,
                                  runtime::Duration delay);

  runtime::Env& env_;
  const SqlLogin login_;
  std::string address_;
  std::unique_ptr<runtime::Stream> stream_;
  Bytes in_;
  std::string input_;  // of the query under way
  bool breaks_off_ = false;
  pgwire::CancelKey key_;
  runtime::TaskScope cancels_;
};

}  // namespace quorate::sim

// One connection to a server that speaks PostgreSQL's protocol, through libpq.
//
// Inside bench errors are exceptions (SqlError); bench_main lets none out. A Client belongs to one
// thread.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::bench {

class SqlError : public std::runtime_error {
 public:
  SqlError(std::string state, const std::string& message, bool connection_lost)
      : std::runtime_error(message), state_(std::move(state)), connection_lost_(connection_lost) {}
  const std::string& state() const { return state_; }  // "08006" when the connection went
  bool connection_lost() const { return connection_lost_; }
  bool retryable() const { return state_ == "40001" || state_ == "40P01"; }

 private:
  std::string state_;
  bool connection_lost_;
};

// A statement's result. Values are text.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result, PQclear) {}
  int size() const { return PQntuples(result_.get()); }
  int columns() const { return PQnfields(result_.get()); }
  bool null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
  std::string_view text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<size_t>(PQgetlength(result_.get(), row, column))};
  }
  int64_t integer(int row, int column) const;
  // A decimal as hundredths, exactly; throws when it has more than two significant decimals.
  int64_t cents(int row, int column) const;
  // The count in the command tag, e.g. 3 of "UPDATE 3".
  int64_t affected() const;

 private:
  std::unique_ptr<PGresult, void (*)(PGresult*)> result_;
};

// "-12.30" -> -1230. Throws std::invalid_argument on anything else.
int64_t parse_cents(std::string_view text);
std::string format_cents(int64_t cents);

// A statement with $1.. in it. Defined once, statically; clients prepare it when they first use it.
class Statement {
 public:
  explicit Statement(std::string text);
  const std::string& text() const { return text_; }
  const std::string& name() const { return name_; }
  size_t id() const { return id_; }

 private:
  std::string text_, name_;
  size_t id_;
};

// The parameters of one call, in text form in one buffer.
class Params {
 public:
  Params& add(int64_t v);
  Params& add(int v) { return add(static_cast<int64_t>(v)); }
  Params& add(std::string_view v);
  Params& cents(int64_t v);
  Params& null();
  int size() const { return static_cast<int>(at_.size()); }
  std::vector<const char*> pointers() const;
  // The value as an SQL literal, for the simple protocol.
  std::string literal(int i) const;

 private:
  enum class Form : uint8_t { kNumber, kText, kNull };
  std::string buffer_;  // values, each ended by a zero byte
  std::vector<size_t> at_;
  std::vector<Form> form_;
};

struct ClientOptions {
  bool prepared = true;   // otherwise the simple protocol with literals in the text
  std::string isolation;  // empty: the server's default
  std::string application = "quorate bench";
};

class Client {
 public:
  Client(std::string url, ClientOptions options)
      : url_(std::move(url)), options_(std::move(options)) {}
  // Throws SqlError when the server can't be reached or refuses.
  void connect();
  bool connected() const { return connection_ && PQstatus(connection_.get()) == CONNECTION_OK; }
  void disconnect() { connection_.reset(); }

  Rows exec(const std::string& sql);
  Rows exec(const Statement& statement, const Params& params);
  // COPY: begin with the command, put any number of pieces, end. A failed one leaves the connection
  // usable.
  void copy_begin(const std::string& sql);
  void copy_put(std::string_view data);
  void copy_end();

 private:
  Rows take(PGresult* result);
  [[noreturn]] void fail(PGresult* result);
  Rows exec_simple(const Statement& statement, const Params& params);

  std::string url_;
  ClientOptions options_;
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection_{nullptr, PQfinish};
  std::vector<bool> prepared_;  // by Statement::id, on this connection
};

}  // namespace quorate::bench

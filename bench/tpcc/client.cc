#include "bench/tpcc/client.h"

#include <atomic>
#include <charconv>
#include <cstdlib>

namespace quorate::bench {

int64_t Rows::integer(int row, int column) const {
  const std::string_view t = text(row, column);
  int64_t v = 0;
  const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), v);
  if (error != std::errc() || end != t.data() + t.size()) {
    throw std::invalid_argument("not an integer: " + std::string(t));
  }
  return v;
}

int64_t Rows::cents(int row, int column) const { return parse_cents(text(row, column)); }

int64_t Rows::affected() const { return std::atoll(PQcmdTuples(result_.get())); }

int64_t parse_cents(std::string_view t) {
  const bool negative = t.starts_with('-');
  int64_t v = 0;
  int decimals = -1;  // -1: before the point
  bool digits = false;
  for (char c : t.substr(negative ? 1 : 0)) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
    } else if (c < '0' || c > '9' || (decimals >= 2 && c != '0')) {
      throw std::invalid_argument("not an amount: " + std::string(t));
    } else if (decimals < 2) {
      v = v * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
      digits = true;
    }
  }
  if (!digits) throw std::invalid_argument("not an amount: " + std::string(t));
  for (int i = std::max(decimals, 0); i < 2; ++i) v *= 10;
  return negative ? -v : v;
}

std::string format_cents(int64_t cents) {
  const int64_t a = cents < 0 ? -cents : cents;
  std::string s = (cents < 0 ? "-" : "") + std::to_string(a / 100) + ".";
  s += static_cast<char>('0' + a / 10 % 10);
  s += static_cast<char>('0' + a % 10);
  return s;
}

Statement::Statement(std::string text) : text_(std::move(text)) {
  static std::atomic<size_t> next{0};
  id_ = next++;
  name_ = "q" + std::to_string(id_);
}

Params& Params::add(int64_t v) {
  at_.push_back(buffer_.size());
  form_.push_back(Form::kNumber);
  buffer_ += std::to_string(v);
  buffer_ += '\0';
  return *this;
}

Params& Params::add(std::string_view v) {
  at_.push_back(buffer_.size());
  form_.push_back(Form::kText);
  buffer_.append(v);
  buffer_ += '\0';
  return *this;
}

Params& Params::cents(int64_t v) {
  add(std::string_view(format_cents(v)));
  form_.back() = Form::kNumber;
  return *this;
}

Params& Params::null() {
  at_.push_back(0);
  form_.push_back(Form::kNull);
  return *this;
}

std::vector<const char*> Params::pointers() const {
  std::vector<const char*> p(at_.size());
  for (size_t i = 0; i < p.size(); ++i)
    p[i] = form_[i] == Form::kNull ? nullptr : buffer_.data() + at_[i];
  return p;
}

std::string Params::literal(int i) const {
  if (form_[i] == Form::kNull) return "NULL";
  const std::string value = buffer_.data() + at_[i];
  if (form_[i] == Form::kNumber) return value.starts_with('-') ? "(" + value + ")" : value;
  std::string quoted = "'";
  for (char c : value) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

void Client::connect() {
  // What the URL says wins over these. A dead machine must not hold a terminal for minutes.
  const char* keys[] = {"connect_timeout", "tcp_user_timeout", "application_name", "dbname",
                        nullptr};
  const char* values[] = {"5", "15000", options_.application.c_str(), url_.c_str(), nullptr};
  prepared_.clear();
  connection_.reset(PQconnectdbParams(keys, values, 1));
  if (!connected()) {
    const std::string message = connection_ ? PQerrorMessage(connection_.get()) : "out of memory";
    connection_.reset();
    throw SqlError("08001", message, true);
  }
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  if (!options_.isolation.empty()) {
    exec("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL " + options_.isolation);
  }
}

void Client::fail(PGresult* result) {
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const char* primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const bool lost = PQstatus(connection_.get()) != CONNECTION_OK;
  std::string message = primary ? primary : PQerrorMessage(connection_.get());
  std::string code = state ? state : "08006";
  PQclear(result);
  throw SqlError(code, message, lost);
}

Rows Client::take(PGresult* result) {
  switch (result ? PQresultStatus(result) : PGRES_FATAL_ERROR) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_COPY_IN:
      return Rows(result);
    default:
      fail(result);
  }
}

Rows Client::exec(const std::string& sql) {
  if (!connection_) throw SqlError("08003", "not connected", true);
  return take(PQexec(connection_.get(), sql.c_str()));
}

Rows Client::exec(const Statement& statement, const Params& params) {
  if (!connection_) throw SqlError("08003", "not connected", true);
  if (!options_.prepared) return exec_simple(statement, params);
  if (prepared_.size() <= statement.id()) prepared_.resize(statement.id() + 1);
  if (!prepared_[statement.id()]) {
    take(PQprepare(connection_.get(), statement.name().c_str(), statement.text().c_str(), 0,
                   nullptr));
    prepared_[statement.id()] = true;
  }
  const std::vector<const char*> values = params.pointers();
  return take(PQexecPrepared(connection_.get(), statement.name().c_str(), params.size(),
                             values.data(), nullptr, nullptr, 0));
}

Rows Client::exec_simple(const Statement& statement, const Params& params) {
  const std::string& text = statement.text();
  std::string sql;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      sql += text[i++];
      continue;
    }
    int number = 0;
    for (++i; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
      number = number * 10 + text[i] - '0';
    sql += params.literal(number - 1);
  }
  return exec(sql);
}

void Client::copy_begin(const std::string& sql) { exec(sql); }

void Client::copy_put(std::string_view data) {
  if (PQputCopyData(connection_.get(), data.data(), static_cast<int>(data.size())) != 1)
    fail(nullptr);
}

void Client::copy_end() {
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) fail(nullptr);
  PGresult* first = PQgetResult(connection_.get());
  while (PGresult* more = PQgetResult(connection_.get())) PQclear(more);
  take(first);
}

}  // namespace quorate::bench

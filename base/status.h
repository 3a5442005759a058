// What a call that can fail returns.
//
// A Status is either ok or an error: a class that says who may retry, an SQLSTATE, a message and
// the optional fields of PostgreSQL's ErrorResponse. Errors are values; exceptions never cross a
// room. An ok Status is one null pointer. Copies share the immutable error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/sqlstate.h"

namespace quorate {

enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,  // nobody may retry: the request is wrong
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,  // nobody may retry before something else changes
  kUnavailable,         // nothing happened; the same call may be made again
  kAborted,             // nothing happened; the transaction may be run again (40001, 40P01)
  kAmbiguous,           // it may have happened: 40003, never retried inside
  kDeadlineExceeded,
  kCancelled,
  kResourceExhausted,  // a limit of base/limits.h or a full disk
  kUnimplemented,      // 0A000 and the construct's name
  kCorruption,         // stored bytes are wrong; the store stops
  kInternal,
};

std::string_view status_code_name(StatusCode code);

class [[nodiscard]] Status {
 public:
  // The fields of PostgreSQL's ErrorResponse beyond severity, SQLSTATE and message.
  struct Fields {
    std::string detail, hint, where;
    std::string schema, table, column, type, constraint;
    int32_t position = 0;  // 1-based character in the statement's text; 0: none
  };

  Status() = default;
  Status(StatusCode code, SqlState state, std::string message)
      : rep_(std::make_shared<Rep>(Rep{code, state, std::move(message), {}})) {
    DCHECK(code != StatusCode::kOk);
  }

  static Status ok_status() { return Status(); }

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  SqlState sqlstate() const { return rep_ ? rep_->state : sqlstate::kSuccess; }
  const std::string& message() const;
  const Fields& fields() const;
  // "40001 kAborted: message (detail; hint)" for logs and tests.
  std::string to_string() const;

  // Builders for the optional fields. They may only be called on an error; shared errors are copied
  // first.
  Status&& with_detail(std::string v) && {
    edit().detail = std::move(v);
    return std::move(*this);
  }
  Status&& with_hint(std::string v) && {
    edit().hint = std::move(v);
    return std::move(*this);
  }
  Status&& with_where(std::string v) && {
    edit().where = std::move(v);
    return std::move(*this);
  }
  Status&& with_position(int32_t v) && {
    edit().position = v;
    return std::move(*this);
  }
  Status&& with_table(std::string schema, std::string table) && {
    edit().schema = std::move(schema);
    edit().table = std::move(table);
    return std::move(*this);
  }
  Status&& with_column(std::string v) && {
    edit().column = std::move(v);
    return std::move(*this);
  }
  Status&& with_type(std::string v) && {
    edit().type = std::move(v);
    return std::move(*this);
  }
  Status&& with_constraint(std::string v) && {
    edit().constraint = std::move(v);
    return std::move(*this);
  }
  // Puts `context: ` before the message; class and SQLSTATE stay.
  Status with_context(std::string_view context) const;

  // Between nodes; base/archive.h.
  template <class Archive>
  void serialize(Archive& a) {
    StatusCode code = this->code();
    std::string state(sqlstate().view()), message = this->message();
    Fields f = fields();
    a(code, state, message);
    if (code == StatusCode::kOk) return;
    a(f.detail, f.hint, f.where, f.schema, f.table, f.column, f.type, f.constraint, f.position);
    if constexpr (Archive::kDecoding) {
      SqlState parsed = sqlstate::kInternalError;
      if (state.size() == parsed.text.size())
        std::copy(state.begin(), state.end(), parsed.text.begin());
      *this = Status(code, parsed, std::move(message));
      edit() = std::move(f);
    }
  }

 private:
  struct Rep {
    StatusCode code;
    SqlState state;
    std::string message;
    Fields fields;
  };
  Fields& edit();

  std::shared_ptr<Rep> rep_;
};

// Constructors for the usual classes with their usual SQLSTATE.
Status invalid_argument(std::string message, SqlState state = sqlstate::kInvalidParameterValue);
Status not_found(std::string message, SqlState state = sqlstate::kUndefinedObject);
Status failed_precondition(std::string message,
                           SqlState state = sqlstate::kObjectNotInPrerequisiteState);
Status unavailable(std::string message, SqlState state = sqlstate::kCannotConnectNow);
Status aborted(std::string message, SqlState state = sqlstate::kSerializationFailure);
Status ambiguous(std::string message);
Status deadline_exceeded(std::string message, SqlState state = sqlstate::kQueryCanceled);
Status cancelled(std::string message = "canceling statement due to user request");
Status resource_exhausted(std::string message, SqlState state = sqlstate::kProgramLimitExceeded);
// 0A000: names the construct, e.g. unimplemented("LISTEN") -> "LISTEN is not supported yet".
Status unimplemented(std::string_view construct);
Status corruption(std::string message);
Status internal_error(std::string message);

// A value or the error that kept it from being made. Never holds an ok Status.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(Status error) : error_(std::move(error)) {
    CHECK(!error_.ok());
  }  // NOLINT: implicit by intent
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit by intent
  template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Status> &&
             !std::is_same_v<std::remove_cvref_t<U>, T> && std::is_constructible_v<T, U &&>)
  Result(U&& value)
      : value_(std::in_place, std::forward<U>(value)) {}  // NOLINT: implicit by intent

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return error_; }
  T& value() & {
    CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    CHECK(ok());
    return *value_;
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() {
    CHECK(ok());
    return &*value_;
  }
  const T* operator->() const {
    CHECK(ok());
    return &*value_;
  }

 private:
  Status error_;
  std::optional<T> value_;
};

namespace status_internal {
inline Status to_status(Status s) { return s; }
template <class T>
Status to_status(const Result<T>& r) {
  return r.status();
}
}  // namespace status_internal

}  // namespace quorate

#define QUORATE_CONCAT_(a, b) a##b
#define QUORATE_CONCAT(a, b) QUORATE_CONCAT_(a, b)

// In functions returning Status or Result: leave with the error, or go on.
#define RETURN_IF_ERROR(expr)                                                                  \
  do {                                                                                         \
    auto status_or_ = (expr);                                                                  \
    if (!status_or_.ok()) return ::quorate::status_internal::to_status(std::move(status_or_)); \
  } while (0)
#define ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                      \
  if (!tmp.ok()) return tmp.status();     \
  lhs = std::move(tmp).value()
#define ASSIGN_OR_RETURN(lhs, expr) ASSIGN_OR_RETURN_(QUORATE_CONCAT(result_, __LINE__), lhs, expr)

// The same in coroutines; `expr` usually holds the co_await.
#define CO_RETURN_IF_ERROR(expr)                                                                  \
  do {                                                                                            \
    auto status_or_ = (expr);                                                                     \
    if (!status_or_.ok()) co_return ::quorate::status_internal::to_status(std::move(status_or_)); \
  } while (0)
#define CO_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                         \
  if (!tmp.ok()) co_return tmp.status();     \
  lhs = std::move(tmp).value()
#define CO_ASSIGN_OR_RETURN(lhs, expr) \
  CO_ASSIGN_OR_RETURN_(QUORATE_CONCAT(result_, __LINE__), lhs, expr)

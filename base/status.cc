#include "base/status.h"

namespace quorate {

std::string_view status_code_name(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "kOk";
    case StatusCode::kInvalidArgument:
      return "kInvalidArgument";
    case StatusCode::kNotFound:
      return "kNotFound";
    case StatusCode::kAlreadyExists:
      return "kAlreadyExists";
    case StatusCode::kFailedPrecondition:
      return "kFailedPrecondition";
    case StatusCode::kUnavailable:
      return "kUnavailable";
    case StatusCode::kAborted:
      return "kAborted";
    case StatusCode::kAmbiguous:
      return "kAmbiguous";
    case StatusCode::kDeadlineExceeded:
      return "kDeadlineExceeded";
    case StatusCode::kCancelled:
      return "kCancelled";
    case StatusCode::kResourceExhausted:
      return "kResourceExhausted";
    case StatusCode::kUnimplemented:
      return "kUnimplemented";
    case StatusCode::kCorruption:
      return "kCorruption";
    case StatusCode::kInternal:
      return "kInternal";
  }
  return "unknown";
}

const std::string& Status::message() const {
  static const std::string empty;
  return rep_ ? rep_->message : empty;
}

const Status::Fields& Status::fields() const {
  static const Fields empty;
  return rep_ ? rep_->fields : empty;
}

Status::Fields& Status::edit() {
  CHECK(rep_ != nullptr);
  if (rep_.use_count() > 1) rep_ = std::make_shared<Rep>(*rep_);
  return rep_->fields;
}

Status Status::with_context(std::string_view context) const {
  if (ok()) return *this;
  Status copy(rep_->code, rep_->state, std::string(context) + ": " + rep_->message);
  copy.rep_->fields = rep_->fields;
  return copy;
}

std::string Status::to_string() const {
  if (ok()) return "ok";
  std::string out(rep_->state.view());
  out += ' ';
  out += status_code_name(rep_->code);
  out += ": ";
  out += rep_->message;
  if (!rep_->fields.detail.empty()) out += " (" + rep_->fields.detail + ")";
  if (!rep_->fields.hint.empty()) out += " [" + rep_->fields.hint + "]";
  return out;
}

Status invalid_argument(std::string m, SqlState s) {
  return {StatusCode::kInvalidArgument, s, std::move(m)};
}
Status not_found(std::string m, SqlState s) { return {StatusCode::kNotFound, s, std::move(m)}; }
Status failed_precondition(std::string m, SqlState s) {
  return {StatusCode::kFailedPrecondition, s, std::move(m)};
}
Status unavailable(std::string m, SqlState s) {
  return {StatusCode::kUnavailable, s, std::move(m)};
}
Status aborted(std::string m, SqlState s) { return {StatusCode::kAborted, s, std::move(m)}; }
Status ambiguous(std::string m) {
  return {StatusCode::kAmbiguous, sqlstate::kStatementCompletionUnknown, std::move(m)};
}
Status deadline_exceeded(std::string m, SqlState s) {
  return {StatusCode::kDeadlineExceeded, s, std::move(m)};
}
Status cancelled(std::string m) {
  return {StatusCode::kCancelled, sqlstate::kQueryCanceled, std::move(m)};
}
Status resource_exhausted(std::string m, SqlState s) {
  return {StatusCode::kResourceExhausted, s, std::move(m)};
}
Status unimplemented(std::string_view construct) {
  return {StatusCode::kUnimplemented, sqlstate::kFeatureNotSupported,
          std::string(construct) + " is not supported yet"};
}
Status corruption(std::string m) {
  return {StatusCode::kCorruption, sqlstate::kDataCorrupted, std::move(m)};
}
Status internal_error(std::string m) {
  return {StatusCode::kInternal, sqlstate::kInternalError, std::move(m)};
}

}  // namespace quorate

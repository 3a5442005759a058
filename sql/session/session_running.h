// The guard of one call of a session: see SessionImpl::Running.
#pragma once

#include "sql/session/session_impl.h"

namespace quorate::sql {

class SessionImpl::Running {
 public:
  explicit Running(SessionImpl& session);
  ~Running();
  Running(const Running&) = delete;

 private:
  SessionImpl& session_;
  runtime::TimerId timer_ = 0;
};

}  // namespace quorate::sql

// The guard of one call of a session: see SessionImpl::Running.
#pragma once

#include "sql/session/session_impl.h"

namespace quorate::sql {

class SessionImpl::Running {
 public:
  // Begins the first statement too.
  explicit Running(SessionImpl& session);
  ~Running();
  Running(const Running&) = delete;

  // Each statement of a call follows the settings as those before it left them, and has a timeout
  // of its own. The call's time (statement_timestamp()) is one, as in PostgreSQL.
  void begin_statement();

 private:
  void stop_timer();

  SessionImpl& session_;
  runtime::TimerId timer_ = 0;
};

}  // namespace quorate::sql

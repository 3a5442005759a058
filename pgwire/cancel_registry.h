// Who may cancel what: the keys that clients got in BackendKeyData. One a node, on its executor.
#pragma once

#include <map>

#include "pgwire/codec.h"
#include "runtime/env.h"
#include "sql/session/session.h"

namespace quorate::pgwire {

class CancelRegistry {
 public:
  explicit CancelRegistry(runtime::Env& env) : env_(env) {}
  CancelRegistry(const CancelRegistry&) = delete;

  // A process id that no live connection has, with a secret that cannot be guessed.
  CancelKey reserve() {
    do next_pid_ = next_pid_ >= 0x3fff'ffff ? 1 : next_pid_ + 1;
    while (entries_.contains(next_pid_));
    CancelKey key{.pid = next_pid_};
    env_.entropy(reinterpret_cast<char*>(&key.secret), sizeof key.secret);
    entries_[key.pid] = {key.secret, nullptr};
    return key;
  }
  void attach(CancelKey key, sql::Session* session) { entries_[key.pid].session = session; }
  void release(CancelKey key) { entries_.erase(key.pid); }
  // A wrong key changes nothing, and nobody is told.
  void cancel(CancelKey key) {
    auto it = entries_.find(key.pid);
    if (it == entries_.end() || it->second.secret != key.secret) return;
    if (it->second.session != nullptr) it->second.session->cancel(cancelled());
  }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint32_t secret = 0;
    sql::Session* session = nullptr;
  };
  runtime::Env& env_;
  std::map<uint32_t, Entry> entries_;
  uint32_t next_pid_ = 0;
};

}  // namespace quorate::pgwire

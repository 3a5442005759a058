// Cancellation and deadlines. A CancelSource belongs to whoever may give up (a client's connection,
// a statement's timeout); tokens are handed down through every wait. Cancelling wakes each wait
// that holds the token with the reason, in the order in which they began to wait. All on one
// executor.
#pragma once

#include <functional>
#include <memory>

#include "base/status.h"
#include "runtime/executor.h"

namespace quorate::runtime {

class CancelToken;

namespace cancel_internal {
struct Link {
  Link* prev = nullptr;
  Link* next = nullptr;
  virtual void on_cancel() = 0;

 protected:
  ~Link() = default;
};
struct State {
  bool cancelled = false;
  Status reason;
  Link* first = nullptr;
  Link* last = nullptr;
};
}  // namespace cancel_internal

// Called once when the token is cancelled, from inside cancel(): it must only schedule work.
// Unhooks itself when destroyed.
class CancelHook : private cancel_internal::Link {
 public:
  CancelHook() = default;
  CancelHook(const CancelHook&) = delete;
  CancelHook& operator=(const CancelHook&) = delete;
  ~CancelHook() { unhook(); }
  // False, and nothing is hooked, when the token is cancelled already or can't be.
  bool hook(const CancelToken& token, void (*call)(void*), void* argument);
  void unhook();

 private:
  // cancel() has taken us off its list already, so there is nothing left to unhook.
  void on_cancel() override {
    state_.reset();
    call_(argument_);
  }
  std::shared_ptr<cancel_internal::State> state_;
  void (*call_)(void*) = nullptr;
  void* argument_ = nullptr;
};

// Default-made: can never be cancelled.
class CancelToken {
 public:
  CancelToken() = default;
  bool cancelled() const { return state_ != nullptr && state_->cancelled; }
  // Ok while not cancelled.
  Status status() const { return cancelled() ? state_->reason : Status(); }

 private:
  friend class CancelSource;
  friend class CancelHook;
  explicit CancelToken(std::shared_ptr<cancel_internal::State> s) : state_(std::move(s)) {}
  std::shared_ptr<cancel_internal::State> state_;
};

class CancelSource {
 public:
  CancelSource() : state_(std::make_shared<cancel_internal::State>()) {}
  CancelToken token() const { return CancelToken(state_); }
  bool cancelled() const { return state_->cancelled; }
  // The first reason stays.
  void cancel(Status reason);

 private:
  std::shared_ptr<cancel_internal::State> state_;
};

}  // namespace quorate::runtime

#include "runtime/cancel.h"

namespace quorate::runtime {

bool CancelHook::hook(const CancelToken& token, void (*call)(void*), void* argument) {
  CHECK(state_ == nullptr);
  if (token.state_ == nullptr || token.state_->cancelled) return false;
  state_ = token.state_;
  call_ = call;
  argument_ = argument;
  prev = state_->last;
  next = nullptr;
  (prev != nullptr ? prev->next : state_->first) = this;
  state_->last = this;
  return true;
}

void CancelHook::unhook() {
  if (state_ == nullptr) return;
  (prev != nullptr ? prev->next : state_->first) = next;
  (next != nullptr ? next->prev : state_->last) = prev;
  state_.reset();
}

void CancelSource::cancel(Status reason) {
  CHECK(!reason.ok());
  auto state = state_;  // a hook may drop the source
  if (state->cancelled) return;
  state->cancelled = true;
  state->reason = std::move(reason);
  while (state->first != nullptr) {
    cancel_internal::Link* link = state->first;
    state->first = link->next;
    (state->first != nullptr ? state->first->prev : state->last) = nullptr;
    link->prev = link->next = nullptr;
    link->on_cancel();
  }
}

}  // namespace quorate::runtime

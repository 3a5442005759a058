#include "runtime/task.h"

#include <cstdlib>
#include <new>

namespace quorate::runtime {
namespace {

// Frames of up to 2 KiB in classes of 64 bytes; at most 256 of a class are kept by a thread (so at
// most about 9 MiB), the rest goes back to malloc. Under AddressSanitizer every frame is malloc's.
constexpr size_t kClassBytes = 64;
constexpr size_t kClasses = 32;
constexpr size_t kKeptPerClass = 256;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPool = false;
#else
constexpr bool kPool = true;
#endif

struct FramePool {
  struct Free {
    Free* next;
  };
  Free* head[kClasses] = {};
  uint32_t kept[kClasses] = {};
  ~FramePool() {
    for (Free*& list : head) {
      while (list != nullptr) {
        Free* next = list->next;
        std::free(list);
        list = next;
      }
    }
    closed = true;
  }
  bool closed = false;
};
thread_local FramePool pool;

}  // namespace

void* allocate_frame(size_t bytes) {
  size_t size_class = (bytes + kClassBytes - 1) / kClassBytes;
  if (kPool && size_class < kClasses && pool.head[size_class] != nullptr) {
    auto* frame = pool.head[size_class];
    pool.head[size_class] = frame->next;
    --pool.kept[size_class];
    return frame;
  }
  void* frame = std::malloc(size_class * kClassBytes);
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

void free_frame(void* frame, size_t bytes) {
  size_t size_class = (bytes + kClassBytes - 1) / kClassBytes;
  if (kPool && size_class < kClasses && !pool.closed && pool.kept[size_class] < kKeptPerClass) {
    auto* link = static_cast<FramePool::Free*>(frame);
    link->next = pool.head[size_class];
    pool.head[size_class] = link;
    ++pool.kept[size_class];
    return;
  }
  std::free(frame);
}

struct TaskScope::RootPromise {
  TaskScope* scope = nullptr;
  RootPromise* newer = nullptr;
  RootPromise* older = nullptr;
  bool queued = false;  // handed to the executor and not started yet

  static void* operator new(size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* frame, size_t bytes) { free_frame(frame, bytes); }
  Root get_return_object();
  struct Initial {
    RootPromise* promise;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) noexcept {}
    void await_resume() noexcept { promise->queued = false; }
  };
  Initial initial_suspend() noexcept { return {this}; }
  std::suspend_never final_suspend() noexcept {
    unlink();
    return {};
  }
  void return_void() {}
  [[noreturn]] void unhandled_exception() { UNREACHABLE("an exception left a spawned task"); }

  void link(TaskScope* s) {
    scope = s;
    older = s->newest_;
    if (older != nullptr) older->newer = this;
    s->newest_ = this;
    ++s->size_;
  }
  void unlink() {
    if (scope == nullptr) return;
    if (newer != nullptr)
      newer->older = older;
    else
      scope->newest_ = older;
    if (older != nullptr) older->newer = newer;
    --scope->size_;
    scope = nullptr;
  }
};

struct TaskScope::Root {
  using promise_type = RootPromise;
  std::coroutine_handle<RootPromise> handle;
};

TaskScope::Root TaskScope::RootPromise::get_return_object() {
  return Root{std::coroutine_handle<RootPromise>::from_promise(*this)};
}

TaskScope::Root TaskScope::make_root(Task<void> task) { co_await task; }

void TaskScope::spawn(Task<void> task) {
  Root root = make_root(std::move(task));
  root.handle.promise().link(this);
  root.handle.promise().queued = true;
  executor_->resume_soon(root.handle);
}

void TaskScope::spawn_now(Task<void> task) {
  Root root = make_root(std::move(task));
  root.handle.promise().link(this);
  root.handle.resume();
}

void TaskScope::cancel_all() {
  while (newest_ != nullptr) {
    auto handle = std::coroutine_handle<RootPromise>::from_promise(*newest_);
    if (newest_->queued) executor_->forget(handle);
    newest_->unlink();
    handle.destroy();
  }
}

}  // namespace quorate::runtime

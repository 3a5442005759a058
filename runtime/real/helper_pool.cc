#include "runtime/real/helper_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace quorate::runtime {

struct HelperPool::Job {
  Callback work;
  Reactor* reactor = nullptr;
  enum class Stage : uint8_t { kWaiting, kRunning, kDone } stage = Stage::kWaiting;  // under mutex_
  std::coroutine_handle<> awaiter;  // the reactor's; null when it is gone
};

struct HelperPool::Await {
  Await(HelperPool& p, std::shared_ptr<Job> j) : pool(p), job(std::move(j)) {}
  Await(const Await&) = delete;
  ~Await() {
    if (!job->awaiter) return;
    job->awaiter = nullptr;
    pool.abandon(*job);
  }
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    job->awaiter = h;
    pool.submit(job);
  }
  void await_resume() {}
  HelperPool& pool;
  const std::shared_ptr<Job> job;
};

namespace {

// Of the calling thread alone, as Linux has it. Where it is refused the thread is like the others.
void stand_behind(int nice) {
  const auto thread = static_cast<id_t>(::gettid());
  (void)::setpriority(PRIO_PROCESS, thread, ::getpriority(PRIO_PROCESS, thread) + nice);
  constexpr int kWhoThread = 1, kClassBestEffort = 2, kLowestLevel = 7;
  (void)::syscall(SYS_ioprio_set, kWhoThread, thread, kClassBestEffort << 13 | kLowestLevel);
}

}  // namespace

HelperPool::HelperPool(size_t threads, Metrics& metrics, int nice)
    : jobs_(metrics.counter("quorate_helper_jobs_total", "Jobs done on helper threads")) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, nice] {
      if (nice > 0) stand_behind(nice);
      serve();
    });
  }
}

HelperPool::~HelperPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  has_work_.notify_all();
  for (auto& thread : threads_) thread.join();
}

Task<void> HelperPool::run(Reactor* reactor, Callback work) {
  auto job = std::make_shared<Job>();
  job->work = std::move(work);
  job->reactor = reactor;
  Await await(*this, job);
  co_await await;
}

void HelperPool::submit(std::shared_ptr<Job> job) {
  jobs_.add();
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  has_work_.notify_one();
}

void HelperPool::abandon(Job& job) {
  std::unique_lock lock(mutex_);
  if (job.stage == Job::Stage::kWaiting) {
    std::erase_if(queue_, [&](const auto& j) { return j.get() == &job; });
    return;
  }
  job_done_.wait(lock, [&] { return job.stage == Job::Stage::kDone; });
}

void HelperPool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    job->stage = Job::Stage::kRunning;
    lock.unlock();
    job->work();
    // What it holds goes before it counts as done: nothing of it outlives an awaiter that waited.
    job->work = nullptr;
    // Before the job counts as done: whoever abandons it may then destroy the reactor.
    job->reactor->post([job] {
      if (auto awaiter = std::exchange(job->awaiter, nullptr)) awaiter.resume();
    });
    lock.lock();
    job->stage = Job::Stage::kDone;
    job_done_.notify_all();
  }
}

}  // namespace quorate::runtime

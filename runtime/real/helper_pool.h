// Threads for work that blocks. A coroutine of a reactor awaits run(): the work is done on a helper
// and the coroutine goes on on its reactor. At most `threads` jobs run at a time; the others wait
// in order.
//
// If the awaiting frame is destroyed, a job that has not begun is dropped, and one that runs is
// waited for, since it may use the frame's buffers: teardown blocks for as long as the job does.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/real/reactor.h"
#include "runtime/task.h"

namespace quorate::runtime {

class HelperPool {
 public:
  // `nice`: how far its threads stand behind all others, for processor and disk (0: not at all).
  HelperPool(size_t threads, Metrics& metrics, int nice = 0);
  // Waits for running jobs. No job may be waiting or running for a live awaiter.
  ~HelperPool();
  HelperPool(const HelperPool&) = delete;

  Task<void> run(Reactor* reactor, Callback work);

 private:
  struct Job;
  struct Await;
  void submit(std::shared_ptr<Job> job);
  void abandon(Job& job);
  void serve();

  Counter& jobs_;
  std::mutex mutex_;
  std::condition_variable has_work_, job_done_;
  std::deque<std::shared_ptr<Job>> queue_;  // bounded by the tasks that await
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace quorate::runtime

// The world of the scripts in raft/testdata: replicas of one group, their disks, the messages
// between them, and what their stores promised each other, moved by commands and told in text.
//
//   nodes n=3                        replicas 1 2 3 on stores 1 2 3; every store supports every
//   other
//         [learners=(3)] [spare=1] [index=10] [support=none] [inflight=] [message_bytes=]
//         [uncommitted=]
//   log-of 1 terms=(1,1,4) term=6    a log and a term to begin with
//   child n=3 leader=1 term=5        replicas born by a split
//   campaign 1 | propose 1 a b | read 1 ctx | transfer 1 to=2 | hand-over 1 blob
//   conf-change 1 add=(4) learner=(5) remove=(2) [explicit|joint] | conf-change 1 leave
//   tick 1 [n=3] | timeout 1 | clock t=20
//   hold-apply 1 | let-apply 1       its store has no room for what would be applied
//   ready 1 | sync 1 | slow-disk 1 | fast-disk 1 | crash 1 [kept=1] | restart 1 | checkpoint 1 |
//   truncate 1
//   damage 1 first=13 [last=14 [last_term=1]]      of a crashed one, which it restarts; without
//         `last` it does not know
//   messages | deliver [from=] [to=] [type=] [n=] | drop ... | duplicate ... | cut 1 | heal 1
//   stabilize [nodes=(1,2)]          readies, syncs and deliveries until nothing moves
//   support 1 [by=(2,3)] until=50    those stores promise store 1, under its epoch towards them
//   withdraw 2 from=1                store 2 withdraws from store 1; the epoch is closed
//   status | progress 1 | log 1 | lease 1 | relied 1 until=20 | quiesce
//
// Terms and indexes are printed term/index. `quiet` on any command prints no more than "ok".
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/testing/datadriven.h"
#include "raft/core/invariants.h"
#include "raft/core/raft.h"
#include "raft/testing/memory_disk.h"

namespace quorate::raft::testing {

class InteractionEnv {
 public:
  explicit InteractionEnv(PlantedBugs planted = {}) { config_.planted = planted; }
  std::string handle(const quorate::testing::Command& command);

 private:
  struct Node {
    std::unique_ptr<MemoryDisk> disk;
    std::unique_ptr<SupportView> view;
    std::unique_ptr<Raft> raft;  // null while crashed
    TransitionCheck transitions;
    ConfState conf;
    bool slow_disk = false, cut = false;
    std::map<uint64_t, uint64_t> own_epoch;  // towards each supporter
    std::map<uint64_t, uint64_t> supports;   // of each asker, zero: withdrawn
  };
  using Command = quorate::testing::Command;

  bool build_command(const Command& c);
  bool input_command(const Command& c);
  bool disk_command(const Command& c);
  bool network_command(const Command& c);
  bool support_command(const Command& c);
  bool show_command(const Command& c);

  void nodes(const Command& c);
  void child(const Command& c);
  void log_of(const Command& c);
  void start(uint64_t id, Birth birth, std::optional<DamagedTail> damaged);
  void conf_change(const Command& c);
  void pump(uint64_t id);
  void sync(uint64_t id);
  void apply(Node& node, uint64_t id, const std::vector<Entry>& entries);
  void stabilize(const std::set<uint64_t>& ids);
  bool matches(const Command& c, const Message& m) const;
  void for_messages(const Command& c, const std::string& what);
  void deliver(const Message& m);
  void lose(const Message& m);
  void support(const Command& c);
  void status(uint64_t id);
  void check(uint64_t id);
  void say(const std::string& line) { out_ += line + "\n"; }
  Node& node_of(const Command& c);

  Config config_;
  std::map<uint64_t, Node> nodes_;
  std::deque<Message> network_;
  uint64_t now_ = 10;
  std::string out_;
};

std::string describe(const Entry& entry);
std::string describe(const Message& m);

}  // namespace quorate::raft::testing

// Conversations with leaseholders, told as text scripts (range/testdata/leaseholder): transactions
// send batches to LocalRanges, some wait, and the script shows who is answered what and when.
// Timestamps are small numbers that the script chooses, far below the simulated clock.
//
//   ranges starts=('',m)              instead of one range over everything; first command only
//   txn NAME ts=10 [isolation=rr|rc] [uncertainty=15] [anchor=a] [node=3]
//   move NAME ts=20                   the transaction's read timestamp
//   get TXN keys=(a,b) [lock=s|x] [wait=nowait|skip] [columns=3] [lock_timeout=MS] [as=NAME]
//   scan TXN from=a to=c [lock=] [wait=] [columns=] [rows=1] [reverse] [as=]
//   refresh TXN reads=(a@10,b..d@10/3) to=20
//   commit TXN writes=(a:value:base,b:-:base) [kind=anchor|stage] [at=TS] [all=(a,m)] [attempt=N]
//          [refresh=(...)] [locked_reads=(c)] [deadline=TS] [changed=3] [as=]
//       base: the version's timestamp, 0 where none was there, ? for a blind write; value -:
//       deletes. `at`: the greatest timestamp proved elsewhere, or the one to stage at. default: no
//       limit.
//   end TXN commit|abort at=TS attempt=N      resolve TXN keys=(a) [commit=TS]
//   push TXN key=a      query TXN key=a ts=9      unlock TXN [key=]      gc threshold= mark=
//   split at=m          lease range=0 [hand_over]  pause/resume range=0   fail range=0 [ambiguous]
//   dead node=3         cancel NAME               victim TXN             full / space
//   advance ms=100      locks                     state
//
// Every request tells at once what it was answered, or that it waits; answers that come later stand
// under the command that let them come.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/testing/datadriven.h"
#include "range/testing/local_ranges.h"

namespace quorate::range {

class Conversation {
 public:
  explicit Conversation(PlantedBugs planted = {});
  ~Conversation();
  std::string handle(const testing::Command& command);

 private:
  struct Txn {
    TxnHeader header;
    std::string name;
  };

  void make(std::vector<Bytes> starts);
  bool change_world(const testing::Command& c);
  std::string show(const testing::Command& c);
  Txn& txn(const testing::Command& c);
  std::string name_of(const TxnId& id) const;
  void send(const testing::Command& c, const TxnHeader& header, Bytes key, Request request);
  Bytes request_of(const testing::Command& c, TxnHeader& header, Request& request);
  CommitRequest commit_of(const testing::Command& c, TxnHeader& header);
  std::string settle(runtime::Duration d);
  std::string text_of(const BatchResponse& response) const;
  std::string text_of(const Response& response) const;
  std::string locks() const;
  std::string state() const;
  static runtime::Task<void> call(Conversation* self, std::string name, Bytes key,
                                  BatchRequest batch, runtime::CancelToken token);

  const PlantedBugs planted_;
  std::unique_ptr<LocalRanges> ranges_;
  std::map<std::string, Txn> txns_;
  std::map<std::string, runtime::CancelSource> waiting_;
  std::multiset<std::string> answers_;  // since the last command; their order is chance
  uint64_t next_txn_ = 1;
  std::unique_ptr<runtime::TaskScope> scope_;  // last: its tasks use all of the above
};

}  // namespace quorate::range

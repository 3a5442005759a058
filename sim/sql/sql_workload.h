// What workloads of SQL have in common: clients that connect to any node, run transactions with
// their retries, lose their connections and come back elsewhere. Some have little patience: they
// cancel statements, leave without waiting for an answer, or set limits of time.
#pragma once

#include "sim/sql/sql_client.h"
#include "sim/sql/sql_node.h"
#include "sim/workload.h"
#include "txn/testing/history.h"

namespace quorate::sim {

class SqlWorkload : public Workload {
 public:
  // Draws how patient its clients are.
  explicit SqlWorkload(runtime::Random& random);
  bool outside() const override { return true; }
  SimCluster::MakeNode node_maker() const override { return make_sql_node; }
  runtime::Task<Status> setup(server::KvNode*) override;
  runtime::Task<Result<std::string>> check(server::KvNode*) override;
  Bytes split_key(runtime::Random& random) const override;
  // How servers outside of the simulator are spoken to: before setup().
  void log_in_as(SqlLogin login) { login_ = std::move(login); }
  // Of transactions that name none of their own.
  void ask_for(std::string isolation) {
    isolation_ = std::move(isolation);
    asks_for_any_ = false;
  }
  // What must not be seen, of workloads that judge a whole history.
  void judge_by(txn::Level level) { level_ = level; }
  // A server that has neither ranges nor a past.
  void be_plain() { plain_ = true; }
  // Shorter pauses than in the simulator, whose time costs nothing.
  void hurry() {
    pause_most_micros_ = 1'000;
    think_at_most(std::chrono::milliseconds(5));
  }
  const std::string& violation() const { return violation_; }

 protected:
  // Each transaction asks for a level of its own, in the simulator.
  void ask_for_any() { asks_for_any_ = true; }
  bool asks_for_any() const { return asks_for_any_; }
  txn::Level level() const { return level_; }
  // Begins a transaction whose statements are to see one state: also where the workload is judged
  // by READ COMMITTED's rules, at which they would not.
  std::string begin_view(bool read_only = false) const {
    std::string begin =
        level_ == txn::Level::kReadCommitted ? "BEGIN ISOLATION LEVEL REPEATABLE READ" : "BEGIN";
    return read_only ? begin + " READ ONLY" : begin;
  }
  // The same, now and then of a moment some seconds ago: for what is true of every moment since
  // the workload has begun.
  std::string begin_look(runtime::Random* random);
  // How long ago such a moment was; nothing where that can't be told, or there is none.
  std::optional<std::chrono::milliseconds> draw_past(runtime::Random* random);
  // One transaction's statements, each asked for when the one before was answered: an empty text
  // ends them with COMMIT. `answer` is that of the statement before.
  class Script {
   public:
    virtual ~Script() = default;
    virtual void begin() {}
    virtual std::string next(const SqlAnswer& answer) = 0;
    // Of the last statement: true where it was to fail, and the next one follows nevertheless.
    virtual bool expects(const Status&) { return false; }
    std::string input;        // of the COPY FROM STDIN that next() asks for
    bool breaks_off = false;  // that COPY ends with the client's refusal
    bool give_up = false;     // next() found a reason to roll back
    bool leaves = false;      // after COMMIT, without waiting for its answer
    Trail trail;              // where it is told, from transact() on
  };
  // Statements none of which hangs on another's answer.
  class Statements : public Script {
   public:
    explicit Statements(std::vector<std::string> texts)
        : answers(texts.size()), texts_(std::move(texts)) {}
    void begin() override { at_ = 0; }
    std::string next(const SqlAnswer& answer) override {
      if (at_ > 0) answers[at_ - 1] = answer;
      return at_ < texts_.size() ? texts_[at_++] : std::string();
    }
    std::vector<SqlAnswer> answers;

   private:
    const std::vector<std::string> texts_;
    size_t at_ = 0;
  };

  virtual std::vector<std::string> tables() const = 0;            // DDL and first rows
  virtual std::vector<std::string> splits() const { return {}; }  // of tables, where it can split
  virtual std::vector<std::string> table_names() const = 0;       // for splits
  virtual size_t key_columns() const { return 1; }                // small ints that keys begin with
  virtual runtime::Task<void> step(SqlClient* client, runtime::Random* random) = 0;
  // What is wrong, or nothing; a failure: the final state could not be read.
  virtual runtime::Task<Result<std::string>> judge(SqlClient* client) = 0;

  runtime::Task<void> operate(server::KvNode*, runtime::Random*) override { co_return; }
  runtime::Task<void> serve(server::KvNode*, runtime::Random* random) override;
  // BEGIN, the script's statements, COMMIT; again while the server says that nothing happened.
  // ok: committed. kAmbiguous: perhaps. Anything else: nothing happened.
  runtime::Task<Status> transact(SqlClient* client, runtime::Random* random, Script* script,
                                 std::string begin);
  // One statement that is a transaction by itself; the outcome is as that of transact().
  runtime::Task<Result<SqlAnswer>> once(SqlClient* client, std::string text,
                                        std::string input = {});
  // One query until it is answered, by whatever node: for set-up and checks.
  runtime::Task<Result<SqlAnswer>> insist(SqlClient* client, std::string text);
  // Now and then the statement that comes next is cancelled, or one that follows it.
  void perhaps_cancel(SqlClient* client);
  // The answer of each.
  runtime::Task<Result<std::vector<SqlAnswer>>> insist_all(SqlClient* client,
                                                           std::vector<std::string> texts);
  // `by`: whose answer shows it.
  void find(std::string violation, const Trail& by) {
    if (!violation_.empty()) return;
    violation_ = std::move(violation);
    by.wrong();
  }

 private:
  runtime::Task<void> connect(SqlClient* client, runtime::Random* random);
  runtime::Duration draw_patience();
  runtime::Task<Status> attempt(SqlClient* client, runtime::Random* random, Script* script,
                                std::string begin);
  SqlLogin login_;
  std::string isolation_;
  bool asks_for_any_ = false;
  txn::Level level_ = txn::Level::kSerializable;
  bool plain_ = false;
  runtime::Instant began_;  // its tables are there since then
  uint64_t pause_most_micros_ = 40'000;
  runtime::Random impatience_;
  double cancel_chance_ = 0, leave_chance_ = 0;  // of a statement
  double limits_chance_ = 0;                     // of a session
  std::string violation_;
  std::vector<TableId> ids_;
};

int64_t sql_int(const std::optional<std::string>& value);

}  // namespace quorate::sim

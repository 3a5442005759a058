// One client: its bytes in, its session, its bytes out.
//
//     run():  start-up ──► messages until Terminate, the end of the stream, or a FATAL error
//
// Output is gathered in one buffer and leaves when the client waits for it (after ReadyForQuery or
// Flush, when no whole message is left to work on) or when it has grown large: a statement costs
// one recv and one send, and a slow reader holds up only itself. Input is taken a message at a
// time, so a client that does not wait for answers is held up by TCP.
//
// While a statement runs for long, tick() begins to read ahead: that is how a client that has gone
// is noticed, and what it held is released.
#pragma once

#include <functional>
#include <memory>

#include "pgwire/cancel_registry.h"
#include "pgwire/codec.h"
#include "runtime/env.h"
#include "runtime/sync.h"
#include "sql/session/session.h"

namespace quorate::pgwire {

using SessionFactory = std::function<runtime::Task<Result<std::unique_ptr<sql::Session>>>(
    sql::SessionOptions options)>;

struct ConnectionOptions {
  runtime::Duration startup_limit = std::chrono::seconds(60);
  // A client beyond limits::kConnectionsMax: its start-up ends with 53300.
  bool refused = false;
  PlantedBugs planted;
};

class Connection final : private sql::ResultSink {
 public:
  Connection(runtime::Env& env, std::unique_ptr<runtime::Stream> stream, SessionFactory* factory,
             CancelRegistry* cancels, ConnectionOptions options);
  ~Connection() override;
  Connection(const Connection&) = delete;

  // Returns when the connection has ended; the stream is closed.
  runtime::Task<void> run();
  // Now and then, from the listener.
  void tick();
  // The server stops: idle clients go at once, others after their statement. 57P01.
  void shut_down();

 private:
  // --- start-up (connection_startup.cc) ---
  runtime::Task<bool> start_up();
  runtime::Task<Result<Frame>> startup_frame();
  runtime::Task<bool> open_session(StartupPacket packet);
  Status startup_options(const StartupPacket& packet, sql::SessionOptions* out,
                         std::vector<std::string_view>* unknown);

  // --- messages (connection.cc) ---
  runtime::Task<Result<bool>> more_input();
  bool dispatch_now(const Frame& frame);
  runtime::Task<bool> dispatch(Frame frame);
  runtime::Task<void> query(BytesView body);
  runtime::Task<Status> extended(Frame frame);
  runtime::Task<Status> parse(BytesView body);
  Status bind(BytesView body);
  runtime::Task<Status> describe(BytesView body);
  void tell(const sql::Session::Description& d);
  runtime::Task<Status> execute(BytesView body);
  Status close(BytesView body);
  runtime::Task<void> sync();
  void ready();
  bool sync_follows() const;
  void fatal(const Status& error);

  // --- bytes ---
  BytesView pending() const { return BytesView(in_).substr(in_at_); }
  runtime::Task<Status> fill(runtime::CancelToken token);
  runtime::Task<void> read_ahead();
  runtime::Task<Status> write_out();

  // --- sql::ResultSink ---
  void describe(const sql::ResultShape& shape) override;
  Status add_rows(const sql::ResultShape& shape, const sql::RowBatch& rows, size_t begin,
                  size_t end, const sql::IoContext& io) override;
  void complete(std::string_view tag) override;
  void suspended() override;
  void empty_query() override;
  void notice(std::string_view severity, const Status& notice) override;
  void parameter_status(std::string_view name, std::string_view value) override;
  bool should_flush() const override;
  runtime::Task<Status> flush() override;
  uint64_t mark() const override { return left_bytes_ + out_.size(); }
  bool rewind(uint64_t mark) override;
  void copy_out_begin(bool binary, size_t columns) override;
  void copy_out_data(BytesView data) override;
  void copy_out_end() override;
  runtime::Task<Status> copy_in_begin(bool binary, size_t columns) override;
  runtime::Task<Result<std::optional<BytesView>>> copy_in_read() override;
  void copy_in_end() override;

  runtime::Env& env_;
  const std::unique_ptr<runtime::Stream> stream_;
  SessionFactory* const factory_;
  CancelRegistry* const cancels_;
  const ConnectionOptions options_;
  CancelKey key_;
  std::unique_ptr<sql::Session> session_;

  Bytes in_;
  size_t in_at_ = 0;        // what is before it has been worked on
  size_t frame_bytes_ = 0;  // of the message being worked on, at in_at_; 0: it is in held_
  Bytes held_;              // the statement's own message while COPY reads further ones
  Bytes out_;
  uint64_t left_bytes_ = 0;    // written to the stream so far
  bool flush_wanted_ = false;  // the client waits for what is in out_
  // A message that has no place in a COPY: where the next one begins means nothing any more.
  bool lost_sync_ = false;
  bool skipping_ = false;  // to the next Sync, after an error
  bool copying_ = false;
  bool ending_ = false;   // no further message is taken
  Status shutdown_;       // why, where the server wants it
  bool waiting_ = false;  // for the client's next message
  BindMessage bind_;
  std::vector<sql::BoundParameter> bound_;

  // Reading ahead while a statement runs.
  Bytes ahead_;
  Status ahead_error_;
  bool reading_ahead_ = false;
  runtime::WaitList ahead_done_;
  uint64_t messages_ = 0, messages_at_tick_ = 0;
  runtime::CancelSource leave_;  // ends waits for the client: shutdown
  runtime::TaskScope scope_;
};

}  // namespace quorate::pgwire

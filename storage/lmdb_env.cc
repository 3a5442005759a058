#include "storage/lmdb_env.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <vector>

namespace quorate::storage {
namespace {

// With less than that a write may have been cut short.
constexpr uint64_t kShortWriteBytes = 16u << 20;

Status lmdb_error(int rc, std::string_view what) {
  if (rc == 0) return Status();
  std::string text = fmt::format("could not {}: {}", what, mdb_strerror(rc));
  switch (rc) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
      return resource_exhausted(std::move(text), sqlstate::kDiskFull);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_VERSION_MISMATCH:
    case MDB_INVALID:
      return corruption(std::move(text));
    case MDB_READERS_FULL:
      return resource_exhausted(std::move(text), sqlstate::kInsufficientResources);
    default:
      return internal_error(std::move(text));
  }
}

MDB_val to_val(BytesView b) { return {b.size(), const_cast<char*>(b.data())}; }
BytesView to_view(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }

class LmdbEnv;

// A transaction to read, with the cursors that were opened in it and are idle.
struct ReadTxn {
  MDB_txn* txn = nullptr;
  std::vector<MDB_cursor*> idle;
};

// Walks with a cursor that it does not own.
class Walk {
 public:
  explicit Walk(MDB_cursor* c) : cursor_(c) {}
  bool move(MDB_cursor_op op) {
    rc_ = mdb_cursor_get(cursor_, &key_, &value_, op);
    return rc_ == 0;
  }
  bool seek(BytesView key) {
    key_ = to_val(key);
    return key.empty() ? move(MDB_FIRST) : move(MDB_SET_RANGE);
  }
  bool seek_before(BytesView key) {
    if (key.empty() || !seek(key)) return move(MDB_LAST);
    return move(MDB_PREV);
  }
  int rc() const { return rc_; }
  BytesView key() const { return to_view(key_); }
  BytesView value() const { return to_view(value_); }
  MDB_cursor* cursor() const { return cursor_; }

 private:
  MDB_cursor* cursor_;
  MDB_val key_{}, value_{};
  int rc_ = MDB_NOTFOUND;
};

class LmdbCursor : public CheckpointCursor {
 public:
  // `idle` takes the LMDB cursor back; null: it is closed.
  LmdbCursor(MDB_cursor* c, std::vector<MDB_cursor*>* idle, Status* status)
      : walk_(c), idle_(idle), status_(status) {}
  ~LmdbCursor() override {
    if (idle_ != nullptr) {
      idle_->push_back(walk_.cursor());
    } else {
      mdb_cursor_close(walk_.cursor());
    }
  }
  bool seek(BytesView key) override { return check(walk_.seek(key)); }
  bool seek_before(BytesView key) override { return check(walk_.seek_before(key)); }
  bool next() override { return check(walk_.move(MDB_NEXT)); }
  bool prev() override { return check(walk_.move(MDB_PREV)); }
  bool valid() const override { return walk_.rc() == 0; }
  BytesView key() const override { return walk_.key(); }
  BytesView value() const override { return walk_.value(); }

 private:
  bool check(bool found) {
    if (!found && walk_.rc() != MDB_NOTFOUND && status_->ok()) {
      *status_ = lmdb_error(walk_.rc(), "walk the checkpoint");
    }
    return found;
  }
  Walk walk_;
  std::vector<MDB_cursor*>* idle_;
  Status* status_;
};

// What stands in for a cursor that could not be opened.
class NoCursor : public CheckpointCursor {
 public:
  bool seek(BytesView) override { return false; }
  bool seek_before(BytesView) override { return false; }
  bool next() override { return false; }
  bool prev() override { return false; }
  bool valid() const override { return false; }
  BytesView key() const override { return {}; }
  BytesView value() const override { return {}; }
};

class LmdbReader : public CheckpointReader {
 public:
  LmdbReader(LmdbEnv& env, ReadTxn txn, Status status)
      : env_(env), read_(std::move(txn)), status_(std::move(status)) {}
  ~LmdbReader() override;
  std::optional<BytesView> get(BytesView key) override;
  std::unique_ptr<CheckpointCursor> cursor() override;
  Status status() const override { return status_; }

 private:
  LmdbEnv& env_;
  ReadTxn read_;
  Status status_;
};

class LmdbWriter : public CheckpointWriter {
 public:
  LmdbWriter(MDB_txn* txn, MDB_dbi dbi) : txn_(txn), dbi_(dbi) {}
  ~LmdbWriter() override {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  Status put(BytesView key, BytesView value) override {
    MDB_val k = to_val(key), v = to_val(value);
    return lmdb_error(mdb_put(txn_, dbi_, &k, &v, 0), "write the checkpoint");
  }
  Status remove(BytesView key) override {
    MDB_val k = to_val(key);
    int rc = mdb_del(txn_, dbi_, &k, nullptr);
    return rc == MDB_NOTFOUND ? Status() : lmdb_error(rc, "write the checkpoint");
  }
  Status remove_span(BytesView start, BytesView end) override {
    if (cursor_ == nullptr) {
      int rc = mdb_cursor_open(txn_, dbi_, &cursor_);
      if (rc != 0) return lmdb_error(rc, "write the checkpoint");
    }
    Walk walk(cursor_);
    for (bool more = walk.seek(start); more && (end.empty() || walk.key() < end);
         more = walk.move(MDB_GET_CURRENT) || (walk.rc() == EINVAL && walk.move(MDB_NEXT))) {
      int rc = mdb_cursor_del(cursor_, 0);
      if (rc != 0) return lmdb_error(rc, "write the checkpoint");
    }
    bool ended = walk.rc() == 0 || walk.rc() == MDB_NOTFOUND || walk.rc() == EINVAL;
    return ended ? Status() : lmdb_error(walk.rc(), "write the checkpoint");
  }
  std::optional<BytesView> get(BytesView key) override {
    MDB_val k = to_val(key), v;
    int rc = mdb_get(txn_, dbi_, &k, &v);
    if (rc != 0 && rc != MDB_NOTFOUND && status_.ok()) {
      status_ = lmdb_error(rc, "read the checkpoint");
    }
    return rc == 0 ? std::optional<BytesView>(to_view(v)) : std::nullopt;
  }
  std::unique_ptr<CheckpointCursor> cursor() override {
    MDB_cursor* c = nullptr;
    int rc = mdb_cursor_open(txn_, dbi_, &c);
    if (rc == 0) return std::make_unique<LmdbCursor>(c, nullptr, &status_);
    if (status_.ok()) status_ = lmdb_error(rc, "read the checkpoint");
    return std::make_unique<NoCursor>();
  }
  const Status& status() const { return status_; }

 private:
  MDB_txn* txn_;
  MDB_dbi dbi_;
  MDB_cursor* cursor_ = nullptr;
  Status status_;
};

class LmdbEnv : public CheckpointStore {
 public:
  LmdbEnv(runtime::Env& env, LmdbOptions options) : env_(env), options_(options) {}
  ~LmdbEnv() override;
  Status open(const std::string& path);
  runtime::Task<Status> write(std::function<Status(CheckpointWriter&)> fill) override;
  std::unique_ptr<CheckpointReader> read() override;
  uint64_t used_bytes() const override { return room_.used_bytes - room_.free_list_bytes; }
  uint64_t free_bytes() const override;
  MDB_dbi dbi() const { return dbi_; }
  void give_back(ReadTxn txn);

 private:
  static constexpr size_t kPooledMax = 8;
  struct Room {
    uint64_t used_bytes = 0, free_list_bytes = 0;
  };
  // On the helper: what it finds of the room goes to the executor's room_ with its result.
  Status write_blocking(const std::function<Status(CheckpointWriter&)>& fill, Room& room);
  void measure(MDB_txn* txn, Room& room) const;

  runtime::Env& env_;
  const LmdbOptions options_;
  MDB_env* mdb_ = nullptr;
  MDB_dbi dbi_ = 0;
  std::vector<ReadTxn> pool_;
  Room room_;  // as of the last write
  bool writing_ = false;
};

void close_txn(ReadTxn& read) {
  for (MDB_cursor* c : read.idle) mdb_cursor_close(c);
  mdb_txn_abort(read.txn);
}

LmdbReader::~LmdbReader() {
  if (read_.txn != nullptr) env_.give_back(std::move(read_));
}

std::optional<BytesView> LmdbReader::get(BytesView key) {
  if (!status_.ok()) return std::nullopt;
  MDB_val k = to_val(key), v;
  int rc = mdb_get(read_.txn, env_.dbi(), &k, &v);
  if (rc == 0) return to_view(v);
  if (rc != MDB_NOTFOUND) status_ = lmdb_error(rc, "read the checkpoint");
  return std::nullopt;
}

std::unique_ptr<CheckpointCursor> LmdbReader::cursor() {
  if (!status_.ok()) return std::make_unique<NoCursor>();
  MDB_cursor* c = nullptr;
  int rc = 0;
  if (!read_.idle.empty()) {
    c = read_.idle.back();
    read_.idle.pop_back();
    rc = mdb_cursor_renew(read_.txn, c);
  } else {
    rc = mdb_cursor_open(read_.txn, env_.dbi(), &c);
  }
  if (rc == 0) return std::make_unique<LmdbCursor>(c, &read_.idle, &status_);
  status_ = lmdb_error(rc, "read the checkpoint");
  return std::make_unique<NoCursor>();
}

LmdbEnv::~LmdbEnv() {
  for (ReadTxn& r : pool_) close_txn(r);
  if (mdb_ != nullptr) mdb_env_close(mdb_);
}

Status LmdbEnv::open(const std::string& path) {
  const unsigned no_sync = options_.sync ? 0 : MDB_NOSYNC;
  int rc = mdb_env_create(&mdb_);
  if (rc == 0) rc = mdb_env_set_mapsize(mdb_, options_.map_bytes);
  if (rc == 0) rc = mdb_env_set_maxreaders(mdb_, options_.readers_max);
  if (rc == 0) rc = mdb_env_open(mdb_, path.c_str(), MDB_NOTLS | MDB_NORDAHEAD | no_sync, 0600);
  if (rc != 0) return lmdb_error(rc, fmt::format("open the checkpoint in \"{}\"", path));
  // Slots of readers that died with a killed process would pin its pages.
  int dead = 0;
  mdb_reader_check(mdb_, &dead);
  // Nobody has this environment yet.
  return write_blocking([](CheckpointWriter&) { return Status(); }, room_);
}

Status LmdbEnv::write_blocking(const std::function<Status(CheckpointWriter&)>& fill, Room& room) {
  MDB_txn* txn = nullptr;
  int rc = mdb_txn_begin(mdb_, nullptr, 0, &txn);
  if (rc != 0) return lmdb_error(rc, "begin a checkpoint");
  if (dbi_ == 0) rc = mdb_dbi_open(txn, nullptr, MDB_CREATE, &dbi_);
  Status filled = lmdb_error(rc, "open the checkpoint");
  if (filled.ok()) {
    LmdbWriter writer(txn, dbi_);
    filled = fill(writer);
    if (filled.ok()) filled = writer.status();
  }
  if (!filled.ok()) {
    mdb_txn_abort(txn);
    return filled;
  }
  rc = mdb_txn_commit(txn);
  // LMDB tells a write that a full disk cut short as an error of the device.
  if (rc == EIO && env_.disk->free_bytes() < kShortWriteBytes) rc = ENOSPC;
  Status committed = lmdb_error(rc, "commit the checkpoint");
  if (!committed.ok()) return committed;
  // What it freed is in the list only now.
  if (mdb_txn_begin(mdb_, nullptr, MDB_RDONLY, &txn) == 0) {
    measure(txn, room);
    mdb_txn_abort(txn);
  }
  return Status();
}

void LmdbEnv::measure(MDB_txn* txn, Room& room) const {
  MDB_envinfo info;
  MDB_stat stat;
  if (mdb_env_info(mdb_, &info) != 0 || mdb_stat(txn, dbi_, &stat) != 0) return;
  room.used_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
  // Database 0 is LMDB's own list of free pages: each value begins with their number.
  MDB_cursor* c = nullptr;
  if (mdb_cursor_open(txn, 0, &c) != 0) return;
  MDB_val key, value;
  uint64_t pages = 0;
  while (mdb_cursor_get(c, &key, &value, MDB_NEXT) == 0) {
    size_t n = 0;
    if (value.mv_size >= sizeof n) std::memcpy(&n, value.mv_data, sizeof n);
    pages += n;
  }
  mdb_cursor_close(c);
  room.free_list_bytes = std::min(room.used_bytes, pages * stat.ms_psize);
}

runtime::Task<Status> LmdbEnv::write(std::function<Status(CheckpointWriter&)> fill) {
  CHECK(!writing_);
  writing_ = true;
  // Shared, since the helper may outlive this frame.
  struct Outcome {
    Status status;
    Room room;
  };
  auto outcome = std::make_shared<Outcome>();
  outcome->room = room_;
  auto work = [this, outcome, fill = std::move(fill)] {
    outcome->status = write_blocking(fill, outcome->room);
  };
  co_await env_.disk->run_blocking(std::move(work));
  writing_ = false;
  room_ = outcome->room;
  co_return outcome->status;
}

std::unique_ptr<CheckpointReader> LmdbEnv::read() {
  ReadTxn read;
  int rc = 0;
  if (!pool_.empty()) {
    read = std::move(pool_.back());
    pool_.pop_back();
    rc = mdb_txn_renew(read.txn);
    if (rc != 0) {
      close_txn(read);
      read = {};
    }
  } else {
    rc = mdb_txn_begin(mdb_, nullptr, MDB_RDONLY, &read.txn);
  }
  return std::make_unique<LmdbReader>(*this, std::move(read),
                                      lmdb_error(rc, "read the checkpoint"));
}

void LmdbEnv::give_back(ReadTxn read) {
  if (pool_.size() >= kPooledMax) return close_txn(read);
  mdb_txn_reset(read.txn);
  pool_.push_back(std::move(read));
}

uint64_t LmdbEnv::free_bytes() const {
  uint64_t in_map =
      options_.map_bytes > room_.used_bytes ? options_.map_bytes - room_.used_bytes : 0;
  return std::min(in_map, env_.disk->free_bytes()) + room_.free_list_bytes;
}

}  // namespace

runtime::Task<Result<std::unique_ptr<CheckpointStore>>> open_lmdb(runtime::Env& env,
                                                                  std::string directory,
                                                                  LmdbOptions options) {
  CO_RETURN_IF_ERROR(co_await env.disk->make_directory(directory));
  auto lmdb = std::make_unique<LmdbEnv>(env, options);
  auto opened = std::make_shared<Status>();
  LmdbEnv* raw = lmdb.get();
  std::string path =
      options.host_directory.empty() ? env.disk->host_path(directory) : options.host_directory;
  auto work = [raw, opened, path = std::move(path)] { *opened = raw->open(path); };
  co_await env.disk->run_blocking(std::move(work));
  CO_RETURN_IF_ERROR(*opened);
  std::unique_ptr<CheckpointStore> out = std::move(lmdb);
  co_return std::move(out);
}

}  // namespace quorate::storage

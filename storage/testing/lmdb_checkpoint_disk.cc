#include "storage/testing/lmdb_checkpoint_disk.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/mark.h"
#include "runtime/random.h"
#include "storage/lmdb_env.h"

namespace quorate::storage {

class LmdbCheckpointDisk::Store : public CheckpointStore {
 public:
  Store(std::shared_ptr<LmdbCheckpointDisk> disk, std::unique_ptr<CheckpointStore> lmdb)
      : disk_(std::move(disk)), lmdb_(std::move(lmdb)) {}

  runtime::Task<Status> write(std::function<Status(CheckpointWriter&)> fill) override {
    disk_->before_ = disk_->image();
    Status written = co_await lmdb_->write(std::move(fill));
    disk_->before_.reset();
    co_return written;
  }
  std::unique_ptr<CheckpointReader> read() override { return lmdb_->read(); }
  uint64_t used_bytes() const override { return lmdb_->used_bytes(); }
  uint64_t free_bytes() const override { return lmdb_->free_bytes(); }

 private:
  const std::shared_ptr<LmdbCheckpointDisk> disk_;
  std::unique_ptr<CheckpointStore> lmdb_;
};

LmdbCheckpointDisk::LmdbCheckpointDisk() {
  path_ = (std::filesystem::temp_directory_path() / "quorate-sim-XXXXXX").string();
  CHECK_MSG(::mkdtemp(path_.data()) != nullptr, "no directory for LMDB in " + path_);
}

LmdbCheckpointDisk::~LmdbCheckpointDisk() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Bytes LmdbCheckpointDisk::image() const {
  std::ifstream file(path_ + "/data.mdb", std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

void LmdbCheckpointDisk::put_back(BytesView image) {
  before_.reset();
  for (const char* name : {"/data.mdb", "/lock.mdb"}) std::filesystem::remove(path_ + name);
  if (image.empty()) return;
  std::ofstream file(path_ + "/data.mdb", std::ios::binary);
  file.write(image.data(), static_cast<std::streamsize>(image.size()));
  file.close();
  CHECK_MSG(file.good(), "can't write " + path_);
}

runtime::Task<Result<std::unique_ptr<CheckpointStore>>> LmdbCheckpointDisk::open(
    runtime::Env* env, std::shared_ptr<LmdbCheckpointDisk> disk) {
  if (disk->before_) {
    MARK("storage: a crash comes during a write of the real LMDB");
    const Bytes before = *std::exchange(disk->before_, std::nullopt);
    if (env->random->chance(0.5)) disk->put_back(before);
  }
  LmdbOptions options;
  options.map_bytes = uint64_t{4} << 30;
  options.host_directory = disk->path_;
  options.sync = false;
  auto opened = co_await open_lmdb(*env, "store/lmdb", options);
  if (!opened.ok()) co_return opened.status();
  std::unique_ptr<CheckpointStore> store =
      std::make_unique<Store>(std::move(disk), std::move(*opened));
  co_return std::move(store);
}

}  // namespace quorate::storage

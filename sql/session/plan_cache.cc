#include "sql/session/plan_cache.h"

#include "base/mark.h"

namespace quorate::sql {
namespace {
constexpr size_t kInternedMax = 1024;
}

StatementRef PlanCache::find(std::string_view key) {
  auto it = index_.find(key);
  if (it == index_.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  entries_.splice(entries_.begin(), entries_, it->second);
  return it->second->statement;
}

void PlanCache::put(std::string_view key, StatementRef statement) {
  if (key.size() > kKeyBytesMax) return;
  if (auto it = index_.find(key); it != index_.end()) {
    it->second->statement = std::move(statement);
    return;
  }
  entries_.push_front({std::string(key), std::move(statement)});
  index_.emplace(entries_.front().key, entries_.begin());
  if (entries_.size() > kEntriesMax) {
    MARK("sql: a plan leaves the cache");
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

uint32_t PlanCache::intern(const std::string& settings) {
  auto [it, added] = interned_.try_emplace(settings, next_interned_);
  if (added) ++next_interned_;
  uint32_t number = it->second;
  // Forgotten texts get new numbers, so an old entry is never found under another's settings.
  if (interned_.size() > kInternedMax) {
    MARK("sql: texts of settings are forgotten");
    interned_.clear();
  }
  return number;
}

void PlanCache::clear() {
  index_.clear();
  entries_.clear();
}

std::shared_ptr<const RowCodec> CodecCache::codec(const TablePtr& table) {
  auto& slot = codecs_[{table->oid, table->version}];
  // A rolled back schema change may have used the same version number for another descriptor.
  if (slot == nullptr || &slot->table() != table.get()) slot = RowCodec::create(table);
  std::shared_ptr<const RowCodec> found = slot;
  if (codecs_.size() > kEntriesMax) {
    MARK("sql: codecs are forgotten");
    codecs_.clear();
  }
  return found;
}

}  // namespace quorate::sql

#include "storage/read_view.h"

#include <fmt/format.h>

#include "storage/merge_iterator.h"

namespace quorate::storage {

Result<std::optional<Version>> CheckpointRows::from_history(BytesView key, Timestamp ts) {
  StoredKey at(key, ts);
  if (!at.fits()) return std::optional<Version>();
  if (history_ == nullptr) history_ = reader_.cursor();
  BytesView prefix = at.view().substr(0, at.view().size() - kHistorySuffix);
  StoredKey last(key, Timestamp());
  for (bool more = history_->seek(at); more; more = history_->next()) {
    BytesView found = history_->key();
    if (found > last.view()) break;
    // A longer key's versions may lie among ours.
    if (found.size() != at.view().size() || !found.starts_with(prefix)) continue;
    ASSIGN_OR_RETURN(StoredVersion stored, decode_version(key, history_->value()));
    // Another version's bytes, good as they are.
    if (StoredKey(key, stored.ts).view() != found)
      return corruption(fmt::format("history of row {} is damaged", escape_bytes(key)));
    return std::optional<Version>(Version{stored.ts, stored.deleted, stored.value});
  }
  RETURN_IF_ERROR(reader_.status());
  return std::optional<Version>();
}

Result<std::optional<Version>> CheckpointRows::resolve(BytesView key, BytesView current,
                                                       Timestamp ts) {
  ASSIGN_OR_RETURN(StoredVersion stored, decode_version(key, current));
  if (stored.ts <= ts) {
    return std::optional<Version>(Version{stored.ts, stored.deleted, stored.value});
  }
  return from_history(key, ts);
}

Result<std::optional<Version>> CheckpointRows::get(BytesView key, Timestamp ts) {
  StoredKey at(Keyspace::kRow, key);
  std::optional<BytesView> current;
  if (at.fits()) current = reader_.get(at);
  if (!current) {
    RETURN_IF_ERROR(reader_.status());
    return std::optional<Version>();
  }
  return resolve(key, *current, ts);
}

Result<std::optional<Version>> View::get(BytesView key, Timestamp ts) {
  for (const auto& memtable : sources_.memtables) {
    if (memtable == nullptr) continue;
    const MemRow* row = memtable->find(Keyspace::kRow, key);
    if (row == nullptr) continue;
    const MemVersion* v = row->visible(ts, sources_.sequence);
    if (v != nullptr) return std::optional<Version>(Version{v->ts, v->deleted, v->value});
  }
  return rows_.get(key, ts);
}

Result<std::optional<BytesView>> View::plain(Keyspace keyspace, BytesView key) {
  CHECK(keyspace != Keyspace::kRow);
  for (const auto& memtable : sources_.memtables) {
    if (memtable == nullptr) continue;
    const MemRow* row = memtable->find(keyspace, key);
    if (row == nullptr) continue;
    const MemVersion* v = row->visible(Timestamp(), sources_.sequence);
    if (v == nullptr) continue;
    return v->deleted ? std::optional<BytesView>() : std::optional<BytesView>(v->value);
  }
  StoredKey at(keyspace, key);
  std::optional<BytesView> stored;
  if (at.fits()) stored = sources_.reader->get(at);
  if (!stored) {
    RETURN_IF_ERROR(sources_.reader->status());
    return std::optional<BytesView>();
  }
  ASSIGN_OR_RETURN(BytesView value, decode_plain(keyspace, key, *stored));
  return std::optional<BytesView>(value);
}

std::unique_ptr<RowIterator> View::rows(const RowIteratorOptions& options) {
  return make_row_iterator(sources_, options);
}

std::unique_ptr<PlainIterator> View::plains(Keyspace keyspace, const KeySpan& span) {
  CHECK(keyspace != Keyspace::kRow);
  return make_plain_iterator(sources_, keyspace, span);
}

}  // namespace quorate::storage

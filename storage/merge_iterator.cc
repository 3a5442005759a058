#include "storage/merge_iterator.h"

namespace quorate::storage {

KeyMerge::KeyMerge(const ViewSources& sources, Keyspace keyspace, KeySpan span, bool reverse)
    : span_(std::move(span)), keyspace_(static_cast<char>(keyspace)), reverse_(reverse) {
  if (span_.empty()) return;
  for (int i = 0; i < 2; ++i) {
    const Memtable* m = sources.memtables[i].get();
    if (m == nullptr) continue;
    load_row(i, reverse_ ? m->seek_before(keyspace, span_.end) : m->seek(keyspace, span_.start));
  }
  cursor_ = sources.reader->cursor();
  if (!reverse_) {
    StoredKey start(keyspace, span_.start);
    load_disk(start.fits() && cursor_->seek(start));
  } else if (span_.end.empty()) {
    char after = static_cast<char>(keyspace_ + 1);
    load_disk(cursor_->seek_before(BytesView(&after, 1)));
  } else {
    Bytes end = Bytes(1, keyspace_) + span_.end;
    end.resize(std::min(end.size(), kStoredKeyBytesMax));
    load_disk(cursor_->seek_before(end));
  }
  pick();
}

void KeyMerge::load_row(int memtable, const MemRow* row) {
  bool inside = row != nullptr;
  if (inside && reverse_) inside = row->key >= span_.start;
  if (inside && !reverse_) inside = span_.end.empty() || row->key < span_.end;
  rows_[memtable] = inside ? row : nullptr;
}

void KeyMerge::load_disk(bool found) {
  disk_valid_ = false;
  if (!found) return;
  BytesView stored = cursor_->key();
  if (stored.front() != keyspace_) return;
  disk_key_ = stored.substr(1);
  disk_valid_ = reverse_ ? disk_key_ >= span_.start : span_.end.empty() || disk_key_ < span_.end;
}

void KeyMerge::pick() {
  if (rows_[0] == nullptr && rows_[1] == nullptr) {
    valid_ = disk_at_ = disk_valid_;
    key_ = disk_key_;
    at_[0] = at_[1] = false;
    return;
  }
  valid_ = true;
  key_ = rows_[0] != nullptr ? rows_[0]->key : rows_[1]->key;
  if (rows_[1] != nullptr && before(rows_[1]->key, key_)) key_ = rows_[1]->key;
  if (disk_valid_ && before(disk_key_, key_)) key_ = disk_key_;
  for (int i = 0; i < 2; ++i) at_[i] = rows_[i] != nullptr && rows_[i]->key == key_;
  disk_at_ = disk_valid_ && disk_key_ == key_;
}

void KeyMerge::next() {
  for (int i = 0; i < 2; ++i) {
    if (at_[i]) load_row(i, reverse_ ? rows_[i]->prev : rows_[i]->next);
  }
  if (disk_at_) load_disk(reverse_ ? cursor_->prev() : cursor_->next());
  pick();
}

namespace {

class Rows : public RowIterator {
 public:
  Rows(const ViewSources& sources, const RowIteratorOptions& options)
      : sources_(sources),
        options_(options),
        keys_(sources, Keyspace::kRow, options.span, options.reverse),
        checkpoint_(*sources.reader) {
    find();
  }
  bool valid() const override { return valid_; }
  void next() override {
    keys_.next();
    find();
  }
  BytesView key() const override { return keys_.key(); }
  Timestamp ts() const override { return version_.ts; }
  BytesView value() const override { return version_.value; }
  Status status() const override { return status_; }

 private:
  // Goes to the first key from here on that has something to show.
  void find() {
    for (; keys_.valid(); keys_.next()) {
      Result<bool> shows = look();
      if (!shows.ok()) {
        status_ = shows.status();
        break;
      }
      if (*shows) {
        valid_ = true;
        return;
      }
    }
    valid_ = false;
    if (status_.ok()) status_ = sources_.reader->status();
  }

  // Most often what is seen up to the later of both timestamps is the row at the earlier too.
  Result<bool> look() {
    const bool unsure = options_.uncertain != nullptr && options_.uncertain_until > options_.ts;
    ASSIGN_OR_RETURN(bool found, find_at(unsure ? options_.uncertain_until : options_.ts));
    if (found && version_.ts > options_.ts) {
      options_.uncertain->forward(version_.ts);
      ASSIGN_OR_RETURN(found, find_at(options_.ts));
    }
    return found && (!version_.deleted || options_.with_deleted);
  }

  // The present key's version as of `ts`.
  Result<bool> find_at(Timestamp ts) {
    for (int i = 0; i < 2; ++i) {
      const MemRow* row = keys_.row(i);
      const MemVersion* v = nullptr;
      if (row != nullptr) v = row->visible(ts, sources_.sequence);
      if (v == nullptr) continue;
      version_ = {v->ts, v->deleted, v->value};
      return true;
    }
    if (!keys_.on_disk()) return false;
    ASSIGN_OR_RETURN(auto found, checkpoint_.resolve(keys_.key(), keys_.stored(), ts));
    if (found) version_ = *found;
    return found.has_value();
  }

  const ViewSources& sources_;
  const RowIteratorOptions options_;
  KeyMerge keys_;
  CheckpointRows checkpoint_;
  bool valid_ = false;
  Version version_;
  Status status_;
};

class Plains : public PlainIterator {
 public:
  Plains(const ViewSources& sources, Keyspace keyspace, const KeySpan& span)
      : sources_(sources), keyspace_(keyspace), keys_(sources, keyspace, span, false) {
    find();
  }
  bool valid() const override { return valid_; }
  void next() override {
    keys_.next();
    find();
  }
  BytesView key() const override { return keys_.key(); }
  BytesView value() const override { return value_; }
  Status status() const override { return status_; }

 private:
  void find() {
    for (valid_ = false; keys_.valid() && status_.ok(); keys_.next()) {
      if (look()) {
        valid_ = true;
        return;
      }
    }
    if (status_.ok()) status_ = sources_.reader->status();
  }
  bool look() {
    for (int i = 0; i < 2; ++i) {
      const MemRow* row = keys_.row(i);
      const MemVersion* v = nullptr;
      if (row != nullptr) v = row->visible(Timestamp(), sources_.sequence);
      if (v == nullptr) continue;
      value_ = v->value;
      return !v->deleted;
    }
    if (!keys_.on_disk()) return false;
    Result<BytesView> value = decode_plain(keyspace_, keys_.key(), keys_.stored());
    if (!value.ok()) {
      status_ = value.status();
      return false;
    }
    value_ = *value;
    return true;
  }

  const ViewSources& sources_;
  const Keyspace keyspace_;
  KeyMerge keys_;
  bool valid_ = false;
  BytesView value_;
  Status status_;
};

}  // namespace

std::unique_ptr<RowIterator> make_row_iterator(const ViewSources& sources,
                                               const RowIteratorOptions& options) {
  return std::make_unique<Rows>(sources, options);
}

std::unique_ptr<PlainIterator> make_plain_iterator(const ViewSources& sources, Keyspace keyspace,
                                                   const KeySpan& span) {
  return std::make_unique<Plains>(sources, keyspace, span);
}

}  // namespace quorate::storage

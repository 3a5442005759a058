// Rows in key order: a B+tree that only grows, and through its leaves the list of rows.
//
//   node   what its keys have in common    of each key the next 8 bytes, as a number
//          "t..\0\0\1"                      [ 17 ][ 40 ][ 41 ] ...  ->  rows (leaf), or children
//
// A search compares numbers within a node and looks at a key only where two numbers are equal: some
// three cache lines a level, where a skip list touches two a comparison. Rows stay where they are,
// so that a cursor on one lives over insertions. One thread inserts; readers beside it only once
// nothing is inserted any more.
#pragma once

#include "storage/mem_row.h"

namespace quorate::storage {

class RowOrder {
 public:
  explicit RowOrder(Arena& arena) : arena_(arena) {}
  RowOrder(const RowOrder&) = delete;

  // Gives the row its place and sets its `prev` and `next`. Its key must not be here yet.
  void insert(MemRow* row);
  MemRow* first() const { return first_; }
  MemRow* last() const { return last_; }
  MemRow* before(BytesView key) const;  // the last row < key; null: none
  MemRow* seek(BytesView key) const {   // the first row >= key; null: none
    MemRow* b = before(key);
    return b == nullptr ? first_ : b->next;
  }
  size_t size() const { return size_; }
  size_t rank(BytesView key) const;  // how many rows are < key
  MemRow* at(size_t rank) const;     // rank < size()

 private:
  struct Node;
  struct Inner;
  static constexpr int kFanout = 32;
  static constexpr int kDepthMax = 12;  // each level but the root's is at least half full, or last
  static constexpr size_t kPrefixMax = 32;

  static uint64_t number_at(BytesView key, size_t skip);
  static int position(const Node& node, BytesView key);  // how many of its keys are < key
  static int child_for(const Node& node, BytesView key);
  static void renumber(Node& node, size_t common);
  static void fit_prefix(Node& node);
  static void make_room(Node& node, BytesView key);
  static void put_at(Node& node, int at, MemRow* row, Node* child, uint32_t size);
  Node* split(Node& node, bool at_end);
  Node* make_node(bool leaf);
  static uint32_t rows_under(const Node& node);
  void link(MemRow* row, MemRow* before);

  Arena& arena_;
  Node* root_ = nullptr;
  MemRow* first_ = nullptr;
  MemRow* last_ = nullptr;
  size_t size_ = 0;
};

// Rows by key: open addressing over hashes, which are kept, so that growing touches no key.
class RowHash {
 public:
  MemRow* find(BytesView key) const;
  // Where the row of this key is, or null to be set by the caller, who then counts it in added().
  // The place is good until the next call.
  MemRow** place(BytesView key);
  void added() { ++size_; }
  bool empty() const { return size_ == 0; }
  size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    uint64_t hash;
    MemRow* row;
  };
  static uint64_t hash_of(BytesView key);
  void grow();
  std::vector<Slot> slots_;  // a power of two of them, at most 5/8 used
  size_t size_ = 0;
};

}  // namespace quorate::storage

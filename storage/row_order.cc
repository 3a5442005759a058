#include "storage/row_order.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/check.h"

namespace quorate::storage {

struct RowOrder::Node {
  bool leaf;
  uint8_t count;
  uint8_t common;  // bytes that all keys begin with
  char prefix[kPrefixMax];
  uint64_t numbers[kFanout];
  MemRow* rows[kFanout];  // of an inner node: a lower bound of each child
};

struct RowOrder::Inner : Node {
  Node* children[kFanout];
  uint32_t sizes[kFanout];  // rows under each
};

namespace {

size_t common_bytes(BytesView a, BytesView b, size_t most) {
  most = std::min({most, a.size(), b.size()});
  size_t n = 0;
  while (n < most && a[n] == b[n]) ++n;
  return n;
}

}  // namespace

// Keys that end early are padded with zeros; equal numbers are told apart by the keys.
uint64_t RowOrder::number_at(BytesView key, size_t skip) {
  uint64_t v = 0;
  if (key.size() >= skip + 8) {
    std::memcpy(&v, key.data() + skip, 8);
  } else if (key.size() > skip) {
    std::memcpy(&v, key.data() + skip, key.size() - skip);
  }
  if constexpr (std::endian::native == std::endian::little) v = __builtin_bswap64(v);
  return v;
}

int RowOrder::position(const Node& node, BytesView key) {
  const size_t compared = std::min<size_t>(node.common, key.size());
  int c = std::memcmp(key.data(), node.prefix, compared);
  if (c < 0 || (c == 0 && compared < node.common)) return 0;
  if (c > 0) return node.count;
  const uint64_t number = number_at(key, node.common);
  int low = 0;
  for (int n = node.count; n > 0;) {  // without a branch to mispredict
    const int half = (n + 1) / 2;
    low += node.numbers[low + half - 1] < number ? half : 0;
    n -= half;
  }
  int high = low;
  while (high < node.count && node.numbers[high] == number) ++high;
  if (low == high) return low;
  auto at = std::lower_bound(node.rows + low, node.rows + high, key,
                             [](const MemRow* row, BytesView k) { return row->key < k; });
  return static_cast<int>(at - node.rows);
}

int RowOrder::child_for(const Node& node, BytesView key) {
  return std::max(0, position(node, key) - 1);
}

void RowOrder::renumber(Node& node, size_t common) {
  node.common = static_cast<uint8_t>(common);
  std::memcpy(node.prefix, node.rows[0]->key.data(), common);
  for (int i = 0; i < node.count; ++i) node.numbers[i] = number_at(node.rows[i]->key, common);
}

void RowOrder::fit_prefix(Node& node) {
  renumber(node, common_bytes(node.rows[0]->key, node.rows[node.count - 1]->key, kPrefixMax));
}

// The prefix becomes one that the key has too.
void RowOrder::make_room(Node& node, BytesView key) {
  if (node.count == 0) {
    node.common = static_cast<uint8_t>(std::min(key.size(), kPrefixMax));
    std::memcpy(node.prefix, key.data(), node.common);
    return;
  }
  const size_t common = common_bytes(key, BytesView(node.prefix, node.common), node.common);
  if (common < node.common) renumber(node, common);
}

void RowOrder::put_at(Node& node, int at, MemRow* row, Node* child, uint32_t size) {
  make_room(node, row->key);
  const auto shift = [&](auto* array) {
    std::copy_backward(array + at, array + node.count, array + node.count + 1);
  };
  shift(node.numbers);
  shift(node.rows);
  node.numbers[at] = number_at(row->key, node.common);
  node.rows[at] = row;
  if (!node.leaf) {
    auto& inner = static_cast<Inner&>(node);
    shift(inner.children);
    shift(inner.sizes);
    inner.children[at] = child;
    inner.sizes[at] = size;
  }
  ++node.count;
}

RowOrder::Node* RowOrder::make_node(bool leaf) {
  Node* node =
      leaf ? new (arena_.allocate(sizeof(Node))) Node : new (arena_.allocate(sizeof(Inner))) Inner;
  node->leaf = leaf;
  node->count = 0;
  node->common = 0;
  return node;
}

// Moves the upper half into a new node; one key where they come in order.
RowOrder::Node* RowOrder::split(Node& node, bool at_end) {
  Node* right = make_node(node.leaf);
  const int keep = at_end ? kFanout - 1 : kFanout / 2;
  right->count = static_cast<uint8_t>(kFanout - keep);
  node.count = static_cast<uint8_t>(keep);
  std::copy(node.rows + keep, node.rows + kFanout, right->rows);
  if (!node.leaf) {
    auto& from = static_cast<Inner&>(node);
    auto& to = static_cast<Inner&>(*right);
    std::copy(from.children + keep, from.children + kFanout, to.children);
    std::copy(from.sizes + keep, from.sizes + kFanout, to.sizes);
  }
  fit_prefix(node);
  fit_prefix(*right);
  return right;
}

uint32_t RowOrder::rows_under(const Node& node) {
  if (node.leaf) return node.count;
  const auto& inner = static_cast<const Inner&>(node);
  return std::accumulate(inner.sizes, inner.sizes + node.count, uint32_t{0});
}

void RowOrder::link(MemRow* row, MemRow* before) {
  row->prev = before;
  row->next = before == nullptr ? first_ : before->next;
  (before == nullptr ? first_ : before->next) = row;
  (row->next == nullptr ? last_ : row->next->prev) = row;
}

void RowOrder::insert(MemRow* row) {
  if (root_ == nullptr) root_ = make_node(true);
  struct Step {
    Inner* node;
    int child;
  };
  Step path[kDepthMax];
  int depth = 0;
  Node* node = root_;
  const bool at_end = last_ == nullptr || last_->key < row->key;  // loads come in order
  const bool at_begin = first_ != nullptr && row->key < first_->key;
  while (!node->leaf) {
    auto* inner = static_cast<Inner*>(node);
    const int child = at_end ? inner->count - 1 : child_for(*inner, row->key);
    CHECK(depth < kDepthMax);
    path[depth++] = {inner, child};
    ++inner->sizes[child];
    if (at_begin) {
      make_room(*inner, row->key);
      inner->rows[0] = row;
      inner->numbers[0] = number_at(row->key, inner->common);
    }
    node = inner->children[child];
  }
  int at = at_end ? node->count : position(*node, row->key);
  link(row, at > 0 ? node->rows[at - 1] : node->count > 0 ? node->rows[0]->prev : nullptr);
  ++size_;

  // From the leaf up, as long as nodes are full.
  MemRow* bound = row;
  Node* below = nullptr;
  uint32_t below_size = 0;
  for (;;) {
    if (node->count < kFanout) {
      put_at(*node, at, bound, below, below_size);
      return;
    }
    Node* right = split(*node, at_end);
    const bool goes_right = at > node->count;
    put_at(goes_right ? *right : *node, goes_right ? at - node->count : at, bound, below,
           below_size);
    bound = right->rows[0];
    below = right;
    below_size = rows_under(*right);
    if (depth == 0) {
      auto* top = static_cast<Inner*>(make_node(false));
      put_at(*top, 0, node->rows[0], node, rows_under(*node));
      put_at(*top, 1, bound, below, below_size);
      root_ = top;
      return;
    }
    const Step& up = path[--depth];
    up.node->sizes[up.child] -= below_size;
    node = up.node;
    at = up.child + 1;
  }
}

MemRow* RowOrder::before(BytesView key) const {
  if (root_ == nullptr) return nullptr;
  const Node* node = root_;
  while (!node->leaf) {
    node = static_cast<const Inner*>(node)->children[child_for(*node, key)];
  }
  const int at = position(*node, key);
  return at > 0 ? node->rows[at - 1] : node->rows[0]->prev;
}

size_t RowOrder::rank(BytesView key) const {
  if (root_ == nullptr) return 0;
  size_t rank = 0;
  const Node* node = root_;
  while (!node->leaf) {
    const auto* inner = static_cast<const Inner*>(node);
    const int child = child_for(*node, key);
    for (int i = 0; i < child; ++i) rank += inner->sizes[i];
    node = inner->children[child];
  }
  return rank + static_cast<size_t>(position(*node, key));
}

MemRow* RowOrder::at(size_t rank) const {
  CHECK(rank < size_);
  const Node* node = root_;
  while (!node->leaf) {
    const auto* inner = static_cast<const Inner*>(node);
    int child = 0;
    while (rank >= inner->sizes[child]) rank -= inner->sizes[child++];
    node = inner->children[child];
  }
  return node->rows[rank];
}

// --- by hash ---

uint64_t RowHash::hash_of(BytesView key) { return absl::Hash<BytesView>()(key); }

MemRow* RowHash::find(BytesView key) const {
  if (size_ == 0) return nullptr;
  const uint64_t hash = hash_of(key);
  const size_t mask = slots_.size() - 1;
  for (size_t i = hash & mask; slots_[i].row != nullptr; i = (i + 1) & mask) {
    if (slots_[i].hash == hash && slots_[i].row->key == key) return slots_[i].row;
  }
  return nullptr;
}

MemRow** RowHash::place(BytesView key) {
  if (8 * (size_ + 1) > 5 * slots_.size()) grow();
  const uint64_t hash = hash_of(key);
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  for (; slots_[i].row != nullptr; i = (i + 1) & mask) {
    if (slots_[i].hash == hash && slots_[i].row->key == key) break;
  }
  slots_[i].hash = hash;
  return &slots_[i].row;
}

void RowHash::grow() {
  std::vector<Slot> old(std::max<size_t>(64, 2 * slots_.size()), Slot{0, nullptr});
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& s : old) {
    if (s.row == nullptr) continue;
    size_t i = s.hash & mask;
    while (slots_[i].row != nullptr) i = (i + 1) & mask;
    slots_[i] = s;
  }
}

}  // namespace quorate::storage

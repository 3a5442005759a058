#include "sim/checkers/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/archive.h"
#include "base/crc32c.h"
#include "range/command.h"
#include "range/eval/records.h"
#include "range/keys.h"

namespace quorate::sim {

void Watch::report(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

void Watch::look() {
  follow_clocks();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    look_at_clock(*node, i);
    for (const auto& [id, replica] : node->store().replicas()) {
      if (replica->started()) look_at(*replica, i);
    }
  }
  look_at_owners();
  if (std::string wrong = elections_.look(); !wrong.empty()) report(std::move(wrong));
  if (std::string wrong = limits_.look(); !wrong.empty()) report(std::move(wrong));
  if (std::string wrong = membership_.look(); !wrong.empty()) report(std::move(wrong));
}

void Watch::look_for_damage(bool rotten) {
  const runtime::Instant now = cluster_.world().now();
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& damaged : node->store().engine().log().damaged()) {
      if (!rotten)
        report(fmt::format("r{} on {} is damaged, and no disk is", damaged.range.value,
                           cluster_.host(i)));
      const range::Replica* replica = node->store().find(damaged.range);
      if (replica == nullptr || !replica->started() || replica->id() != damaged.replica) continue;
      const auto since = damaged_.try_emplace({i, cluster_.lives(i), damaged.range}, now).first;
      if (now - since->second > kStopsWithin)
        report(fmt::format("r{}: replica {} on {} is damaged and goes on", damaged.range.value,
                           damaged.replica.value, cluster_.host(i)));
    }
  }
}

void Watch::follow_clocks() {
  for (auto& [range, seen] : ranges_) {
    for (auto& [term, lease] : seen.terms) {
      if (!lease.served || cluster_.lives(lease.node) != lease.life) continue;
      server::KvNode* node = cluster_.node(lease.node);
      if (node == nullptr || lease.served <= node->clock().peek()) continue;
      // Set back. It may have counted on in this microsecond after the lease was handed over.
      lease.served = Timestamp::from_micros(node->clock().peek().micros());
    }
  }
}

void Watch::look_at_clock(server::KvNode& node, size_t host) {
  ClockSeen& seen = clocks_[node.id()];
  const Timestamp now = node.clock().peek();
  if (seen.life != cluster_.lives(host)) {
    if (now < seen.served) {
      report(fmt::format("{} starts with its clock at {} and could serve at {} before",
                         cluster_.host(host), now.to_string(), seen.served.to_string()));
    }
    seen.life = cluster_.lives(host);
  }
  for (const auto& [id, replica] : node.store().replicas()) {
    if (!replica->started() || !replica->look_at_lease(Timestamp()).held) continue;
    seen.served = now;  // and not the greatest: what was not given out may come again
    return;
  }
  // A life that serves nothing gives out nothing either that counts: the bound stays.
  seen.served = std::min(seen.served, now);
}

void Watch::look_at_owners() {
  std::vector<std::pair<KeySpan, RangeId>> owned;
  for (size_t i = 0; i < cluster_.size(); ++i) {
    server::KvNode* node = cluster_.node(i);
    if (node == nullptr) continue;
    for (const auto& [id, replica] : node->store().replicas()) {
      if (replica->started() && replica->look_at_lease(Timestamp()).held)
        owned.emplace_back(replica->descriptor().span, id);
    }
  }
  std::sort(owned.begin(), owned.end(),
            [](const auto& a, const auto& b) { return a.first.start < b.first.start; });
  for (size_t i = 1; i < owned.size(); ++i) {
    if (owned[i - 1].second == owned[i].second || !owned[i - 1].first.overlaps(owned[i].first))
      continue;
    report(fmt::format("r{} and r{} both own {}", owned[i - 1].second.value, owned[i].second.value,
                       escape_bytes(owned[i].first.start)));
  }
}

void Watch::look_at(range::Replica& replica, size_t node) {
  RangeSeen& seen = ranges_[replica.range()];
  const raft::Raft& core = replica.group().core();
  if (core.leads()) {
    TermSeen& term = seen.terms[core.term()];
    if (term.leader && term.leader != replica.id()) {
      report(fmt::format("r{}: replicas {} and {} both lead in term {}", replica.range().value,
                         term.leader.value, replica.id().value, core.term().value));
    }
    term.leader = replica.id();
    look_at_lease(seen, replica, node);
  }
  look_at_log(seen, replica, node);
}

void Watch::look_at_lease(RangeSeen& seen, range::Replica& replica, size_t node) {
  const range::LeaseView lease = replica.look_at_lease(Timestamp());
  if (!lease.held) return;
  TermSeen& mine = seen.terms[lease.term];
  mine.lease_start = lease.start;
  mine.served.forward(replica.clock().peek());
  mine.node = node;
  mine.life = cluster_.lives(node);
  for (auto a = seen.terms.begin(); a != seen.terms.end(); ++a) {
    const auto& [term, other] = *a;
    if (!other.served || term == lease.term) continue;
    const TermSeen& earlier = term < lease.term ? other : mine;
    const TermSeen& later = term < lease.term ? mine : other;
    if (earlier.served <= later.lease_start) continue;
    report(fmt::format(
        "r{}: terms {} and {}: {} could serve at {}, the later lease of {} begins at {}",
        replica.range().value, std::min(term, lease.term).value, std::max(term, lease.term).value,
        cluster_.host(earlier.node), earlier.served.to_string(), cluster_.host(later.node),
        later.lease_start.to_string()));
  }
}

void Watch::look_at_log(RangeSeen& seen, range::Replica& replica, size_t node) {
  const raft::Raft& core = replica.group().core();
  storage::LogStore& log = replica.engine().log();
  const RangeId range = replica.range();
  LogIndex& done = compared_[{node, cluster_.lives(node), range}];
  const LogIndex first = log.first_index(range);
  if (done.next() < first) done = first.prev();
  const LogIndex upto = std::min(core.log().committed(), log.last_index(range));
  if (upto <= done) return;
  const LogIndex end(std::min(upto.value, done.value + kEntriesALook) + 1);
  auto entries = log.entries(range, done.next(), end, 1u << 20);
  if (!entries.ok()) {
    // No longer in memory: what it is was compared elsewhere.
    done = end.prev();
    return;
  }
  for (const auto& entry : *entries) {
    // The core may know better what stands there, and not have handed it out to be written.
    if (core.log().term(entry.index) != entry.term) return;
    EntrySeen is{entry.term, entry.payload ? crc32c(*entry.payload) : 0};
    auto [known, fresh] = seen.entries.emplace(entry.index, is);
    if (!fresh && (known->second.term != is.term || known->second.crc != is.crc)) {
      report(fmt::format("r{}: entry {} is committed on {} in term {}, elsewhere in term {}",
                         range.value, entry.index.value, cluster_.host(node), is.term.value,
                         known->second.term.value));
    }
    if (fresh && entry.payload && entry.kind == static_cast<uint8_t>(raft::EntryType::kNormal))
      look_at_command(seen, range, entry.index, *entry.payload);
    done = entry.index;
  }
}

void Watch::look_at_command(RangeSeen& seen, RangeId range, LogIndex index, BytesView payload) {
  if (payload.empty()) return;  // opens a leader's term
  range::Command command;
  Decoder d(payload);
  d(command.format, command.id_high, command.id_low);
  if (!d.ok() || (command.id_high == 0 && command.id_low == 0))
    return report(
        fmt::format("r{}: entry {} holds a command without a name", range.value, index.value));
  auto [known, fresh] = seen.commands.emplace(std::pair(command.id_high, command.id_low), index);
  if (!fresh) {
    report(fmt::format("r{}: entries {} and {} hold the same command", range.value,
                       known->second.value, index.value));
  }
}

namespace {

struct Content {
  std::string host;
  LogIndex applied;
  std::map<Bytes, Bytes> rows;
};

Content content_of(range::Replica& replica, const std::string& host) {
  Content c{host, replica.applied(), {}};
  auto view = replica.engine().view();
  storage::RowIteratorOptions options;
  options.span = replica.descriptor().span;
  options.ts = Timestamp::max();
  for (auto it = view->rows(options); it->valid(); it->next())
    c.rows["row " + Bytes(it->key())] = it->ts().to_string() + " " + Bytes(it->value());
  const auto plains = [&](storage::Keyspace space, const char* name, const KeySpan& span) {
    for (auto it = view->plains(space, span); it->valid(); it->next())
      c.rows[name + Bytes(it->key())] = Bytes(it->value());
  };
  plains(storage::Keyspace::kIntent, "intent ", replica.descriptor().span);
  plains(storage::Keyspace::kTxnRecord, "record ", replica.descriptor().span);
  plains(storage::Keyspace::kRange, "range ", range::keys::range_records_span(replica.range()));
  return c;
}

std::string compare(RangeId range, const Content& a, const Content& b) {
  if (a.applied != b.applied || a.rows == b.rows) return {};
  for (const auto& [key, value] : a.rows) {
    auto other = b.rows.find(key);
    if (other != b.rows.end() && other->second == value) continue;
    return fmt::format("r{} at index {}: {} on {} is {}, on {} {}", range.value, a.applied.value,
                       escape_bytes(key), a.host, escape_bytes(value), b.host,
                       other == b.rows.end() ? "absent" : escape_bytes(other->second));
  }
  return fmt::format("r{} at index {}: {} holds more than {}", range.value, a.applied.value, b.host,
                     a.host);
}

}  // namespace

std::string left_behind(SimCluster& cluster) {
  for (size_t i = 0; i < cluster.size(); ++i) {
    server::KvNode* node = cluster.node(i);
    if (node == nullptr) continue;
    for (const auto& [id, replica] : node->store().replicas()) {
      const KeySpan span = replica->descriptor().span;
      auto view = replica->engine().view();
      const auto found = [&](std::string_view what, BytesView key) {
        return fmt::format("r{} on {} keeps {} {}", id.value, cluster.host(i), what,
                           escape_bytes(key));
      };
      if (auto it = view->plains(storage::Keyspace::kIntent, span); it->valid())
        return found("an intent at", it->key());
      if (auto it = view->plains(storage::Keyspace::kRun, span); it->valid())
        return found("a run at", it->key());
      for (auto it = view->plains(storage::Keyspace::kTxnRecord, span); it->valid(); it->next()) {
        const Result<range::TxnRecord> record = range::parse_record(it->value());
        if (!record.ok() || record->format == range::TxnRecord::kWithRuns) continue;
        if (!record->keys.empty()) return found("a record that lists keys, at", it->key());
      }
    }
  }
  return {};
}

std::string judge_agreement(SimCluster& cluster) {
  std::map<RangeId, Content> first;
  for (size_t i = 0; i < cluster.size(); ++i) {
    server::KvNode* node = cluster.node(i);
    if (node == nullptr) continue;
    for (const auto& [range, replica] : node->store().replicas()) {
      Content content = content_of(*replica, cluster.host(i));
      auto known = first.find(range);
      if (known == first.end()) {
        first.emplace(range, std::move(content));
      } else if (std::string wrong = compare(range, known->second, content); !wrong.empty()) {
        return wrong;
      }
    }
  }
  return {};
}

}  // namespace quorate::sim

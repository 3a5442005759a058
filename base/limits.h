// Every bound of the system, with its unit and its reason. What happens at a bound is told where it
// is used.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quorate::limits {

// LMDB's compile-time key limit is 511 bytes; the store adds a keyspace byte, and history keys 8
// more.
inline constexpr size_t kKeyBytesMax = 480;
// One row, and so one value of the store.
inline constexpr size_t kValueBytesMax = 16u << 20;
// One frame between nodes; larger ones are a protocol error that costs the connection.
inline constexpr size_t kFrameBytesMax = 64u << 20;
// Bytes queued to one peer; beyond it one-way messages are dropped (Raft repeats) and calls fail at
// once.
inline constexpr size_t kPeerQueueBytesMax = 64u << 20;
// One entry of a Raft log.
inline constexpr size_t kEntryBytesMax = 32u << 20;
// Proposals of one range that are not yet applied; beyond it they are refused, and come again.
inline constexpr size_t kRangeInflightBytesMax = 64u << 20;
// A transaction's buffered writes; beyond it the transaction is refused (53200) or spills.
inline constexpr size_t kTxnBufferBytesMax = 256u << 20;
// Buffered writes above which a transaction sends them to their ranges as sorted runs. A commit of
// intents must fit into one entry of each range's log.
inline constexpr size_t kTxnSpillBytes = 8u << 20;
// The rows of one sorted run, which is one entry of a range's log.
inline constexpr size_t kRunBytes = 1u << 20;
// Rows of a bulk load that wait at the coordinator until they are sent; those that come out of
// order are sorted meanwhile, so that fewer runs overlap.
inline constexpr size_t kTxnLoadBytesMax = 32u << 20;
// Runs of one range that wait for the end of their transactions; beyond it 53200.
inline constexpr size_t kRangeRunsMax = 20'000;
// Bytes of runs that one command publishes, at least one run.
inline constexpr size_t kPublishBytesMax = 1u << 20;
// Reads that a transaction remembers one by one, and their bytes; beyond it neighbours are merged
// into wider spans, which can only make a refresh fail more often.
inline constexpr size_t kTxnReadSpansMax = 4096;
inline constexpr size_t kTxnReadBytesMax = 1u << 20;
// Keys that a transaction below SERIALIZABLE locked, until it ends; beyond it 53200.
inline constexpr size_t kTxnLockedBytesMax = 64u << 20;
// Ends of transactions (resolving, unlocking) that run behind the answers of one node; beyond it
// commits and rollbacks wait for their own.
inline constexpr size_t kTxnBackgroundMax = 4096;
// Rows and bytes that one scan request returns before it hands back a resume key.
inline constexpr size_t kScanRowsMax = 4096;
inline constexpr size_t kScanBytesMax = 1u << 20;
// Clients of one node.
inline constexpr size_t kConnectionsMax = 1000;
// One message from a client (PostgreSQL's own limit is 1 GiB - 1).
inline constexpr size_t kClientMessageBytesMax = 256u << 20;
// Requests waiting in one key's lock queue.
inline constexpr size_t kLockWaitersMax = 10'000;
// Spans that a range's timestamp cache tells apart; beyond it the oldest are merged, which only
// pushes more writers.
inline constexpr size_t kTimestampCacheSpansMax = 64;
// Slots of a range's timestamp cache for single keys (64 bytes each). It starts at 16 and doubles
// with use.
inline constexpr size_t kTimestampCacheSlotsMax = 4096;
// Commits that a range remembers for refresh; for older ones versions are read instead.
inline constexpr size_t kRecentCommitsMax = 2048;
// Rows whose two versions one refresh of a span compares before it counts as changed.
inline constexpr size_t kRefreshComparesMax = 64;
// Rows a scan reads before it lets other work of its executor run.
inline constexpr size_t kScanYieldRows = 256;
// Abandoned transactions a range keeps watch on at once; beyond it the oldest watch starts anew.
inline constexpr size_t kPushWatchesMax = 1024;
// Transaction records that one garbage collection command looks at; the next one goes on.
inline constexpr size_t kGcRecordsMax = 2'000;
// Rows of a dropped table that one command clears; the next one goes on.
inline constexpr size_t kClearedRowsMax = 1'000;
// Memory one statement may hold in sorts, hash tables and results (53200 beyond).
inline constexpr size_t kStatementBytesMax = 512u << 20;

}  // namespace quorate::limits

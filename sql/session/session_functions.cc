#include "sql/session/session_functions.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "runtime/sync.h"
#include "sql/session/session.h"
#include "sql/session/txn_status.h"
#include "sql/types/date_time.h"

namespace quorate::sql {
namespace {

// 2000-01-01 in Unix time.

Status missing() { return Status(StatusCode::kUnavailable, sqlstate::kInternalError, "missing"); }

}  // namespace

std::optional<std::vector<std::string>> split_qualified_name(std::string_view name) {
  std::vector<std::string> parts;
  for (size_t i = 0;;) {
    std::string part;
    while (i < name.size() && name[i] == ' ') ++i;
    if (i < name.size() && name[i] == '"') {
      for (++i;; ++i) {
        if (i >= name.size()) return std::nullopt;
        if (name[i] == '"') {
          if (i + 1 >= name.size() || name[i + 1] != '"') break;
          ++i;
        }
        part.push_back(name[i]);
      }
      ++i;
    } else {
      for (; i < name.size() && name[i] != '.' && name[i] != ' '; ++i) {
        char c = name[i];
        part.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
      }
    }
    if (part.empty()) return std::nullopt;
    parts.push_back(std::move(part));
    while (i < name.size() && name[i] == ' ') ++i;
    if (i == name.size()) return parts;
    if (name[i] != '.') return std::nullopt;
    ++i;
  }
}

std::vector<std::string> SessionWorld::search_path() const {
  std::vector<std::string> path = settings_.typed().search_path;
  for (std::string& s : path)
    if (s == "$user") s = user;
  return path;
}

int64_t SessionWorld::clock_micros() {
  return static_cast<int64_t>(node_.client.env().clock->wall_micros()) - kEpochMicros;
}

uint64_t SessionWorld::random_u64() {
  uint64_t v = 0;
  node_.client.env().entropy(reinterpret_cast<char*>(&v), sizeof v);
  return v;
}

void SessionWorld::set_seed(double seed) { seeded_.emplace(std::bit_cast<uint64_t>(seed)); }

double SessionWorld::random_double() {
  return seeded_ ? seeded_->uniform() : node_.client.env().random->uniform();
}

std::vector<std::string> SessionWorld::current_schemas(bool implicit) {
  std::vector<std::string> out;
  std::vector<std::string> path = search_path();
  bool named = std::find(path.begin(), path.end(), "pg_catalog") != path.end();
  if (implicit && !named) out.push_back("pg_catalog");
  for (const std::string& s : path) {
    bool known =
        is_system_schema(s) || (catalog != nullptr && catalog->schema(database, s) != nullptr);
    if (known && std::find(out.begin(), out.end(), s) == out.end()) out.push_back(s);
  }
  return out;
}

// --- sequences ---

Result<SequencePtr> SessionWorld::sequence(Oid oid) const {
  SequencePtr s = catalog != nullptr ? catalog->sequence(oid) : nullptr;
  if (s != nullptr) return s;
  TablePtr t = catalog != nullptr ? catalog->table(oid) : nullptr;
  if (t != nullptr)
    return Status(StatusCode::kInvalidArgument, sqlstate::kWrongObjectType,
                  "\"" + t->name + "\" is not a sequence");
  return not_found("could not open relation with OID " + std::to_string(oid),
                   sqlstate::kUndefinedTable);
}

void SessionWorld::note(Oid sequence, int64_t value) { current_[sequence] = value; }

Result<int64_t> SessionWorld::nextval(Oid oid) {
  ASSIGN_OR_RETURN(SequencePtr s, sequence(oid));
  std::optional<int64_t> v;
  if (wanted_ && wanted_->done && !wanted_->set && wanted_->sequence->oid == oid) {
    v = wanted_->value;
    wanted_.reset();
  } else if (!is_own(oid)) {
    v = node_.sequences.next(*s);
  }
  if (!v) {
    wanted_ = Wanted{.sequence = s};
    return missing();
  }
  note(oid, *v);
  last_ = {oid, *v};
  return *v;
}

Result<int64_t> SessionWorld::currval(Oid oid) {
  ASSIGN_OR_RETURN(SequencePtr s, sequence(oid));
  auto it = current_.find(oid);
  if (it == current_.end())
    return failed_precondition("currval of sequence \"" + s->name +
                               "\" is not yet defined in this session");
  return it->second;
}

Result<int64_t> SessionWorld::lastval() {
  if (!last_) return failed_precondition("lastval is not yet defined in this session");
  // As in PostgreSQL: currval's value, where setval has changed it since.
  auto it = current_.find(last_->first);
  return it != current_.end() ? it->second : last_->second;
}

Result<int64_t> SessionWorld::setval(Oid oid, int64_t value, bool is_called) {
  if (wanted_ && wanted_->done && wanted_->set && wanted_->sequence->oid == oid &&
      wanted_->value == value && wanted_->is_called == is_called) {
    wanted_.reset();
    if (is_called) note(oid, value);
    return value;
  }
  ASSIGN_OR_RETURN(SequencePtr s, sequence(oid));
  wanted_ = Wanted{.sequence = s, .set = true, .is_called = is_called, .value = value};
  return missing();
}

Status SessionWorld::transfer_lease(int64_t range, int64_t node) {
  if (!node_.transfer_lease) return unimplemented("quorate.transfer_lease() on this server");
  if (range <= 0 || node <= 0) return invalid_argument("ranges and nodes have positive numbers");
  if (lease_move_ && lease_move_->done && lease_move_->range == range &&
      lease_move_->node == node) {
    lease_move_.reset();
    return Status();
  }
  lease_move_ = LeaseMove{.range = range, .node = node};
  return missing();
}

Status SessionWorld::sleep(double seconds) {
  if (sleeps_seen_++ < slept_) return Status();
  sleep_wanted_ = seconds;
  return missing();
}

// --- numbers of transactions, other sessions ---

const SessionWorld::Number* SessionWorld::own_number() const {
  const bool open = txn != nullptr && *txn != nullptr;
  return open && number_ && number_->owner == (*txn)->id() ? &*number_ : nullptr;
}

Result<Datum> SessionWorld::txn_number() {
  if (const Number* n = own_number()) return Datum::of_int(static_cast<int64_t>(n->xid));
  number_wanted_ = true;
  return missing();
}

Result<Datum> SessionWorld::txn_status_of(uint64_t xid) {
  if (const Number* n = own_number(); n != nullptr && n->xid == xid)
    return Datum::of_bytes("in progress");
  if (status_wanted_ && status_wanted_->found && status_wanted_->xid == xid) {
    const std::string status = *status_wanted_->found;
    status_wanted_.reset();
    return status.empty() ? Datum::null() : Datum::of_bytes(status).own();
  }
  status_wanted_ = StatusWanted{.xid = xid};
  return missing();
}

Status SessionWorld::record_commit() {
  const Number* n = own_number();
  return n == nullptr ? Status() : sql::record_commit(txn->get(), n->xid);
}

Datum SessionWorld::stop_backend(int64_t other, bool terminates) {
  for (Session* s : node_.sessions) {
    if (s->activity().pid != other) continue;
    if (terminates) return Datum::of_bool(s->terminate());
    s->cancel(cancelled());
    return Datum::of_bool(true);
  }
  return Datum::of_bool(false);
}

runtime::Task<Status> SessionWorld::await_missing() {
  sleeps_seen_ = 0;
  if (number_wanted_) {
    number_wanted_ = false;
    if (txn == nullptr || *txn == nullptr) co_return internal_error("no transaction is open");
    Result<uint64_t> xid = co_await take_txn_number(&node_.client, txn->get());
    if (!xid.ok()) co_return xid.status();
    number_ = Number{(*txn)->id(), *xid};
    co_return Status();
  }
  if (status_wanted_ && !status_wanted_->found) {
    const uint64_t xid = status_wanted_->xid;
    Result<std::string> found = co_await txn_status(&node_.client, xid);
    if (!found.ok()) co_return found.status();
    status_wanted_ = StatusWanted{.xid = xid, .found = *found};
    co_return Status();
  }
  if (sleep_wanted_) {
    constexpr double kLongest = 86400.0 * 365;
    const double seconds =
        std::isnan(*sleep_wanted_) ? 0 : std::clamp(*sleep_wanted_, 0.0, kLongest);
    sleep_wanted_.reset();
    ++slept_;
    const auto nanos = std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
    co_return co_await runtime::sleep_for(*node_.client.env().executor, nanos, cancel);
  }
  if (lease_move_ && !lease_move_->done) {
    const LeaseMove move = *lease_move_;
    lease_move_.reset();
    CO_RETURN_IF_ERROR(co_await node_.transfer_lease(static_cast<uint64_t>(move.range),
                                                     static_cast<uint64_t>(move.node)));
    lease_move_ = move;
    lease_move_->done = true;
    co_return Status();
  }
  if (!wanted_) co_return internal_error("nothing is missing");
  Wanted w = *wanted_;
  wanted_.reset();
  bool own = is_own(w.sequence->oid);
  if (w.set) {
    Status s;
    if (own)
      s = co_await SequenceCache::set_in(writer->txn(), w.sequence, w.value, w.is_called);
    else
      s = co_await node_.sequences.set(w.sequence, w.value, w.is_called);
    CO_RETURN_IF_ERROR(s);
    if (own) own_[w.sequence->oid] = {.last_value = w.value, .is_called = w.is_called};
    w.done = true;
    wanted_ = std::move(w);
    co_return Status();
  }
  if (own) {
    std::optional<SequenceState> state;
    if (auto it = own_.find(w.sequence->oid); it != own_.end()) state = it->second;
    Result<int64_t> v = co_await SequenceCache::next_in(writer->txn(), w.sequence, &state);
    if (!v.ok()) co_return v.status();
    own_[w.sequence->oid] = *state;
    w.value = *v;
    w.done = true;
    wanted_ = std::move(w);
    co_return Status();
  }
  co_return co_await node_.sequences.take_block(w.sequence);
}

// --- settings ---

Result<std::string> SessionWorld::setting(std::string_view name, bool missing_ok) {
  Result<Settings::Shown> shown = settings_.show(name);
  if (!shown.ok()) {
    if (missing_ok) return std::string();
    return shown.status();
  }
  return shown->value;
}

Result<std::string> SessionWorld::set_setting(std::string_view name, std::string_view value,
                                              bool local) {
  RETURN_IF_ERROR(settings_.set(name, value, local));
  return setting(name, false);
}

std::vector<SettingRow> SessionWorld::all_settings() {
  static constexpr std::string_view kTypes[] = {"bool", "integer", "real", "enum", "string"};
  static constexpr std::string_view kUnits[] = {"", "ms", "s", "kB", "8kB"};
  static constexpr std::string_view kContexts[] = {"user", "postmaster", "internal"};
  std::vector<SettingRow> out;
  for (const SettingInfo& i : sql::all_settings()) {
    SettingRow r;
    r.name = i.name;
    r.value = settings_.find(i.name).value_or(std::string(i.initial));
    r.unit = kUnits[static_cast<size_t>(i.unit)];
    r.description = i.description;
    r.context = kContexts[static_cast<size_t>(i.context)];
    r.type = kTypes[static_cast<size_t>(i.kind)];
    r.boot_value = r.reset_value = i.initial;
    out.push_back(std::move(r));
  }
  return out;
}

// --- names ---

CatalogReader SessionWorld::reader() const {
  return CatalogReader(catalog, database, search_path(), {.user = user, .index_bytes = {}});
}

Result<Oid> SessionWorld::resolve(Oid type, std::string_view name) const {
  if (catalog == nullptr) return internal_error("names are asked for outside of a transaction");
  return reader().resolve(type, name);
}

std::string SessionWorld::name_of(Oid type, Oid object) const {
  return catalog == nullptr ? std::string() : reader().name_of(type, object);
}

Result<Datum> SessionWorld::catalog_function(Oid oid, std::string_view name,
                                             std::span<const Datum> args) {
  switch (oid) {  // pg_proc's
    case 2943:    // txid_current
    case 5059:    // pg_current_xact_id
      return txn_number();
    case 5066:  // pg_xact_status
      return txn_status_of(static_cast<uint64_t>(args[0].as_int()));
    case 2171:  // pg_cancel_backend
      return stop_backend(args[0].as_int(), false);
    case 2096:  // pg_terminate_backend
      return stop_backend(args[0].as_int(), true);
    case 2197:  // inet_client_port
      return client_port == 0 ? Datum::null() : Datum::of_int(client_port);
    default:
      break;
  }
  if (catalog == nullptr) return internal_error("the catalog is asked outside of a transaction");
  return reader().call(oid, name, args);
}

}  // namespace quorate::sql

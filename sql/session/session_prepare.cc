// From text to a statement that can run.
#include "runtime/fault_points.h"
#include "sql/session/literals.h"
#include "sql/session/session_impl.h"

namespace quorate::sql {

using runtime::Task;

namespace {
// More literals than that are data (a bulk INSERT), which comes only once.
constexpr size_t kLiteralsMax = 100;
}  // namespace

Task<Status> SessionImpl::need_catalog() {
  if (writer_ != nullptr && writer_->begun()) {
    catalog_ = writer_->snapshot();
  } else if (catalog_ == nullptr && modes_.as_of && !node_.client.planted.past_by_present) {
    Result<CatalogPtr> past = co_await past_catalog();
    if (!past.ok()) co_return past.status();
    catalog_ = *past;
  } else if (catalog_ == nullptr) {
    catalog_ = node_.catalog.snapshot();
    if (catalog_ == nullptr) {
      Result<CatalogPtr> got = co_await node_.catalog.acquire(cancel_.token());
      if (!got.ok()) co_return got.status();
      catalog_ = *got;
    }
  }
  world_.catalog = catalog_;
  const DatabaseDescriptor* d = catalog_->database(world_.database_name);
  if (d == nullptr) {
    drop_catalog();
    co_return not_found("database \"" + world_.database_name + "\" does not exist",
                        sqlstate::kInvalidCatalogName);
  }
  world_.database = d->oid;
  co_return Status();
}

void SessionImpl::drop_catalog() {
  catalog_.reset();
  world_.catalog.reset();
}

const std::string& SessionImpl::cache_prefix() {
  const std::string& settings = settings_.plan_fingerprint();
  const uint64_t version = node_.client.planted.stale_plans ? 0 : catalog_->version();
  if (prefix_.empty() || prefix_version_ != version || prefix_fingerprint_ != settings) {
    prefix_version_ = version;
    prefix_fingerprint_ = settings;
    std::string who = settings + world_.user;
    who.push_back('\0');
    who += std::to_string(world_.database);
    uint32_t number = node_.plans.intern(who);
    prefix_.assign(reinterpret_cast<const char*>(&number), sizeof number);
    prefix_.append(reinterpret_cast<const char*>(&prefix_version_), sizeof prefix_version_);
  }
  return prefix_;
}

AnalyzeContext SessionImpl::analyze_context() {
  AnalyzeContext c;
  c.catalog = catalog_;
  c.system_tables = node_.system_tables;
  c.database = world_.database;
  c.database_name = world_.database_name;
  c.search_path = world_.search_path();
  c.user = world_.user;
  c.io = &eval_.io;
  return c;
}

PlanContext SessionImpl::plan_context() {
  PlanContext c;
  c.catalog = catalog_;
  NodeServices* node = &node_;
  c.codec = [node](const TablePtr& t) { return node->codecs.codec(t); };
  c.rows = node_.table_rows;
  return c;
}

// What is missing here may have been made through another node a moment ago.
bool SessionImpl::may_be_stale(const Status& failure) const {
  const SqlState code = failure.sqlstate();
  const std::string_view state = code.view();
  return writer_ == nullptr && catalog_ != nullptr && !modes_.as_of &&
         (state.starts_with("42") || state.starts_with("3F"));
}

// True where a newer version of the catalog is at hand now. Where nobody can tell whether there is
// one, what is missing in this one may exist: that is another error than its absence.
Task<Result<bool>> SessionImpl::catch_up() {
  const uint64_t before = catalog_->version();
  if (statements_in_txn_ > 0) deadline_ = std::min(deadline_, catalog_->lease_expiry());
  drop_catalog();
  Status s = co_await node_.catalog.catch_up();
  if (s.ok()) s = co_await need_catalog();
  if (!s.ok()) co_return s;
  co_return catalog_->version() > before;
}

// Analyzes and plans against the catalog at hand. `used`: tables that must be online.
Result<StatementRef> SessionImpl::make_now(const ParsedStatement& parsed, std::vector<Type> params,
                                           bool infer, std::vector<Oid>* used) {
  auto out = std::make_shared<CachedStatement>();
  out->parsed = parsed;
  out->tag = parsed.tag();
  if (catalog_ != nullptr) out->catalog_version = catalog_->version();
  if (!parsed.is_query()) {
    if (parsed.is_transaction_control()) {
      AnalyzeContext none;
      ASSIGN_OR_RETURN(Statement s, analyze_statement(parsed, none));
      out->utility = std::make_shared<const Statement>(std::move(s));
    }
    out->params = std::move(params);
    return StatementRef(out);
  }
  AnalyzeContext context = analyze_context();
  context.params = std::move(params);
  context.infer_params = infer;
  ASSIGN_OR_RETURN(std::unique_ptr<Query> query, analyze(parsed, context));
  notices_ = std::move(context.notices);
  *used = std::move(context.used_tables);
  ASSIGN_OR_RETURN(out->plan, plan(*query, plan_context()));
  out->params = std::move(context.params);
  out->cacheable = !context.uncacheable && writer_ == nullptr;
  return StatementRef(out);
}

// Waits where a schema change holds a table that the statement uses.
Task<Result<StatementRef>> SessionImpl::make_statement(ParsedStatement parsed,
                                                       std::vector<Type> params, bool infer) {
  bool needs_catalog = !parsed.is_transaction_control() && block_ != Block::kFailed;
  if (block_ == Block::kFailed && !parsed.is_transaction_control()) {
    co_return failed_precondition(
        "current transaction is aborted, commands ignored until end of transaction block",
        sqlstate::kInFailedSqlTransaction);
  }
  for (bool caught_up = false;;) {
    if (needs_catalog) CO_RETURN_IF_ERROR(co_await need_catalog());
    std::vector<Oid> used;
    Result<StatementRef> made = make_now(parsed, params, infer, &used);
    if (!made.ok() && !caught_up && may_be_stale(made.status())) {
      caught_up = true;
      CO_ASSIGN_OR_RETURN(const bool newer, co_await catch_up());
      if (newer) continue;
    }
    if (!made.ok() || used.empty() || modes_.as_of) co_return made;
    std::vector<Oid> waiting;
    for (Oid oid : used) {
      bool ours = writer_ != nullptr &&
                  (writer_->is_own(oid) ||
                   std::find(ddl_context_.offline.begin(), ddl_context_.offline.end(), oid) !=
                       ddl_context_.offline.end());
      TablePtr t = catalog_->table(oid);
      if (!ours && t != nullptr && t->offline_until > node_.client.now()) waiting.push_back(oid);
    }
    if (waiting.empty() || node_.client.planted.use_offline_tables) co_return made;
    // The change waits until nobody uses an older version: we may not.
    if (txn_ != nullptr && statements_in_txn_ > 0) {
      co_return aborted("could not serialize access due to a concurrent schema change");
    }
    drop_catalog();
    CO_RETURN_IF_ERROR(co_await node_.catalog.wait_online(std::move(waiting), cancel_.token()));
  }
}

// The plan of a simple query's text, where there is one. Leaves what it learned of the text in
// normalized_ (and key_) for literal_params() and simple_statement().
StatementRef SessionImpl::find_simple(std::string_view text) {
  normalized_.clear();
  key_.clear();
  if (writer_ != nullptr || text.size() > PlanCache::kKeyBytesMax) return nullptr;
  if (runtime::fires(node_.client.env().faults, runtime::FaultPoint::kForgetPlan)) return nullptr;
  bool lifts = text.find('$') == std::string_view::npos && normalize(text, &normalized_) &&
               normalized_.literals.size() <= kLiteralsMax;
  key_ = cache_prefix();
  key_.push_back(lifts ? 'L' : 'Q');
  if (lifts) {
    key_ += normalized_.key;
  } else {
    normalized_.clear();
    key_ += text;
  }
  StatementRef found = node_.plans.find(key_);
  if (found == nullptr || !found->is_signpost) return found;
  for (uint32_t i : found->baked) {
    const Literal& l = normalized_.literals[i];
    key_.push_back('\0');
    key_ += text.substr(l.offset, l.size);
  }
  return node_.plans.find(key_);
}

Task<Result<StatementRef>> SessionImpl::simple_statement(std::string_view text,
                                                         ParsedStatement parsed) {
  const bool query = parsed.is_query();
  std::string base = key_;
  // A signpost was found, but not what it leads to: begin at its key again.
  if (!base.empty() && !normalized_.literals.empty()) {
    base = cache_prefix();
    base.push_back('L');
    base += normalized_.key;
  }
  auto keep = [&](const StatementRef& s, const std::string& key) {
    if (!key.empty() && s->cacheable && (s->plan != nullptr || s->utility != nullptr))
      node_.plans.put(key, s);
  };
  if (query && !normalized_.literals.empty()) {
    std::vector<uint32_t> baked = shaping_literals(text, normalized_);
    std::vector<uint32_t> lifted;
    for (uint32_t i = 0; i < normalized_.literals.size(); ++i)
      if (!std::binary_search(baked.begin(), baked.end(), i)) lifted.push_back(i);
    std::vector<Type> types;
    for (uint32_t i : lifted) types.push_back(literal_type(text, normalized_.literals[i]));
    Result<std::vector<ParsedStatement>> list =
        sql::parse(with_parameters(text, normalized_, lifted));
    Result<StatementRef> made(Status(internal_error("not made")));
    if (list.ok() && list->size() == 1 && !lifted.empty())
      made = co_await make_statement((*list)[0], types, false);
    bool shared = made.ok();
    if (!shared) {
      // As it was written: every literal belongs to the key.
      lifted.clear();
      baked.clear();
      for (uint32_t i = 0; i < normalized_.literals.size(); ++i) baked.push_back(i);
      made = co_await make_statement(std::move(parsed), std::vector<Type>(), false);
      if (!made.ok()) co_return made;
    }
    // It may have waited: the version may be another.
    base = cache_prefix();
    base.push_back('L');
    base += normalized_.key;
    auto own = std::make_shared<CachedStatement>(**made);
    own->lifted = lifted;
    own->baked = baked;
    if (baked.empty()) {
      keep(own, base);
      co_return StatementRef(own);
    }
    auto signpost = std::make_shared<CachedStatement>();
    signpost->is_signpost = true;
    signpost->baked = baked;
    if (own->cacheable) node_.plans.put(base, std::move(signpost));
    for (uint32_t i : baked) {
      const Literal& l = normalized_.literals[i];
      base.push_back('\0');
      base += text.substr(l.offset, l.size);
    }
    keep(own, base);
    co_return StatementRef(own);
  }
  Result<StatementRef> made =
      co_await make_statement(std::move(parsed), std::vector<Type>(), false);
  if (!made.ok()) co_return made;
  // What is not a query keeps its literals: SAVEPOINT and its like have none, others aren't kept.
  if (normalized_.literals.empty() && !base.empty() && catalog_ != nullptr) {
    std::string key = cache_prefix();
    key += std::string_view(base).substr(key.size());
    keep(*made, key);
  }
  co_return made;
}

// The values of a simple query's lifted literals, as the statement's parameters.
Status SessionImpl::literal_params(std::string_view text, const CachedStatement& statement) {
  params_.clear();
  for (size_t n = 0; n < statement.lifted.size(); ++n) {
    const Literal& l = normalized_.literals[statement.lifted[n]];
    ASSIGN_OR_RETURN(Datum v, literal_value(text, l, statement.params[n], eval_.io));
    params_.push_back(std::move(v));
  }
  return Status();
}

// A prepared statement as it stands now: made again when the catalog or settings have changed.
Task<Result<StatementRef>> SessionImpl::current(PreparedStatement* prepared) {
  if (prepared->current != nullptr && prepared->current->utility != nullptr)
    co_return prepared->current;
  if (block_ == Block::kFailed && !prepared->parsed.is_transaction_control()) {
    co_return failed_precondition(
        "current transaction is aborted, commands ignored until end of transaction block",
        sqlstate::kInFailedSqlTransaction);
  }
  CO_RETURN_IF_ERROR(co_await need_catalog());
  bool shareable = writer_ == nullptr && prepared->parsed.is_query() && !prepared->text.empty();
  if (prepared->current != nullptr && writer_ == nullptr && prepared->prefix == cache_prefix() &&
      prepared->current->cacheable)
    co_return prepared->current;
  std::string key;
  if (shareable) {
    key = cache_prefix();
    key.push_back('P');
    for (const Type& t : prepared->declared) {
      key.append(reinterpret_cast<const char*>(&t.oid), sizeof t.oid);
    }
    key.push_back('\0');
    key += prepared->text;
    if (StatementRef known = node_.plans.find(key)) {
      prepared->current = known;
      prepared->prefix = cache_prefix();
      co_return known;
    }
  }
  // Types once inferred stay: the client has been told them.
  std::vector<Type> params =
      prepared->current != nullptr ? prepared->current->params : prepared->declared;
  StatementRef before = prepared->current;
  Result<StatementRef> made =
      co_await make_statement(prepared->parsed, params, before == nullptr && prepared->infer);
  if (!made.ok()) co_return made;
  if (before != nullptr && before->plan != nullptr) {
    const auto& was = before->plan->columns;
    const auto& is = (*made)->plan->columns;
    bool same = was.size() == is.size();
    for (size_t i = 0; same && i < was.size(); ++i) same = was[i].type == is[i].type;
    if (!same) {
      co_return Status(StatusCode::kFailedPrecondition, sqlstate::kFeatureNotSupported,
                       "cached plan must not change result type");
    }
  }
  prepared->current = *made;
  prepared->prefix = catalog_ != nullptr ? cache_prefix() : std::string();
  if (shareable && (*made)->cacheable) {
    key.replace(0, prepared->prefix.size(), prepared->prefix);
    node_.plans.put(key, *made);
  }
  co_return *made;
}

}  // namespace quorate::sql

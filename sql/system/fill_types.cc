// pg_type, pg_proc, pg_operator and the other tables about types and functions: rows of the
// registry that the analyzer itself goes by.
#include "sql/functions/registry.h"
#include "sql/system/btree_classes.h"
#include "sql/system/io_functions.h"
#include "sql/system/rows.h"
#include "sql/system/system_tables.h"

namespace quorate::sql::system {
namespace {

// --- pg_type ---

Datum io_function(const TypeInfo& t, std::string_view suffix) {
  const IoFunction* f = find_io_function(std::string(t.io_stem) + std::string(suffix));
  return num(f != nullptr ? f->oid : 0);
}

// Arrays take their element's modifier functions.
Datum modifier_function(const TypeInfo& t, std::string_view suffix) {
  const TypeInfo& of = t.is_array() && t.element != 0 ? type_info(t.element) : t;
  std::string stem(of.io_stem);
  if (!stem.empty() && stem.back() == '_') stem.pop_back();
  const IoFunction* f = find_io_function(stem + std::string(suffix));
  return num(f != nullptr ? f->oid : 0);
}

Oid subscript_handler(const TypeInfo& t) {
  if (t.category == 'A') return 6179;  // array
  if (t.element != 0) return 6180;     // raw array: name
  return t.oid == oid::kJsonb ? 6098 : 0;
}

void fill_type(const Source&, Rows* out) {
  for (const TypeInfo& t : all_types())
    out->add({num(t.oid),
              text(t.name),
              num(kPgCatalog),
              num(kSuperuser),
              num(t.len),
              flag(t.by_value),
              letter(t.kind),
              letter(t.category),
              flag(t.preferred),
              flag(true),
              letter(','),
              num(0),
              num(subscript_handler(t)),
              num(t.element),
              num(t.array),
              io_function(t, "in"),
              io_function(t, "out"),
              io_function(t, "recv"),
              io_function(t, "send"),
              modifier_function(t, "typmodin"),
              modifier_function(t, "typmodout"),
              num(t.is_array() ? 3816 : 0),
              letter(t.align),
              letter(t.storage),
              flag(false),
              num(0),
              num(-1),
              num(0),
              num(t.collation),
              null(),
              null(),
              null()});
}

// --- pg_proc ---

struct Procedure {
  Oid oid = 0;
  std::string_view name;
  Oid result = 0;
  const TypeList* args = nullptr;
  char kind = 'f', volatility = 'i';
  bool strict = true, returns_set = false;
  Oid variadic = 0;
  int64_t defaults = 0;
};

// The modes of a variadic function's parameters: 'v' for the last.
Datum variadic_modes(size_t count) {
  std::vector<Datum> modes(count, letter('i'));
  if (!modes.empty()) modes.back() = letter('v');
  return Array::of(oid::kChar, std::move(modes)).to_datum();
}

void add_procedure(const Procedure& p, Rows* out) {
  const bool variadic = p.variadic != 0;
  constexpr std::string_view kOwn = "quorate.";
  const bool own = p.name.starts_with(kOwn);
  out->add({num(p.oid),
            text(own ? p.name.substr(kOwn.size()) : p.name),
            num(own ? system_schema_oid("quorate") : kPgCatalog),
            num(kSuperuser),
            num(12),
            real(1),
            real(p.returns_set ? 1000 : 0),
            num(p.variadic),
            num(0),
            letter(p.kind),
            flag(false),
            flag(false),
            flag(p.strict),
            flag(p.returns_set),
            letter(p.volatility),
            letter('s'),
            num(static_cast<int64_t>(p.args->size())),
            num(p.defaults),
            num(p.result),
            oidvector(*p.args),
            variadic ? number_array(oid::kOid, *p.args) : null(),
            variadic ? variadic_modes(p.args->size()) : null(),
            null(),
            null(),
            null(),
            text(p.name),
            null(),
            null(),
            null(),
            null()});
}

char volatility_letter(Volatility v) {
  switch (v) {
    case Volatility::kImmutable:
      return 'i';
    case Volatility::kStable:
      return 's';
    case Volatility::kVolatile:
      break;
  }
  return 'v';
}

void fill_proc(const Source&, Rows* out) {
  for (const IoFunction& f : io_functions())
    add_procedure({f.oid, f.name, f.result, &f.args, 'f', f.volatility}, out);
  for (const FunctionInfo* f : all_functions())
    add_procedure({f->oid, f->name, f->result, &f->args, 'f', volatility_letter(f->volatility),
                   f->strict, f->returns_set(), f->variadic, f->defaults},
                  out);
  for (const AggregateInfo& a : all_aggregates())
    add_procedure({a.oid, a.name, a.result, &a.args, 'a', 'i', false}, out);
}

void fill_aggregate(const Source&, Rows* out) {
  for (const AggregateInfo& a : all_aggregates())
    out->add({num(a.oid),  letter('n'), num(0),      num(0), num(0),        num(0),
              num(0),      num(0),      num(0),      num(0), num(0),        flag(false),
              flag(false), letter('r'), letter('r'), num(0), num(a.result), num(0),
              num(0),      num(0),      null(),      null()});
}

// --- pg_operator, pg_cast ---

bool can_merge(const OperatorInfo& o) { return o.comparison == ComparisonKind::kEqual; }

void fill_operator(const Source&, Rows* out) {
  for (const OperatorInfo& o : all_operators())
    out->add({num(o.oid), text(o.name), num(kPgCatalog), num(kSuperuser),
              letter(o.left == 0 ? 'l' : 'b'), flag(can_merge(o)), flag(can_merge(o)), num(o.left),
              num(o.right), num(o.result), num(o.commutator), num(o.negator), num(o.function),
              num(0), num(0)});
}

char context_letter(CastContext c) {
  switch (c) {
    case CastContext::kImplicit:
      return 'i';
    case CastContext::kAssignment:
      return 'a';
    case CastContext::kExplicit:
      break;
  }
  return 'e';
}

void fill_cast(const Source&, Rows* out) {
  for (const CastInfo& c : all_casts())
    if (c.oid != 0)
      out->add({num(c.oid), num(c.source), num(c.target), num(c.function),
                letter(context_letter(c.context)), letter(c.method)});
}

// --- access methods, collations, languages ---

void fill_am(const Source&, Rows* out) {
  out->add({num(kHeapAm), text("heap"), num(3), letter('t')});
  out->add({num(kBtreeAm), text("btree"), num(330), letter('i')});
}

void fill_opclass(const Source&, Rows* out) {
  for (const BtreeClass& c : btree_classes())
    out->add({num(c.oid), num(kBtreeAm), text(c.name), num(kPgCatalog), num(kSuperuser),
              num(c.family), num(c.type), flag(true), num(0)});
}

void fill_opfamily(const Source&, Rows* out) {
  std::set<Oid> done;
  for (const BtreeClass& c : btree_classes())
    if (done.insert(c.family).second)
      out->add(
          {num(c.family), num(kBtreeAm), text(c.family_name), num(kPgCatalog), num(kSuperuser)});
}

void fill_collation(const Source&, Rows* out) {
  const auto add = [&](Oid oid, std::string_view name, char provider, Datum locale) {
    out->add({num(oid), text(name), num(kPgCatalog), num(kSuperuser), letter(provider), flag(true),
              num(-1), locale, locale, null(), null()});
  };
  add(kDefaultCollation, "default", 'd', null());
  add(kCCollation, "C", 'c', text("C"));
  add(951, "POSIX", 'c', text("POSIX"));
}

void fill_language(const Source&, Rows* out) {
  const auto add = [&](Oid oid, std::string_view name, bool trusted) {
    out->add({num(oid), text(name), num(kSuperuser), flag(false), flag(trusted), num(0), num(0),
              num(0), null()});
  };
  add(12, "internal", false);
  add(13, "c", false);
  add(14, "sql", true);
}

constexpr Filler kFillers[] = {
    {"pg_type", fill_type},           {"pg_proc", fill_proc},
    {"pg_aggregate", fill_aggregate}, {"pg_operator", fill_operator},
    {"pg_cast", fill_cast},           {"pg_am", fill_am},
    {"pg_opclass", fill_opclass},     {"pg_opfamily", fill_opfamily},
    {"pg_collation", fill_collation}, {"pg_language", fill_language},
};

}  // namespace

std::span<const Filler> type_fillers() { return kFillers; }

}  // namespace quorate::sql::system

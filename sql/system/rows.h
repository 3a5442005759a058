// How the system tables' rows are written: a source to read from, a builder that checks that each
// row has the relation's columns, and short names for values.
#pragma once

#include <initializer_list>

#include "sql/catalog/system_table.h"
#include "sql/types/array.h"

namespace quorate::sql::system {

// Fixed OIDs of objects that every database has (PostgreSQL's where it has them).
inline constexpr Oid kPgCatalog = 11, kInformationSchema = 13100, kQuorateSchema = 13101;
inline constexpr Oid kPublic = 2200, kSuperuser = 10, kDatabaseOwner = 6171;
inline constexpr Oid kHeapAm = 2, kBtreeAm = 403, kDefaultTablespace = 1663;
inline constexpr Oid kDefaultCollation = 100, kCCollation = 950;
// pg_class's OIDs of the catalogs that OIDs are explained with (pg_depend, pg_description).
inline constexpr Oid kTypeClass = 1247, kAttributeClass = 1249, kProcClass = 1255,
                     kRelationClass = 1259, kAttrdefClass = 2604, kConstraintClass = 2606,
                     kNamespaceClass = 2615, kDatabaseClass = 1262;

using Row = std::vector<Datum>;

class Rows {
 public:
  explicit Rows(size_t width) : width_(width) {}
  void add(std::initializer_list<Datum> values) {
    CHECK(values.size() == width_);
    rows_.emplace_back(values);
  }
  std::vector<Row> take() { return std::move(rows_); }

 private:
  size_t width_;
  std::vector<Row> rows_;
};

struct Source {
  const CatalogSnapshot& catalog;
  Oid database;
  const DatabaseDescriptor* database_row;  // null: not in the catalog
  EvalContext* eval;                       // may be null
  std::vector<std::string> path() const {
    return eval != nullptr && eval->session != nullptr ? eval->session->current_schemas(true)
                                                       : std::vector<std::string>{};
  }
  std::string_view database_name() const {
    return database_row != nullptr ? std::string_view(database_row->name) : std::string_view();
  }
};
using Fill = void (*)(const Source&, Rows*);

struct Filler {
  std::string_view name;
  Fill fill;
};
// By file; what is in none of them is an empty relation.
std::span<const Filler> relation_fillers();            // fill_relations.cc
std::span<const Filler> constraint_fillers();          // fill_constraints.cc
std::span<const Filler> type_fillers();                // fill_types.cc
std::span<const Filler> server_fillers();              // fill_server.cc
std::span<const Filler> information_schema_fillers();  // fill_information_schema.cc

inline Datum text(std::string_view v) { return Datum::of_bytes(v); }
inline Datum num(int64_t v) { return Datum::of_int(v); }
inline Datum flag(bool v) { return Datum::of_bool(v); }
inline Datum real(double v) { return Datum::of_double(v); }
inline Datum null() { return Datum::null(); }
// "char": zero or one byte.
inline Datum letter(char c) { return Datum::of_bytes({&c, 1}); }
inline Datum no_letter() { return Datum::of_bytes({}); }

template <class Numbers>
Datum number_array(Oid element, const Numbers& numbers, int32_t lower = 1) {
  std::vector<Datum> values;
  for (auto n : numbers) values.push_back(num(static_cast<int64_t>(n)));
  return Array::of(element, std::move(values), lower).to_datum();
}
template <class Numbers>
Datum int2vector(const Numbers& numbers) {
  return number_array(oid::kInt2, numbers, 0);
}
template <class Numbers>
Datum oidvector(const Numbers& numbers) {
  return number_array(oid::kOid, numbers, 0);
}

inline Oid collation_of(Oid type) {
  const TypeInfo* t = find_type(type);
  return t != nullptr ? t->collation : 0;
}

}  // namespace quorate::sql::system

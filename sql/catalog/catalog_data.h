// One version of the catalog in memory: descriptors by oid and by name.
//
// Built from the store's rows or copied and changed by a schema change; once it is handed out as a
// CatalogPtr it does not change any more. Copies share the descriptors.
#pragma once

#include <map>
#include <string>

#include "sql/catalog/catalog.h"

namespace quorate::sql {

// When the right to use a version ends; raised by each renewal while somebody uses the version.
struct LeaseTerm {
  Timestamp expiry;
};

class CatalogData final : public CatalogSnapshot {
 public:
  uint64_t version() const override { return version_; }
  const Timestamp& lease_expiry() const override {
    static constexpr Timestamp kNever = Timestamp::max();
    return lease_ ? lease_->expiry : kNever;
  }
  const DatabaseDescriptor* database(std::string_view name) const override;
  const SchemaDescriptor* schema(Oid database, std::string_view name) const override;
  const SchemaDescriptor* schema(Oid oid) const override;
  TablePtr table(Oid schema, std::string_view name) const override;
  TablePtr table(Oid oid) const override;
  TablePtr table_of_index(Oid schema, std::string_view name, size_t* position) const override;
  SequencePtr sequence(Oid schema, std::string_view name) const override;
  SequencePtr sequence(Oid oid) const override;
  std::vector<const DatabaseDescriptor*> databases() const override;
  std::vector<const SchemaDescriptor*> schemas(Oid database) const override;
  std::vector<TablePtr> tables(Oid database) const override;
  std::vector<SequencePtr> sequences(Oid database) const override;

  // Tables, indexes and sequences share their names within a schema.
  bool relation_exists(Oid schema, std::string_view name) const;

  // --- building ---
  void set_version(uint64_t version) { version_ = version; }
  void set_lease(std::shared_ptr<const LeaseTerm> lease) { lease_ = std::move(lease); }
  // Adds or replaces; the name may have changed.
  void put(DatabaseDescriptor d);
  void put(SchemaDescriptor d);
  void put(TableDescriptor d);
  void put(SequenceDescriptor d);
  void remove(Oid oid);

 private:
  using Name = std::pair<Oid, std::string>;
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return a.first != b.first ? a.first < b.first
                                : std::string_view(a.second) < std::string_view(b.second);
    }
  };
  using ByName = std::map<Name, Oid, Less>;
  static Oid find(const ByName& names, Oid parent, std::string_view name);

  uint64_t version_ = 0;
  std::shared_ptr<const LeaseTerm> lease_;
  std::map<Oid, std::shared_ptr<const DatabaseDescriptor>> databases_;
  std::map<Oid, std::shared_ptr<const SchemaDescriptor>> schemas_;
  std::map<Oid, TablePtr> tables_;
  std::map<Oid, SequencePtr> sequences_;
  ByName database_names_, schema_names_, table_names_, sequence_names_, index_names_;
};

}  // namespace quorate::sql

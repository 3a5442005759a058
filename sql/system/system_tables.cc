#include "sql/system/system_tables.h"

#include "sql/system/cluster_info.h"
#include "sql/system/cluster_tables.h"
#include "sql/system/rows.h"
#include "sql/system/shapes.h"

namespace quorate::sql {
namespace system {
namespace {

using TableRows = Result<std::vector<Row>>;

class DataTable final : public ShapedTable {
 public:
  DataTable(std::string_view schema, const Shape& shape, Fill fill, ClusterFill cluster)
      : fill_(fill), cluster_(cluster) {
    schema_ = schema;
    name_ = shape.name;
    oid_ = shape.oid;
    kind_ = shape.kind;
    read_columns(shape.columns);
  }

  runtime::Task<TableRows> rows(SystemTableContext context) const override {
    Rows out(columns_.size());
    if (cluster_ != nullptr) {
      if (context.node == nullptr) co_return TableRows(out.take());
      Status s = co_await cluster_(static_cast<ClusterInfo*>(context.node), context, &out);
      if (!s.ok()) co_return s;
    } else if (fill_ != nullptr) {
      fill_(source(context), &out);
    }
    co_return TableRows(out.take());
  }

 private:
  static Source source(const SystemTableContext& context) {
    Source s{*context.catalog, context.database, nullptr, context.eval};
    for (const DatabaseDescriptor* d : context.catalog->databases())
      if (d->oid == context.database) s.database_row = d;
    return s;
  }

  void read_columns(std::string_view text) {
    while (!text.empty()) {
      size_t comma = std::min(text.find(", "), text.size());
      std::string_view column = text.substr(0, comma);
      text.remove_prefix(std::min(comma + 2, text.size()));
      size_t space = column.find(' ');
      std::string_view type = column.substr(space + 1);
      bool required = type.ends_with('!');
      if (required) type.remove_suffix(1);
      Type resolved{oid::kVarchar, 7};
      if (type != "yesno") {
        const TypeInfo* info = find_type_by_name(type);
        CHECK_MSG(info != nullptr, type);
        resolved = Type{info->oid, -1};
      }
      columns_.push_back({column.substr(0, space), resolved});
      not_null_.push_back(required);
    }
  }

  Fill fill_;
  ClusterFill cluster_;
};

struct SchemaOid {
  std::string_view name;
  Oid oid;
};
constexpr SchemaOid kSchemas[] = {{"pg_catalog", kPgCatalog},
                                  {"information_schema", kInformationSchema},
                                  {"quorate", kQuorateSchema}};

class AllTables final : public SystemTables {
 public:
  AllTables() {
    std::map<std::string_view, Fill> own, information;
    for (auto list : {relation_fillers(), constraint_fillers(), type_fillers(), server_fillers()})
      for (const Filler& f : list) own.emplace(f.name, f.fill);
    for (const Filler& f : information_schema_fillers()) information.emplace(f.name, f.fill);
    add("pg_catalog", pg_catalog_shapes(), &own);
    add("information_schema", information_schema_shapes(), &information);
    std::map<std::string_view, Fill> none;
    add("quorate", quorate_shapes(), &none);
    CHECK(own.empty() && information.empty());  // each filler has found its relation
    for (const auto& t : tables_) {
      all_.push_back(t.get());
      shaped_.push_back(t.get());
      by_name_.emplace(std::pair(t->schema(), t->name()), t.get());
      by_oid_.emplace(t->oid(), t.get());
    }
  }
  const SystemTable* find(std::string_view schema, std::string_view name) const override {
    auto it = by_name_.find(std::pair(schema, name));
    return it == by_name_.end() ? nullptr : it->second;
  }
  std::span<const SystemTable* const> all() const override { return all_; }
  std::span<const ShapedTable* const> shaped() const { return shaped_; }
  const ShapedTable* find(Oid oid) const {
    auto it = by_oid_.find(oid);
    return it == by_oid_.end() ? nullptr : it->second;
  }

 private:
  void add(std::string_view schema, std::span<const Shape> shapes,
           std::map<std::string_view, Fill>* fillers) {
    for (const Shape& shape : shapes) {
      Fill fill = nullptr;
      if (auto it = fillers->find(shape.name); it != fillers->end()) {
        fill = it->second;
        fillers->erase(it);
      }
      tables_.push_back(
          std::make_unique<DataTable>(schema, shape, fill, cluster_fill(schema, shape.name)));
    }
  }

  std::vector<std::unique_ptr<DataTable>> tables_;
  std::vector<const SystemTable*> all_;
  std::vector<const ShapedTable*> shaped_;
  std::map<std::pair<std::string_view, std::string_view>, const ShapedTable*> by_name_;
  std::map<Oid, const ShapedTable*> by_oid_;
};

const AllTables& all_tables() {
  static const AllTables tables;
  return tables;
}

}  // namespace

std::span<const ShapedTable* const> shaped_tables() { return all_tables().shaped(); }
const ShapedTable* find_system_table(Oid oid) { return all_tables().find(oid); }

Oid system_schema_oid(std::string_view name) {
  for (const SchemaOid& s : kSchemas)
    if (s.name == name) return s.oid;
  return 0;
}

}  // namespace system

const SystemTables& system_tables() { return system::all_tables(); }

}  // namespace quorate::sql

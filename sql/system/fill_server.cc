// Roles, tablespaces, settings: what belongs to the server rather than to a database.
#include "sql/system/rows.h"

namespace quorate::sql::system {
namespace {

// The one role that there is, until roles can be made.
constexpr std::string_view kRole = "postgres";

void fill_authid(const Source&, Rows* out) {
  out->add({num(kSuperuser), text(kRole), flag(true), flag(true), flag(true), flag(true),
            flag(true), flag(true), flag(true), num(-1), null(), null()});
}
void fill_roles(const Source&, Rows* out) {
  out->add({text(kRole), flag(true), flag(true), flag(true), flag(true), flag(true), flag(true),
            num(-1), text("********"), null(), flag(true), null(), num(kSuperuser)});
}
void fill_user(const Source&, Rows* out) {
  out->add({text(kRole), num(kSuperuser), flag(true), flag(true), flag(true), flag(true),
            text("********"), null(), null()});
}
void fill_shadow(const Source&, Rows* out) {
  out->add({text(kRole), num(kSuperuser), flag(true), flag(true), flag(true), flag(true), null(),
            null(), null()});
}

void fill_tablespace(const Source&, Rows* out) {
  out->add({num(kDefaultTablespace), text("pg_default"), num(kSuperuser), null(), null()});
  out->add({num(1664), text("pg_global"), num(kSuperuser), null(), null()});
}

void fill_settings(const Source& s, Rows* out) {
  if (s.eval == nullptr || s.eval->session == nullptr) return;
  for (const SettingRow& r : s.eval->session->all_settings())
    out->add({text(r.name), text(r.value), r.unit.empty() ? null() : text(r.unit), text(r.category),
              text(r.description), null(), text(r.context), text(r.type),
              text(r.value == r.reset_value ? "default" : "session"), null(), null(), null(),
              text(r.boot_value), text(r.reset_value), null(), null(), flag(false)});
}

constexpr Filler kFillers[] = {
    {"pg_authid", fill_authid}, {"pg_roles", fill_roles},           {"pg_user", fill_user},
    {"pg_shadow", fill_shadow}, {"pg_tablespace", fill_tablespace}, {"pg_settings", fill_settings},
};

}  // namespace

std::span<const Filler> server_fillers() { return kFillers; }

}  // namespace quorate::sql::system

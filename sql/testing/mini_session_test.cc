#include "sql/testing/mini_session.h"

#include <gtest/gtest.h>

namespace quorate::sql {
namespace {

TEST(MiniSession, runs) {
  MiniSession s;
  EXPECT_EQ(s.run("create table t(a int primary key, b text)"), "CREATE TABLE\n");
  EXPECT_EQ(s.run("insert into t values (1,'x'),(2,null)"), "INSERT 0 2\n");
  EXPECT_EQ(s.run("select * from t order by a"), "1|x\n2|NULL\n");
}

}  // namespace
}  // namespace quorate::sql

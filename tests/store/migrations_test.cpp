#include "store/migrations.h"

#include "store/test_files.h"
#include "util/concat.h"

#include <array>

namespace mailmoor::store {
namespace {

constexpr std::array<Migration, 2> kSteps = {
    Migration{1, "first", "CREATE TABLE one (a); INSERT INTO one VALUES ('kept');"},
    Migration{2, "second", "ALTER TABLE one ADD COLUMN b; CREATE TABLE two (a);"}};

class MigrationsTest : public InDirectory {
 protected:
  [[nodiscard]] Result<Database> open(std::span<const Migration> steps, const Inspection& inspect = nullptr) const {
    return open_migrated_blocking({.path = path("test.db")}, steps, inspect);
  }
};

TEST_F(MigrationsTest, OldDatabase_MovesForwardAndKeepsItsRows) {
  ASSERT_TRUE(open(std::span(kSteps).first(1)));
  auto database = open(kSteps).value();
  EXPECT_EQ(database.query_number_blocking("PRAGMA user_version"), 2);
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM one WHERE a = 'kept' AND b IS NULL"), 1);
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM two"), 0);
}

TEST_F(MigrationsTest, BrokenStep_IsUndoneAndTheOnesBeforeItStay) {
  constexpr std::array<Migration, 2> broken = {
      kSteps[0],
      Migration{2, "broken", "CREATE TABLE two (a); INSERT INTO one VALUES ('half'); CREATE TABEL three (a);"}};
  const auto failed = open(broken);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().what.find("migration 2 broken"), std::string::npos) << failed.error().what;

  auto database = open(std::span(kSteps).first(1)).value();
  EXPECT_EQ(database.query_number_blocking("PRAGMA user_version"), 1);
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM one"), 1);
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM sqlite_schema WHERE name = 'two'"), 0);
}

TEST_F(MigrationsTest, NewerDatabase_IsRefusedUntouched) {
  // Left behind by a crash, so that there is a WAL which closing would fold in.
  ASSERT_TRUE(run_and_die([this] {
    auto database = open(kSteps);
    die(database && database->run_blocking("INSERT INTO two VALUES (1)"));
  }));
  const auto before = snapshot();
  ASSERT_TRUE(before.contains("test.db-wal"));
  const auto refused = open(std::span(kSteps).first(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "database_too_new");
  EXPECT_EQ(refused.error().kind, ErrorKind::kOperator);
  EXPECT_NE(refused.error().what.find("version 2"), std::string::npos) << refused.error().what;
  EXPECT_NE(refused.error().what.find("up to 1"), std::string::npos) << refused.error().what;
  EXPECT_FALSE(refused.error().remedy.empty());
  EXPECT_TRUE(is_as(before));

  ASSERT_TRUE(open(kSteps)); // closes cleanly: no WAL
  const auto clean = snapshot();
  EXPECT_EQ(clean.size(), 1U);
  EXPECT_FALSE(open(std::span(kSteps).first(1)));
  EXPECT_TRUE(is_as(clean));
}

TEST_F(MigrationsTest, Inspection_SeesOldDatabasesOnlyAndCanRefuse) {
  int looks = 0;
  const Inspection refuse = [&looks](Database&) -> Status {
    ++looks;
    return fail(ErrorKind::kOperator, "no", "not this one");
  };
  ASSERT_TRUE(open(std::span(kSteps).first(1), refuse));
  EXPECT_EQ(looks, 0);
  const auto before = snapshot();
  EXPECT_EQ(open(kSteps, refuse).error().code, "no");
  EXPECT_EQ(looks, 1);
  EXPECT_TRUE(is_as(before));
}

TEST_F(MigrationsTest, DamagedPage_IsFoundBeforeAnythingIsWritten) {
  {
    auto database = open(kSteps).value();
    ASSERT_TRUE(database.run_blocking("CREATE INDEX i ON one (a); INSERT INTO one SELECT hex(randomblob(400)), 0 FROM"
                                      " (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                                      " SELECT i FROM n)"));
  }
  std::string content = read_file(path("test.db"));
  ASSERT_GT(content.size(), 5U * 4096);
  content.replace(4 * 4096, 4096, 4096, '\xFF');
  ASSERT_NO_FATAL_FAILURE(write_file(path("test.db"), content));
  const auto before = snapshot();
  EXPECT_EQ(open(kSteps).error().code, "database_corrupt");
  EXPECT_TRUE(is_as(before));
}

TEST(EmbeddedMigrations, AreNumberedFromOneWithoutHoles) {
  for (const auto steps : {token_migrations(), state_migrations()}) {
    ASSERT_FALSE(steps.empty());
    int expected = 1;
    for (const Migration& step : steps) {
      EXPECT_EQ(step.number, expected++);
      EXPECT_TRUE(step.sql.contains("CREATE TABLE") || step.sql.contains("ALTER TABLE")) << step.name;
    }
  }
}

} // namespace
} // namespace mailmoor::store

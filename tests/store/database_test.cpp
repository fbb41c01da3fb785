#include "store/database.h"

#include "store/test_files.h"
#include "store/transaction.h"
#include "util/concat.h"

#include <optional>
#include <sqlite3.h>
#include <string>

namespace mailmoor::store {
namespace {

class DatabaseTest : public InDirectory {
 protected:
  [[nodiscard]] Database open() const { return Database::open_blocking({.path = path("test.db")}).value(); }
};

TEST_F(DatabaseTest, NewFile_IsReadableByItsOwnerOnly) {
  const mode_t before = ::umask(0);
  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a)"));
  ::umask(before);
  for (const auto& name : {"test.db", "test.db-wal"}) {
    struct stat file{};
    ASSERT_EQ(::stat(path(name).c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 07777, 0600U) << name;
  }
}

TEST_F(DatabaseTest, Values_ComeBackAsTheyWereBound) {
  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a, b, c, d, e, f)"));
  const std::string zeros("a\0b", 3);
  auto insert = database.prepare_blocking("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)").value();
  ASSERT_TRUE(insert
                  .bind_all(std::int64_t{-5}, std::string_view(zeros), Blob{zeros}, std::string_view(), Blob{},
                            std::optional<std::int64_t>())
                  .run_blocking());
  auto select = database.prepare_blocking("SELECT a, b, c, d, e, f, typeof(c), typeof(d), typeof(e) FROM t").value();
  ASSERT_EQ(select.step_blocking(), true);
  EXPECT_EQ(select.number(0), -5);
  EXPECT_EQ(select.bytes(1), zeros);
  EXPECT_EQ(select.bytes(2), zeros);
  EXPECT_EQ(select.bytes(3), "");
  EXPECT_FALSE(select.is_null(3));
  EXPECT_FALSE(select.is_null(4));
  EXPECT_TRUE(select.is_null(5));
  EXPECT_EQ(select.optional_number(5), std::nullopt);
  EXPECT_EQ(select.bytes(6), "blob");
  EXPECT_EQ(select.bytes(7), "text");
  EXPECT_EQ(select.bytes(8), "blob");
  EXPECT_EQ(select.step_blocking(), false);
}

TEST_F(DatabaseTest, StatementUsedAgain_RemembersNothing) {
  Database database = open();
  constexpr std::string_view kSql = "SELECT ? UNION ALL SELECT 2";
  const sqlite3_stmt* compiled = nullptr;
  {
    auto first = database.prepare_blocking(kSql).value();
    ASSERT_EQ(first.bind_all(std::int64_t{1}).step_blocking(), true); // left in the middle
    compiled = sqlite3_next_stmt(database.handle(), nullptr);
  }
  auto again = database.prepare_blocking(kSql).value();
  EXPECT_EQ(compiled, sqlite3_next_stmt(database.handle(), nullptr));
  ASSERT_EQ(again.step_blocking(), true);
  EXPECT_TRUE(again.is_null(0));
  auto second = database.prepare_blocking(kSql).value(); // while the first one is in use
  ASSERT_EQ(second.bind_all(std::int64_t{7}).step_blocking(), true);
  EXPECT_EQ(second.number(0), 7);
  ASSERT_EQ(again.step_blocking(), true);
  EXPECT_EQ(again.number(0), 2);
}

TEST_F(DatabaseTest, TransactionNotCommitted_LeavesNothing) {
  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a)"));
  {
    auto transaction = Transaction::begin_blocking(database, "test").value();
    ASSERT_TRUE(database.run_blocking("INSERT INTO t VALUES (1)"));
  }
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM t"), 0);
  auto transaction = Transaction::begin_blocking(database, "test").value();
  ASSERT_TRUE(database.run_blocking("INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(transaction.commit_blocking());
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, FullDisk_IsToldApartAndUndone) {
  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a); INSERT INTO t VALUES ('before'); PRAGMA max_page_count=4"));
  auto transaction = Transaction::begin_blocking(database, "test").value();
  auto insert = database.prepare_blocking("INSERT INTO t VALUES (?)").value();
  const std::string large(100'000, 'x');
  const auto written = insert.bind_all(std::string_view(large)).run_blocking();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "disk_full");
  EXPECT_EQ(written.error().kind, ErrorKind::kOperator);
  EXPECT_NE(written.error().what.find(path("test.db")), std::string::npos);
  EXPECT_NE(written.error().remedy.find(path("test.db")), std::string::npos);
  EXPECT_EQ(database.query_number_blocking("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, Faults_HaveCodesOfTheirOwn) {
  ASSERT_NO_FATAL_FAILURE(write_file(path("garbage.db"), std::string(8192, 'g')));
  EXPECT_EQ(Database::open_blocking({.path = path("garbage.db")}).error().code, "database_corrupt");
  EXPECT_EQ(Database::open_blocking({.path = path("absent/test.db")}).error().code, "database_unopenable");
  EXPECT_EQ(Database::open_blocking({.path = directory_}).error().code, "database_unopenable");

  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a INTEGER CHECK (a > 0)) STRICT"));
  const auto broken_rule = database.run_blocking("INSERT INTO t VALUES (0)");
  ASSERT_FALSE(broken_rule);
  EXPECT_EQ(broken_rule.error().code, "database_error");
  EXPECT_EQ(broken_rule.error().kind, ErrorKind::kBug);
  EXPECT_EQ(database.prepare_blocking("SELEC").error().code, "database_error");
  const std::string too_long(2 << 20, 'x');
  EXPECT_FALSE(database.prepare_blocking("SELECT ?").value().bind_all(std::string_view(too_long)).step_blocking());
}

TEST_F(DatabaseTest, WhileOnlyLooking_WritesAreRefused) {
  ASSERT_TRUE(open().check_blocking());
  auto looking = Database::open_untouched_blocking({.path = path("test.db")}).value();
  const auto written = looking.run_blocking("CREATE TABLE t (a)");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, "database_read_only");
  ASSERT_TRUE(looking.make_ready_blocking());
  EXPECT_TRUE(looking.run_blocking("CREATE TABLE t (a)"));
}

TEST_F(DatabaseTest, OpenInAnotherProcess_IsBusy) {
  Database database = open();
  ASSERT_TRUE(database.run_blocking("CREATE TABLE t (a)"));
  EXPECT_TRUE(run_and_die([this] {
    auto other = Database::open_untouched_blocking({.path = path("test.db")});
    if (!other) return;
    if (!other->run_blocking("PRAGMA busy_timeout=0")) return;
    const auto read = other->query_number_blocking("SELECT count(*) FROM t");
    die(!read && read.error().code == "database_busy");
  }));
}

TEST_F(DatabaseTest, Settings_AreTheOnesPromised) {
  Database database = open();
  EXPECT_EQ(database.query_number_blocking("PRAGMA synchronous"), 2); // FULL
  EXPECT_EQ(database.query_number_blocking("PRAGMA secure_delete"), 1);
  EXPECT_EQ(database.query_number_blocking("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(database.query_number_blocking("PRAGMA trusted_schema"), 0);
  auto mode = database.prepare_blocking("PRAGMA journal_mode").value();
  ASSERT_EQ(mode.step_blocking(), true);
  EXPECT_EQ(mode.bytes(0), "wal");
  auto normal = Database::open_blocking(
                    {.path = path("other.db"), .durability = Durability::kNormal, .overwrites_deleted = false})
                    .value();
  EXPECT_EQ(normal.query_number_blocking("PRAGMA synchronous"), 1); // NORMAL
  EXPECT_EQ(normal.query_number_blocking("PRAGMA secure_delete"), 0);
}

} // namespace
} // namespace mailmoor::store

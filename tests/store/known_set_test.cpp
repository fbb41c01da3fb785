#include "store/known_set.h"

#include "store/migrations.h"
#include "store/test_files.h"

#include <random>
#include <sqlite3.h>

namespace mailmoor::store {
namespace {

class KnownSet : public InDirectory {
 protected:
  void SetUp() override {
    InDirectory::SetUp();
    auto opened = open_migrated_blocking({.path = path("state.db"), .durability = Durability::kNormal},
                                         state_migrations(), nullptr);
    ASSERT_TRUE(opened);
    database_.emplace(*std::move(opened));
    ASSERT_TRUE(database_->run_blocking("INSERT INTO mailbox (mailbox_id, name) VALUES (1, 'm');"
                                        "INSERT INTO folder (folder_id, mailbox_id, name, delimiter)"
                                        " VALUES (1, 1, x'41', 47), (2, 1, x'42', 47); BEGIN"));
    ASSERT_TRUE(add_known_blocking(*database_, 2, UidSet::parse("1:1000").value())); // a neighbour to be left alone
  }
  void TearDown() override {
    EXPECT_EQ(load_known_blocking(*database_, 2)->to_string(), "1:1000");
    database_.reset();
    InDirectory::TearDown();
  }

  void add(std::string_view set) { ASSERT_TRUE(add_known_blocking(*database_, 1, UidSet::parse(set).value())); }
  void replace(const UidSet& set) { ASSERT_TRUE(replace_known_blocking(*database_, 1, set)); }
  [[nodiscard]] UidSet known() { return load_known_blocking(*database_, 1).value(); }
  // The rows as they are stored: "first:last,…".
  [[nodiscard]] std::string rows() {
    auto select =
        database_->prepare_blocking("SELECT group_concat(first || ':' || last) FROM (SELECT first, last FROM delivered"
                                    " WHERE folder_id = 1 ORDER BY first)");
    return select->step_blocking() ? std::string(select->bytes(0)) : "failed";
  }
  [[nodiscard]] int changes() const { return sqlite3_total_changes(database_->handle()); }

  std::optional<Database> database_;
};

TEST_F(KnownSet, Added_IsMergedWithItsNeighbours) {
  struct Row {
    std::string_view added;
    std::string_view rows;
  };
  for (const auto& [added, expected] : {
           Row{"10:20", "10:20"},
           Row{"22", "10:20,22:22"},
           Row{"21", "10:22"},   // closes the gap
           Row{"9", "9:22"},     // touches from below
           Row{"23:24", "9:24"}, // touches from above
           Row{"12:14", "9:24"}, // is there already
           Row{"30,32,34", "9:24,30:30,32:32,34:34"},
           Row{"31:40", "9:24,30:40"}, // swallows
           Row{"1:100", "1:100"},
           Row{"4294967294:4294967295", "1:100,4294967294:4294967295"},
           Row{"4294967293,101", "1:101,4294967293:4294967295"},
       }) {
    ASSERT_NO_FATAL_FAILURE(add(added));
    EXPECT_EQ(rows(), expected) << added;
  }
}

TEST_F(KnownSet, RandomEdits_EqualTheSetInMemory) {
  std::minstd_rand random(42); // fixed: a failure repeats
  UidSet model;
  for (int i = 0; i < 400; ++i) {
    UidSet batch;
    for (int n = static_cast<int>(random() % 5); n >= 0; --n) {
      const auto first = static_cast<std::uint32_t>(random() % 500 + 1);
      batch.insert(UidRange{first, first + static_cast<std::uint32_t>(random() % 8)});
    }
    if (i % 50 == 49) { // a folder where much has vanished
      for (const UidRange& range : batch.ranges())
        model.erase(UidRange{range.first, range.last + 40});
      ASSERT_NO_FATAL_FAILURE(replace(model));
    } else {
      model.insert(batch);
      ASSERT_NO_FATAL_FAILURE(add(batch.to_string()));
    }
    ASSERT_EQ(known(), model) << i;
    ASSERT_EQ(static_cast<std::size_t>(
                  database_->query_number_blocking("SELECT count(*) FROM delivered WHERE folder_id = 1").value()),
              model.ranges().size())
        << i;
  }
}

TEST_F(KnownSet, Batch_CostsByWhatItAddsAndNotByWhatIsKnown) {
  UidSet sparse; // 50,000 ranges: the worst that 100,000 messages can give
  for (std::uint32_t uid = 1; uid < 100'000; uid += 2)
    sparse.insert(UidRange{uid, uid});
  ASSERT_NO_FATAL_FAILURE(replace(sparse));
  const int before = changes();
  ASSERT_NO_FATAL_FAILURE(add("50000"));
  EXPECT_EQ(changes() - before, 3) << "two rows merged into one";
  sparse.insert(*Uid::from(50000));
  const int merged = changes();
  ASSERT_NO_FATAL_FAILURE(replace(sparse));
  EXPECT_EQ(changes(), merged) << "nothing differs, nothing is written";
  sparse.insert(UidRange{200'000, 300'000});
  ASSERT_NO_FATAL_FAILURE(replace(sparse));
  EXPECT_EQ(changes() - merged, 1);
}

TEST_F(KnownSet, RowThatIsNoRange_IsCorruption) {
  ASSERT_TRUE(database_->run_blocking("INSERT INTO delivered (folder_id, first, last) VALUES (1, 9, 3)"));
  EXPECT_EQ(load_known_blocking(*database_, 1).error().code, "database_corrupt");
}

} // namespace
} // namespace mailmoor::store

// The same deliveries, stopped at every single step: by a killed process, a power cut, a full disk, a lost answer.
#include "maildir/delivery_fixture.h"

namespace mailmoor::maildir {
namespace {

using Files = std::map<std::string, std::string>;

// A small batch syncs each file; a large one syncs the file system.
struct Script {
  FolderPlace place;
  std::vector<UidSet> batches;
};

[[nodiscard]] std::vector<Script> scripts() {
  return {{inbox(), {uids("1:2"), uids("3:5")}},
          {sent(), {uids("1:12"), uids("13")}},
          {{"/mail/alice", "Lists/dev", Layout::kFs, "Lists/dev"}, {uids("1:3")}}};
}

// Runs to the end or to the first error; what was reported as delivered.
[[nodiscard]] UidSet run(ForgetfulFileOps& disk, const Script& script) {
  UidSet reported;
  auto folder = open(disk, script.place);
  if (!folder) return reported;
  for (const UidSet& batch : script.batches) {
    const auto report = deliver(*folder, batch);
    reported.insert(report.delivered);
    if (report.error) break;
  }
  return reported;
}

[[nodiscard]] std::size_t steps_of(const Script& script) {
  ForgetfulFileOps disk;
  static_cast<void>(run(disk, script));
  return disk.steps();
}

// UIDs → bytes of all messages of the folder; fails on a UID that is there twice.
[[nodiscard]] std::map<std::uint32_t, std::string> messages(const ForgetfulFileOps& disk,
                                                            const std::string& directory) {
  std::map<std::uint32_t, std::string> out;
  for (const char* sub : {"/new", "/cur"})
    for (const auto& [name, bytes] : disk.files(directory + sub)) {
      const auto parsed = parse_file_name(name);
      EXPECT_TRUE(parsed) << name;
      EXPECT_TRUE(parsed && out.emplace(parsed->uid.value(), bytes).second) << "twice: " << name;
    }
  return out;
}

// After any interruption: the promises hold, and going on leads to the end.
void recover_and_check(ForgetfulFileOps& disk, const Script& script, const UidSet& reported) {
  UidSet all;
  for (const UidSet& batch : script.batches)
    all.insert(batch);

  auto folder = open(disk, script.place, "r2");
  ASSERT_TRUE(folder) << folder.error().what;
  const std::string directory = folder->directory();
  EXPECT_EQ(disk.files(directory + "/tmp"), Files()) << "tmp/ is clean";
  const auto scan = folder->scan_blocking(validity());
  ASSERT_TRUE(scan);
  EXPECT_TRUE(reported.minus(scan->present).empty()) << "lost: " << reported.minus(scan->present).to_string();
  for (const auto& [number, bytes] : messages(disk, directory))
    EXPECT_EQ(bytes, disk_body(number)) << "what is there is whole";

  // Nothing was recorded: everything comes again.
  const auto report = deliver(*folder, all);
  EXPECT_FALSE(report.error);
  EXPECT_EQ(report.delivered, all);
  const auto found = messages(disk, directory);
  EXPECT_EQ(found.size(), all.size());
  for (const auto& [number, bytes] : found)
    EXPECT_EQ(bytes, disk_body(number));
  EXPECT_EQ(disk.files(directory + "/tmp"), Files());
}

TEST(Crash, KilledAtEachStep_LosesAndDoublesNothing) {
  for (const Script& script : scripts())
    for (std::size_t step = 1; step <= steps_of(script) + 1; ++step) {
      SCOPED_TRACE(concat(script.place.server_name, " step ", step));
      ForgetfulFileOps disk;
      disk.crash_at(step);
      const UidSet reported = run(disk, script);
      disk.kill();
      recover_and_check(disk, script, reported);
    }
}

TEST(Crash, PowerCutAtEachStep_LosesAndDoublesNothing) {
  for (const bool has_sync_point : {true, false})
    for (const Script& script : scripts())
      for (std::size_t step = 1; step <= steps_of(script) + 14; ++step)
        for (unsigned seed = 0; seed < 6; ++seed) {
          SCOPED_TRACE(concat(script.place.server_name, " step ", step, " seed ", seed));
          ForgetfulFileOps disk;
          disk.offer_sync_point(has_sync_point);
          disk.crash_at(step);
          const UidSet reported = run(disk, script);
          disk.cut_power(seed);
          recover_and_check(disk, script, reported);
          if (HasFailure()) return;
        }
}

TEST(Crash, PowerCutAgainDuringRecovery_LosesAndDoublesNothing) {
  const Script script = scripts().front();
  for (std::size_t step = 1; step <= steps_of(script); ++step)
    for (std::size_t second = 1; second <= steps_of(script); second += 3) {
      SCOPED_TRACE(concat("steps ", step, ", ", second));
      ForgetfulFileOps disk;
      disk.crash_at(step);
      UidSet reported = run(disk, script);
      disk.kill();
      disk.crash_at(second);
      reported.insert(run(disk, script));
      disk.cut_power(static_cast<unsigned>(second));
      recover_and_check(disk, script, reported);
    }
}

TEST(Failure, FullDiskAtEachStep_LosesAndDoublesNothing) {
  for (const Script& script : scripts())
    for (std::size_t step = 1; step <= steps_of(script); ++step)
      for (const bool cut : {false, true}) {
        SCOPED_TRACE(concat(script.place.server_name, " step ", step));
        ForgetfulFileOps disk;
        disk.fail_at(step);
        const UidSet reported = run(disk, script);
        if (cut) disk.cut_power(1);
        recover_and_check(disk, script, reported);
      }
}

// As of a file server whose answer is lost: what failed has been done.
TEST(Failure, AnswerLostAtEachStep_LosesAndDoublesNothing) {
  for (const bool has_sync_point : {true, false})
    for (const Script& script : scripts())
      for (std::size_t step = 1; step <= steps_of(script) + 14; ++step)
        for (const bool cut : {false, true}) {
          SCOPED_TRACE(concat(script.place.server_name, " step ", step));
          ForgetfulFileOps disk;
          disk.offer_sync_point(has_sync_point);
          disk.lie_at(step);
          const UidSet reported = run(disk, script);
          cut ? disk.cut_power(1) : disk.kill();
          recover_and_check(disk, script, reported);
          if (HasFailure()) return;
        }
}

TEST(Failure, AtEachStepOfACommit_SaysExactlyWhatWasDelivered) {
  for (const std::string_view wanted : {"1:4", "1:12"})
    for (std::size_t step = 1;; ++step) {
      SCOPED_TRACE(concat(wanted, " step ", step));
      ForgetfulFileOps disk;
      auto folder = open(disk);
      std::vector<StagedMessage> batch;
      uids(wanted).for_each(
          [&](Uid number) { batch.push_back(*stage(*folder, identity(number.value()), wire_body(number.value()))); });
      disk.fail_at(step, "io_error");
      const std::size_t before = disk.steps();
      const auto report = folder->commit_blocking(std::move(batch));
      EXPECT_EQ(report.error.has_value(), report.delivered != uids(wanted));
      EXPECT_TRUE(!report.error || report.error->code == "io_error");
      if (disk.steps() < before + step) break; // every step had its turn
      disk.cut_power(static_cast<unsigned>(step));
      const auto found = messages(disk, "/mail/alice");
      report.delivered.for_each([&](Uid number) { EXPECT_TRUE(found.contains(number.value())) << number.value(); });
      for (const auto& [number, bytes] : found)
        EXPECT_EQ(bytes, disk_body(number));
    }
}

} // namespace
} // namespace mailmoor::maildir

#include "maildir/survey.h"

#include "maildir/delivery_fixture.h"

#include <gmock/gmock.h>

#include <utility>

namespace mailmoor::maildir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Not a hash, but tells contents apart and knows where one ends.
class LengthHasher final : public ContentHasher {
 public:
  void add(std::string_view bytes) override {
    for (const char c : bytes) {
      ++hash_[0];
      hash_[1] = static_cast<std::uint8_t>(hash_[1] * 31 + static_cast<std::uint8_t>(c));
    }
  }
  ContentHash take() override { return std::exchange(hash_, {}); }
  [[nodiscard]] static ContentHash of(std::string_view bytes) {
    LengthHasher hasher;
    hasher.add(bytes);
    return hasher.take();
  }

 private:
  ContentHash hash_{};
};

class Survey : public ::testing::Test {
 protected:
  void deliver_all(std::string_view set) {
    auto folder = open(disk);
    ASSERT_TRUE(folder);
    ASSERT_FALSE(deliver(*folder, uids(set)).error);
  }
  std::vector<SurveyedFile> read(FolderSurvey& survey, ContentHasher* hasher = nullptr) {
    std::vector<SurveyedFile> all;
    while (!survey.is_done()) {
      auto some = survey.read_some_blocking(hasher);
      EXPECT_TRUE(some);
      if (!some) break;
      all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }
  [[nodiscard]] FolderSurvey begin(const std::optional<UidSet>& only = std::nullopt) {
    return *FolderSurvey::open_blocking(disk, inbox(), validity(), only);
  }
  [[nodiscard]] static std::vector<std::uint32_t> numbers(const std::vector<SurveyedFile>& files) {
    std::vector<std::uint32_t> out;
    for (const SurveyedFile& file : files)
      out.push_back(file.uid.value());
    return out;
  }
  [[nodiscard]] std::string path(std::uint32_t number) const {
    for (const char* directory : {"/mail/alice/new", "/mail/alice/cur"})
      for (const auto& [name, bytes] : disk.files(directory))
        if (name.find(concat('U', number, '.')) != std::string::npos) return concat(directory, '/', name);
    return {};
  }

  ForgetfulFileOps disk;
};

TEST_F(Survey, EachFile_IsReadOnce) {
  deliver_all("1:3");
  FolderSurvey survey = begin();
  LengthHasher hasher;
  const auto files = read(survey, &hasher);
  ASSERT_THAT(numbers(files), ElementsAre(1, 2, 3));
  EXPECT_EQ(survey.total(), 3U);
  EXPECT_EQ(survey.done(), 3U);
  for (const SurveyedFile& file : files) {
    const std::string body = disk_body(file.uid.value());
    EXPECT_EQ(file.size, body.size());
    EXPECT_EQ(file.claimed, body.size());
    EXPECT_EQ(file.newlines, 3U);
    EXPECT_EQ(file.hash, LengthHasher::of(body));
    EXPECT_EQ(file.flags.to_string(), file.uid.value() % 2 == 0 ? "S" : "");
  }
  EXPECT_EQ(survey.stranger_count(), 0U);
}

TEST_F(Survey, FolderWithoutADirectory_HasNoFiles) {
  FolderSurvey survey = begin();
  EXPECT_TRUE(survey.is_done());
  EXPECT_THAT(survey.strangers(), IsEmpty());
}

TEST_F(Survey, FilesOfOthers_AreStrangers) {
  deliver_all("1:2");
  disk.put("/mail/alice/cur/1700000001.V99U1.host,S=1:2,", "x");
  disk.put("/mail/alice/new/notes.txt", "x");
  disk.put("/mail/alice/cur/1700000001.V14U1.host,S=1:2,F", "a copy");
  FolderSurvey survey = begin();
  EXPECT_THAT(numbers(read(survey)), ElementsAre(1, 2));
  EXPECT_THAT(survey.strangers(),
              testing::UnorderedElementsAre("cur/1700000001.V99U1.host,S=1:2,", "new/notes.txt",
                                            concat("new/1700000001.V14U1.host,S=", disk_body(1).size())))
      << "one of two files of a message is one too many";
}

TEST_F(Survey, FileRenamedMeanwhile_IsFoundUnderItsNewName) {
  deliver_all("1:3");
  FolderSurvey survey = begin();
  const std::string before = path(2);
  disk.move(before, "/mail/alice/cur/1700000002.V14U2.host,S=15:2,FS");
  disk.remove(path(3));
  const auto files = read(survey);
  ASSERT_THAT(numbers(files), ElementsAre(1, 2));
  EXPECT_EQ(files[1].flags.to_string(), "FS");
}

TEST_F(Survey, FileThatCannotBeRead_IsToldAndTheOthersAreRead) {
  deliver_all("1:3");
  disk.spoil(path(2));
  FolderSurvey survey = begin();
  LengthHasher hasher;
  const auto files = read(survey, &hasher);
  ASSERT_THAT(numbers(files), ElementsAre(1, 2, 3));
  EXPECT_FALSE(files[1].is_readable);
  EXPECT_EQ(files[1].hash, std::nullopt);
  EXPECT_EQ(files[2].hash, LengthHasher::of(disk_body(3))) << "nothing of the one before is in it";
}

TEST_F(Survey, OnlyWhatIsAskedFor_IsRead) {
  deliver_all("1:5");
  FolderSurvey survey = begin(uids("2,4,9"));
  EXPECT_THAT(numbers(read(survey)), ElementsAre(2, 4));
}

TEST_F(Survey, ManyFiles_ComeInSteps) {
  deliver_all("1:250");
  FolderSurvey survey = begin();
  const auto first = survey.read_some_blocking(nullptr);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 100U);
  EXPECT_FALSE(survey.is_done());
  EXPECT_EQ(read(survey).size(), 150U);
}

TEST(LineConverter, AnyCut_GivesTheSame) {
  const std::string wire = std::string("a\r\nb\rc\n\r\r\n") + '\0' + "\r\nend\r";
  const std::string disk = std::string("a\nb\rc\n\r\n") + '\0' + "\nend\r";
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    LineConverter converter(LineEndings::kLf);
    std::string out;
    converter.convert(std::string_view(wire).substr(0, cut), out);
    converter.convert(std::string_view(wire).substr(cut), out);
    converter.finish(out);
    EXPECT_EQ(out, disk) << cut;
  }
  LineConverter same(LineEndings::kCrlf);
  std::string out;
  same.convert(wire, out);
  same.finish(out);
  EXPECT_EQ(out, wire);
}

} // namespace
} // namespace mailmoor::maildir

// A folder on a forgetful disk, and messages to put there.
#pragma once

#include "maildir/delivery.h"
#include "maildir/forgetful_file_ops.h"
#include "util/concat.h"

#include <gtest/gtest.h>

namespace mailmoor::maildir {

inline constexpr std::uint32_t kValidity = 14;

[[nodiscard]] inline UidValidity validity(std::uint32_t value = kValidity) {
  return *UidValidity::from(value);
}
[[nodiscard]] inline Uid uid(std::uint32_t value) {
  return *Uid::from(value);
}
[[nodiscard]] inline UnixTime at(std::int64_t seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}
[[nodiscard]] inline UidSet uids(std::string_view text) {
  return *UidSet::parse(text);
}

// As the server would send it each time: date and flags are a function of the UID; even ones are read.
[[nodiscard]] inline MessageIdentity identity(std::uint32_t number) {
  Flags flags;
  if (number % 2 == 0) flags.set(SystemFlag::kSeen);
  return {validity(), uid(number), at(1'700'000'000 + number), flags};
}
[[nodiscard]] inline std::string wire_body(std::uint32_t number) {
  return concat("Subject: ", number, "\r\n\r\n", std::string(number, 'x'), "\r\n");
}
[[nodiscard]] inline std::string disk_body(std::uint32_t number) {
  return concat("Subject: ", number, "\n\n", std::string(number, 'x'), "\n");
}

[[nodiscard]] inline FolderPlace inbox() {
  return {"/mail/alice", "", Layout::kMaildirPlusPlus, "INBOX"};
}
[[nodiscard]] inline FolderPlace sent() {
  return {"/mail/alice", ".Sent", Layout::kMaildirPlusPlus, "Sent"};
}

[[nodiscard]] inline Result<FolderDelivery> open(FileOps& disk, const FolderPlace& place = inbox(),
                                                 std::string run_id = "r1") {
  return FolderDelivery::open_blocking(disk, {"host", std::move(run_id), LineEndings::kLf, true}, place);
}

// Writes one message in two pieces.
[[nodiscard]] inline Result<StagedMessage> stage(FolderDelivery& folder, const MessageIdentity& identity,
                                                 std::string_view body) {
  auto writer = folder.begin_blocking();
  if (!writer) return pass(std::move(writer).error());
  for (const std::string_view piece : {body.substr(0, body.size() / 2), body.substr(body.size() / 2)})
    if (Status status = writer->append_blocking(piece); !status) return pass(std::move(status).error());
  return writer->finish_blocking(identity);
}

// Delivers these as one batch; on an error in writing nothing of it.
inline CommitReport deliver(FolderDelivery& folder, const UidSet& wanted) {
  std::vector<StagedMessage> batch;
  std::optional<Error> error;
  wanted.for_each([&](Uid number) {
    if (error) return;
    auto staged = stage(folder, identity(number.value()), wire_body(number.value()));
    if (staged)
      batch.push_back(*std::move(staged));
    else
      error = std::move(staged).error();
  });
  if (error) return {{}, std::move(error)};
  return folder.commit_blocking(std::move(batch));
}

} // namespace mailmoor::maildir

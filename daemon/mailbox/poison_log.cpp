#include "mailbox/poison_log.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "util/concat.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// A folder of which nothing comes is not told message by message.
constexpr std::size_t kToldOneByOne = 20;

[[nodiscard]] std::string_view how_it_ended(const sync::RecordedFolder& recorded, Uid uid) {
  if (recorded.known.contains(uid)) return "it has come";
  if (recorded.left_out.uids().contains(uid)) return "the configuration leaves it out";
  return "the server has it no more";
}

void tell_ends(const std::string& mailbox, Folder& folder) {
  const UidSet missing = sync::uids_of(folder.recorded.retries);
  std::size_t told = 0;
  for (auto at = folder.told_poison.begin(); at != folder.told_poison.end();) {
    const Uid uid = at->first;
    if (missing.contains(uid)) {
      ++at;
      continue;
    }
    at = folder.told_poison.erase(at);
    if (++told > kToldOneByOne) continue;
    log::write(
        log::Priority::kNotice,
        {.mailbox = mailbox, .folder = folder.name.utf8(), .event = "message_recovered", .uid = uid.value()},
        concat("message UID ", uid.value(), " could not be fetched for a while: ", how_it_ended(folder.recorded, uid)));
  }
  if (told > kToldOneByOne)
    log::write(log::Priority::kNotice, {.mailbox = mailbox, .folder = folder.name.utf8(), .event = "message_recovered"},
               concat("the same is true of ", told - kToldOneByOne, " more messages"));
}

void tell_starts(const std::string& mailbox, Folder& folder, UnixTime now) {
  std::size_t told = 0;
  for (const sync::RetryRecord& retry : folder.recorded.retries) {
    if (retry.next_try <= now) continue;
    std::string& reason = folder.told_poison[retry.uid];
    if (reason == retry.reason) continue;
    reason = retry.reason;
    if (++told > kToldOneByOne) continue;
    log::Fields fields{.mailbox = mailbox, .folder = folder.name.utf8(), .error = "message_not_handed_out"};
    fields.uid = retry.uid.value();
    fields.retry_at = retry.next_try;
    fields.catalog = &log::events::kMessageFailed;
    log::write(log::Priority::kWarning, fields,
               concat("message UID ", retry.uid.value(),
                      " was not fetched, the others are; it is asked for again by itself: ", retry.reason));
  }
  if (told > kToldOneByOne)
    log::write(
        log::Priority::kWarning,
        {.mailbox = mailbox,
         .folder = folder.name.utf8(),
         .error = "message_not_handed_out",
         .catalog = &log::events::kMessageFailed},
        concat("nor were ", told - kToldOneByOne, " more messages; they are listed by: mailmoorctl status ", mailbox));
}

} // namespace

void tell_poison(const Services& services, const std::string& mailbox, Folder& folder) {
  // Under another UIDVALIDITY the numbers mean other messages.
  if (std::exchange(folder.told_validity, folder.recorded.validity) != folder.recorded.validity)
    folder.told_poison.clear();
  tell_ends(mailbox, folder);
  tell_starts(mailbox, folder, services.now());
}

} // namespace mailmoor::mailbox

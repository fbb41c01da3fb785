#include "mailbox/listing.h"

#include "util/concat.h"

#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kOfEachRow = 100; // what holds it, about
constexpr std::size_t kOfEachAttribute = 32;

} // namespace

void Listing::hear(imap::Event& event) {
  if (auto* const entry = std::get_if<imap::ListEntry>(&event)) {
    size += kOfEachRow + entry->name.wire().size();
    for (const std::string& attribute : entry->attributes)
      size += kOfEachAttribute + attribute.size();
    if (size <= kMaxSize) folders.push_back({std::move(entry->name), std::move(entry->attributes)});
  } else if (const auto* const status = std::get_if<imap::StatusEntry>(&event)) {
    size += kOfEachRow + status->name.wire().size();
    if (size <= kMaxSize) states.insert_or_assign(status->name.wire(), status->state);
  }
}

Status Listing::check() const {
  if (size <= kMaxSize) return {};
  return fail(ErrorKind::kMailbox, "too_many_folders",
              concat("the list of folders that the server sends has more than ", kMaxSize / 1024 / 1024,
                     " MiB: no folder is synced"),
              "if the mailbox really has so many folders: delete some on the server");
}

} // namespace mailmoor::mailbox

#include "sync/gmail_labels.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace mailmoor::sync {
namespace {

struct SystemLabel {
  std::string_view label;
  std::string_view attribute; // RFC 6154: of the folder that stands for it
};

// Of the others \Inbox is always shown, \Muted has no folder, and \Starred and \Important are marks on messages rather
// than places for them: who hides those wants it so. Spam and the trash are not in All Mail, where labels are read.
constexpr std::array<SystemLabel, 3> kPlaces = {
    {{"\\Sent", "\\sent"}, {"\\Draft", "\\drafts"}, {"\\Drafts", "\\drafts"}}};

[[nodiscard]] const SystemLabel* find_place(std::string_view label) {
  const auto found = std::ranges::find_if(
      kPlaces, [label](const SystemLabel& known) { return equals_ignoring_case(known.label, label); });
  return found == kPlaces.end() ? nullptr : &*found;
}

} // namespace

void GmailLabels::listed(const std::vector<ListedFolder>& folders) {
  folders_.clear();
  attributes_.clear();
  all_mail_.reset();
  for (const ListedFolder& folder : folders) {
    folders_.insert(folder.name.utf8());
    for (const std::string& attribute : folder.attributes) {
      attributes_.insert(to_lower_ascii(attribute));
      if (equals_ignoring_case(attribute, "\\All")) all_mail_ = folder.name.wire();
    }
  }
}

void GmailLabels::seen(const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    if (label.empty() || (label.starts_with('\\') && find_place(label) == nullptr)) continue;
    if (seen_.size() == kMaxLabels || label.size() > kMaxOctets - seen_octets_) continue;
    if (seen_.insert(FolderName::from_wire(label, '/')).second) seen_octets_ += label.size();
  }
}

bool GmailLabels::is_shown(const FolderName& label) const {
  if (const SystemLabel* const place = find_place(label.wire())) return attributes_.contains(place->attribute);
  return label.is_inbox() || folders_.contains(label.utf8());
}

std::vector<HiddenLabel> GmailLabels::hidden(const FolderRules& rules) const {
  std::vector<ListedFolder> missing;
  std::map<std::string, std::string> labels; // by the name that the folder would have
  for (const FolderName& label : seen_)
    if (!is_shown(label)) {
      const bool is_place = find_place(label.wire()) != nullptr;
      FolderName name = is_place ? FolderName::from_wire(label.wire().substr(1), '/') : label;
      if (labels.try_emplace(name.wire(), label.wire()).second) missing.push_back({std::move(name), {}});
    }
  std::vector<HiddenLabel> hidden;
  for (FolderChoice& choice : choose_folders(std::move(missing), rules))
    if (choice.chosen) {
      std::string label = labels.at(choice.name.wire());
      hidden.push_back({std::move(choice.name), std::move(label)});
    }
  return hidden;
}

} // namespace mailmoor::sync

// Gmail's labels against the folders that it shows over IMAP. A label is a folder there, unless its owner has switched
// "Show in IMAP" off: then only X-GM-LABELS of a message tells of it. Remembers what was listed and seen; no I/O.
#pragma once

#include "model/folder_name.h"
#include "sync/folder_choice.h"

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::sync {

struct HiddenLabel {
  FolderName name;   // as the folder would be called
  std::string label; // as X-GM-LABELS has it
  friend bool operator==(const HiddenLabel&, const HiddenLabel&) = default;
};

class GmailLabels final {
 public:
  // As many as Gmail lets a mailbox have; what a server tells beyond that is not remembered.
  static constexpr std::size_t kMaxLabels = 10'000;
  // Of all their names together; Gmail's own have 225 characters at most, and some dozen as a rule.
  static constexpr std::size_t kMaxOctets = std::size_t{1024} * 1024;

  // All that one LIST said, instead of what the one before it did.
  void listed(const std::vector<ListedFolder>& folders);
  // The labels of a message, as X-GM-LABELS has them.
  void seen(const std::vector<std::string>& labels);

  // The wire name of the folder that has all messages, by its attribute \All: its name is in the owner's language.
  // Empty when it is not shown.
  [[nodiscard]] const std::optional<std::string>& all_mail() const noexcept { return all_mail_; }
  // Labels that were seen, that no folder of the list stands for, and whose folders `rules` would choose: sorted by
  // name.
  [[nodiscard]] std::vector<HiddenLabel> hidden(const FolderRules& rules) const;

 private:
  [[nodiscard]] bool is_shown(const FolderName& label) const;

  std::set<std::string, std::less<>> folders_;    // UTF-8
  std::set<std::string, std::less<>> attributes_; // lower case
  std::optional<std::string> all_mail_;
  std::set<FolderName> seen_; // system labels with their backslash
  std::size_t seen_octets_ = 0;
};

} // namespace mailmoor::sync

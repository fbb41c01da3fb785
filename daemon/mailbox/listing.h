// What one LIST tells, within what a mailbox may make us hold. A plain value of the loop thread.
#pragma once

#include "imap/response.h"
#include "model/folder_state.h"
#include "sync/folder_choice.h"
#include "util/result.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

struct Listing {
  // Octets of all rows: 100,000 folders with names as people give them.
  static constexpr std::size_t kMaxSize = std::size_t{16} * 1024 * 1024;

  // Takes what is in a LIST or STATUS row out of it; other events are left alone.
  void hear(imap::Event& event);
  // kMailbox "too_many_folders": it was too much, and only a part is here.
  [[nodiscard]] Status check() const;

  std::vector<sync::ListedFolder> folders;
  std::map<std::string, FolderState> states; // by wire name
  std::size_t size = 0;
};

} // namespace mailmoor::mailbox

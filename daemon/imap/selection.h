// The folder that is open, kept up to date with what the server tells about it (RFC 9051 §6.3.2, §7.3, §7.4).
#pragma once

#include "imap/response_code.h"
#include "model/folder_name.h"
#include "model/folder_state.h"

#include <cstdint>
#include <optional>

namespace mailmoor::imap {

struct SelectedFolder {
  FolderName name;
  FolderState state;
};

class Selection final {
 public:
  // EXAMINE is on its way: nothing is open until opened().
  void opening(const FolderName& name);
  void opened();
  // EXAMINE was refused (the former folder is closed all the same), or the connection starts anew.
  void reset();

  // What was known before.
  std::uint32_t exists(std::uint32_t count) noexcept;
  void expunged(std::uint64_t count) noexcept;
  void apply(const ResponseCode& code);
  // Whether it says that the UIDs of the folder that is open name other messages now, which must not happen to an open
  // folder (RFC 9051 §2.3.1.1).
  [[nodiscard]] bool is_renumbered_by(const ResponseCode& code) const noexcept;

  [[nodiscard]] const std::optional<SelectedFolder>& selected() const noexcept { return selected_; }

 private:
  [[nodiscard]] FolderState* state() noexcept;

  std::optional<SelectedFolder> selected_;
  std::optional<SelectedFolder> opening_;
  bool uids_not_sticky_ = false;
};

} // namespace mailmoor::imap

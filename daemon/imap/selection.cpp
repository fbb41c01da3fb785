#include "imap/selection.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace mailmoor::imap {
namespace {

[[nodiscard]] std::uint64_t number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

[[nodiscard]] std::uint32_t number32(std::string_view text) noexcept {
  const std::uint64_t value = number(text);
  return value <= 0xFFFF'FFFF ? static_cast<std::uint32_t>(value) : 0;
}

} // namespace

void Selection::opening(const FolderName& name) {
  selected_.reset();
  opening_ = SelectedFolder{name, {}};
  uids_not_sticky_ = false;
}

void Selection::opened() {
  selected_ = std::exchange(opening_, std::nullopt);
  if (selected_ && uids_not_sticky_) selected_->state.uid_validity.reset();
}

void Selection::reset() {
  selected_.reset();
  opening_.reset();
}

FolderState* Selection::state() noexcept {
  if (opening_) return &opening_->state;
  return selected_ ? &selected_->state : nullptr;
}

std::uint32_t Selection::exists(std::uint32_t count) noexcept {
  FolderState* const open = state();
  return open == nullptr ? 0 : std::exchange(open->messages, count);
}

void Selection::expunged(std::uint64_t count) noexcept {
  if (FolderState* const open = state())
    open->messages -= static_cast<std::uint32_t>(std::min<std::uint64_t>(count, open->messages));
}

bool Selection::is_renumbered_by(const ResponseCode& code) const noexcept {
  if (code.atom != "UIDVALIDITY" || opening_ || !selected_ || !selected_->state.uid_validity) return false;
  return UidValidity::from(number32(code.argument)) != selected_->state.uid_validity;
}

void Selection::apply(const ResponseCode& code) {
  FolderState* const open = state();
  if (open == nullptr) return;
  if (code.atom == "UIDVALIDITY") {
    open->uid_validity = UidValidity::from(number32(code.argument));
  } else if (code.atom == "UIDNEXT") {
    open->uid_next = Uid::from(number32(code.argument));
  } else if (code.atom == "HIGHESTMODSEQ") {
    const std::uint64_t value = number(code.argument);
    open->highest_mod_seq = value == 0 ? std::nullopt : ModSeq::from(value);
  } else if (code.atom == "NOMODSEQ") {
    open->highest_mod_seq.reset();
  } else if (code.atom == "UIDNOTSTICKY") {
    uids_not_sticky_ = true;
  } else if (code.atom == "CLOSED" && opening_) {
    *open = {}; // what came before was about the former folder (RFC 7162 §3.2.11)
    uids_not_sticky_ = false;
  }
}

} // namespace mailmoor::imap

// The name of a folder ("mailbox" in RFC 9051) as the server spells it, with the hierarchy delimiter it gave.
// INBOX is case-insensitive (RFC 9051 §5.1) and always spelled "INBOX" here. A value type.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor {

class FolderName final {
 public:
  // From the bytes of a LIST response. `delimiter` is NUL when the server said NIL (a flat name).
  // Names that are not modified UTF-7 are kept byte for byte: utf8() then escapes what is not valid UTF-8.
  [[nodiscard]] static FolderName from_wire(std::string_view wire, char delimiter);
  [[nodiscard]] static FolderName inbox(char delimiter = '/') { return from_wire("INBOX", delimiter); }

  // What goes back to the server, byte for byte (before quoting).
  [[nodiscard]] const std::string& wire() const noexcept { return wire_; }
  // For people, patterns and directories: UTF-8; bytes that are neither are shown as %XX.
  [[nodiscard]] const std::string& utf8() const noexcept { return utf8_; }
  [[nodiscard]] char delimiter() const noexcept { return delimiter_; }
  [[nodiscard]] bool is_inbox() const noexcept { return wire_ == "INBOX"; }
  // utf8() split at the delimiter; one component when there is none. Components may be empty or hostile ("..").
  [[nodiscard]] std::vector<std::string> components() const;

  [[nodiscard]] friend bool operator==(const FolderName& a, const FolderName& b) noexcept { return a.wire_ == b.wire_; }
  [[nodiscard]] friend auto operator<=>(const FolderName& a, const FolderName& b) noexcept {
    return a.wire_ <=> b.wire_;
  }

 private:
  FolderName(std::string wire, std::string utf8, char delimiter)
      : wire_(std::move(wire)), utf8_(std::move(utf8)), delimiter_(delimiter) {}

  std::string wire_;
  std::string utf8_;
  char delimiter_;
};

} // namespace mailmoor

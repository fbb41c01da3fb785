// Finds the Message-ID field (RFC 5322 §3.6.4) of a message as its octets go by. A value type; holds a few octets only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor {

class MessageIdScanner final {
 public:
  // Octets of any number, with CRLF or LF; from the beginning of the message.
  void append(std::string_view octets);
  // The header is over: nothing that follows can change the answer.
  [[nodiscard]] bool is_done() const noexcept { return at_ == At::kBody; }
  // A fingerprint of the first Message-ID field, folding and white space left out; 0: there is none, or an empty one.
  // Two that differ may have the same one, if someone wants them to: it tells which messages to compare, not more.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return hash_; }

 private:
  enum class At { kLineStart, kName, kValue, kOther, kBody };

  void take(char c);

  At at_ = At::kLineStart;
  bool in_id_ = false; // the field that a folded line would go on with
  bool found_ = false;
  std::string name_; // of the field, as far as it matters
  std::uint64_t hash_ = 0;
};

} // namespace mailmoor

// What the server says it can do (RFC 9051 §7.2.2): one set of upper-case words, empty until heard. A value type.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::imap {

class Capabilities final {
 public:
  // Whether the server has said anything since the connection began, TLS started or the login succeeded.
  [[nodiscard]] bool known() const noexcept { return known_; }
  // Ignores case: has("IDLE"), has("AUTH=XOAUTH2").
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool has_auth(std::string_view mechanism) const;
  // In the order sent, upper case.
  [[nodiscard]] const std::vector<std::string>& words() const noexcept { return words_; }

  // Replaces all, from the words after "CAPABILITY".
  void replace(std::string_view words);
  void reset() noexcept;

  friend bool operator==(const Capabilities&, const Capabilities&) = default;

 private:
  bool known_ = false;
  std::vector<std::string> words_;
};

} // namespace mailmoor::imap

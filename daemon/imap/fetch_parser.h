// Reads one FETCH response piece by piece (RFC 9051 §7.5.2), so that its body never has to be held.
//
// The text between "FETCH (" and the end of the response comes in as many calls of resume() as there are literals; what
// a call could not use yet comes first in the next one, the literal it was waiting for in place.
#pragma once

#include "imap/lexer.h"
#include "imap/limits.h"
#include "imap/quirks.h"
#include "imap/response.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace mailmoor::imap {

class FetchParser final {
 public:
  enum class Progress {
    kDone,       // the closing ")" was the end of the text: take()
    kBody,       // the literal that ends the text is the message; the next resume() starts after it
    kQuotedBody, // quoted_body() is the message; go on with resume(text after `consumed`)
    kLiteral,    // the literal that ends the text belongs to an item that starts at `consumed`: hold both
    kMalformed,
    kLimit, // too many items or labels, or lists too deep
  };
  struct Step {
    Progress progress;
    std::size_t consumed; // octets of the text that are used up
  };

  FetchParser(const Limits& limits, const Quirks& quirks) noexcept
      : max_items_(limits.fetch_items), max_depth_(limits.depth), max_labels_(limits.labels),
        extra_space_(quirks.extra_space) {}

  void begin(SeqNum seq);
  // REQUIRES: begin(), and no kDone, kMalformed or kLimit since.
  [[nodiscard]] Step resume(std::string_view text);
  // Into the text of the last resume().
  [[nodiscard]] const Lexer::StringToken& quoted_body() const noexcept { return quoted_body_; }
  // What is known so far; all of it after kDone.
  [[nodiscard]] const Fetched& fetched() const noexcept { return fetched_; }

 private:
  enum class Item { kPlain, kBodyLiteral, kBodyQuoted };

  [[nodiscard]] Item expect_fetch_item(Lexer& lexer);
  [[nodiscard]] Item expect_body(Lexer& lexer);
  void expect_known_value(Lexer& lexer, std::string_view name);
  void expect_gmail_value(Lexer& lexer, std::string_view name);

  std::size_t max_items_;
  std::size_t max_depth_;
  std::size_t max_labels_;
  bool extra_space_;
  std::size_t items_ = 0;
  Fetched fetched_{*SeqNum::from(1)};
  Lexer::StringToken quoted_body_{};
};

} // namespace mailmoor::imap

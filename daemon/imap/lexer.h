// Reads the words of one response from text that is all there, its literals in place as "{n}" CRLF and n octets.
//
// Two families of methods: take_… and skip_… try, and on no match change nothing and return empty or false;
// expect_… must match, and a mismatch is recorded: status() keeps the first failure, so that grammar reads as a row of
// calls with one check at the end. Views are into the text given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::imap {

class Lexer final {
 public:
  enum class Status {
    kOk,
    kPending,   // stopped before a literal that has been announced ("{n}" ends the text) and has not come
    kMalformed, // not the grammar
    kTooDeep,   // lists nested deeper, or with more in them, than the limit
  };

  // A quoted string or a literal.
  struct StringToken {
    std::string_view raw;
    bool escaped; // raw has backslash escapes to undo: unescape()
  };

  // `extra_space`: more spaces than the grammar has are let through between list items and at the end.
  Lexer(std::string_view text, std::size_t max_depth, bool extra_space) noexcept
      : text_(text), max_depth_(max_depth), extra_space_(extra_space) {}

  [[nodiscard]] Status status() const noexcept { return status_; }
  [[nodiscard]] bool ok() const noexcept { return status_ == Status::kOk; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }
  void fail(Status status) noexcept {
    if (ok()) status_ = status;
  }

  bool take(char c) noexcept;
  // `word` in any case, followed by no other atom character.
  bool take_word(std::string_view word) noexcept;
  bool take_nil() noexcept { return take_word("NIL"); }
  // One or more ATOM-CHAR and "]" (RFC 9051 §9, ASTRING-CHAR).
  [[nodiscard]] std::optional<std::string_view> take_atom() noexcept;
  // flag, flag-extension and mbx-list-flag: what stands between spaces and parentheses.
  [[nodiscard]] std::optional<std::string_view> take_flag() noexcept;
  // number64, not the start of an atom; empty too when it does not fit.
  [[nodiscard]] std::optional<std::uint64_t> take_number() noexcept;
  // nz-number, 32 bits.
  [[nodiscard]] std::optional<std::uint32_t> take_nz_number() noexcept;
  // quoted / literal. Empty with kPending when the literal has not come, with kMalformed when it is cut or has NUL.
  [[nodiscard]] std::optional<StringToken> take_string() noexcept;
  // astring, unescaped.
  [[nodiscard]] std::optional<std::string> take_astring();

  void expect(char c) noexcept;
  // Walks "(a b c)" once its "(" is taken: true when an item stands next, false after the ")" or a failure.
  // for (bool first = true; lexer.expect_item(first);) …
  [[nodiscard]] bool expect_item(bool& first) noexcept;
  // One value of any kind, with all that is nested in it: atom, number, string, literal, list.
  void expect_value() noexcept;
  void expect_end() noexcept;

 private:
  [[nodiscard]] std::optional<StringToken> take_quoted() noexcept;
  [[nodiscard]] std::optional<StringToken> take_literal() noexcept;
  void skip_spaces() noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t max_depth_;
  bool extra_space_;
  Status status_ = Status::kOk;
};

[[nodiscard]] std::string unescape(const Lexer::StringToken& token);

} // namespace mailmoor::imap

// One whole response that is not FETCH → its meaning. Pure.
#pragma once

#include "imap/limits.h"
#include "imap/quirks.h"
#include "imap/response.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

namespace mailmoor::imap {

// resp-cond-state, resp-cond-bye, resp-cond-auth: "OK [ALERT] text" and its like.
struct StatusResponse {
  enum class Kind { kOk, kNo, kBad, kBye, kPreauth };
  Kind kind;
  ResponseText text;
};

struct CapabilityList {
  std::string_view words;
};

// RFC 5161 §3.2.
struct EnabledList {
  std::string_view words;
};

// Known, well-formed as far as one looks, and of no use to us: FLAGS, RECENT, SEARCH …
struct Ignored {};

enum class Unreadable { kMalformed, kTooDeep };

using Untagged = std::variant<StatusResponse, CapabilityList, EnabledList, ListEntry, StatusEntry, Exists, Expunged,
                              Vanished, ServerId, Ignored, Unreadable>;

// `text`: what follows "* ".
[[nodiscard]] Untagged parse_untagged(std::string_view text, const Limits& limits, const Quirks& quirks);

// `text`: what follows the tag or "* ". Empty when it does not start with one of the five words.
[[nodiscard]] std::optional<StatusResponse> parse_status_response(std::string_view text, const Quirks& quirks);

// Whether a "{n}" at the end of `text`, which follows the tag or "* ", stands in text for people, where RFC 9051 §9
// has no literals: the line is OK, NO, BAD, BYE or PREAUTH and no response code is open.
[[nodiscard]] bool is_free_text(std::string_view text);

struct FetchStart {
  SeqNum seq;
  std::size_t size; // of "12 FETCH ("
};

// message-data = nz-number SP "FETCH" SP "(" …; `text`: what follows "* ".
[[nodiscard]] std::optional<FetchStart> take_fetch_start(std::string_view text);

} // namespace mailmoor::imap

// RFC 9457 problem documents: {"type","title","status","detail","remedy"}; where a mailbox is concerned also
// "mailbox" and "state"; for a rejected configuration "errors". `type` is "urn:mailmoor:problem:" + code.
#pragma once

#include "util/error.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::control {

inline constexpr std::string_view kProblemContentType = "application/problem+json";

struct Problem {
  int status = 500;                  // HTTP
  std::string code{};                // the last part of `type`: Error::code, or one of this room
  std::string title{};               // the status' own phrase
  std::string detail{};              // what was seen
  std::string remedy{};              // what to do; may be empty
  std::string mailbox{};             // empty: none concerned
  std::string state{};               // that mailbox's state name; empty: unknown
  std::vector<std::string> errors{}; // "file:line:column: …"
};

// The HTTP status follows the kind: operator 409, bug 500, all else 502 (what Mailmoor depends on failed).
[[nodiscard]] Problem problem_from(const Error& error);
[[nodiscard]] Problem make_problem(int status, std::string_view code, std::string_view detail,
                                   std::string_view remedy = {});

[[nodiscard]] std::string to_json(const Problem& problem);
// Errors are kBug, code "bad_reply".
[[nodiscard]] Result<Problem> problem_from_json(std::string_view json);

} // namespace mailmoor::control

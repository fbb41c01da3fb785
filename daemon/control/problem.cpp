#include "control/problem.h"

#include "control/json_object.h"
#include "util/concat.h"

#include <microhttpd.h>

namespace mailmoor::control {

namespace {

constexpr std::string_view kTypePrefix = "urn:mailmoor:problem:";

int http_status(ErrorKind kind) noexcept {
  switch (kind) {
  case ErrorKind::kOperator: return MHD_HTTP_CONFLICT;
  case ErrorKind::kBug: return MHD_HTTP_INTERNAL_SERVER_ERROR;
  case ErrorKind::kMessage:
  case ErrorKind::kFolder:
  case ErrorKind::kMailbox:
  case ErrorKind::kHost:
  case ErrorKind::kApp: return MHD_HTTP_BAD_GATEWAY;
  }
  return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

} // namespace

Problem make_problem(int status, std::string_view code, std::string_view detail, std::string_view remedy) {
  Problem problem;
  problem.status = status;
  problem.code = code;
  problem.title = MHD_get_reason_phrase_for(static_cast<unsigned>(status));
  problem.detail = detail;
  problem.remedy = remedy;
  return problem;
}

Problem problem_from(const Error& error) {
  return make_problem(http_status(error.kind), error.code, error.what, error.remedy);
}

std::string to_json(const Problem& problem) {
  Json json = {{"type", concat(kTypePrefix, problem.code)},
               {"title", problem.title},
               {"status", problem.status},
               {"detail", problem.detail},
               {"remedy", problem.remedy}};
  if (!problem.mailbox.empty()) json["mailbox"] = problem.mailbox;
  if (!problem.state.empty()) json["state"] = problem.state;
  if (!problem.errors.empty()) json["errors"] = string_array(problem.errors);
  return dump(json);
}

Result<Problem> problem_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a problem document that is not JSON");
  ObjectReader reader(*json);
  Problem problem;
  unsigned status = 0;
  std::string type;
  reader.read("type", type);
  reader.read("title", problem.title);
  reader.read("status", status);
  reader.read("detail", problem.detail);
  reader.read("remedy", problem.remedy);
  reader.read("mailbox", problem.mailbox);
  reader.read("state", problem.state);
  reader.read("errors", problem.errors);
  if (!reader.is_good() || !type.starts_with(kTypePrefix) || status < 400 || status > 599)
    return bad_reply("a problem document of another kind");
  problem.status = static_cast<int>(status);
  problem.code = type.substr(kTypePrefix.size());
  return problem;
}

} // namespace mailmoor::control

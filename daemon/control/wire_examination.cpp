// The lines of an examination, both ways.
#include "control/json_object.h"
#include "control/wire.h"

#include <array>
#include <string>
#include <utility>

namespace mailmoor::control {
namespace {

using Kind = ExaminationLine::Kind;

constexpr std::array kKinds = {std::pair(Kind::kCheck, "check"), std::pair(Kind::kFinished, "finished"),
                               std::pair(Kind::kFailed, "failed")};

} // namespace

std::string_view outcome_name(CheckResult::Outcome outcome) noexcept {
  switch (outcome) {
  case CheckResult::Outcome::kGood: return "ok";
  case CheckResult::Outcome::kDoubtful: return "warn";
  case CheckResult::Outcome::kFailed: return "fail";
  case CheckResult::Outcome::kSkipped: return "skipped";
  }
  return "fail";
}

std::string to_json(const ExaminationLine& line) {
  Json json;
  for (const auto& [kind, name] : kKinds)
    if (kind == line.kind) json["event"] = name;
  const CheckResult& result = line.result;
  json["mailbox"] = result.mailbox;
  switch (line.kind) {
  case Kind::kCheck:
    json["check"] = result.check;
    json["outcome"] = outcome_name(result.outcome);
    json["found"] = result.found;
    json["remedy"] = result.remedy;
    json["needs_login"] = result.needs_login;
    break;
  case Kind::kFailed:
    json["error"] = result.found;
    json["remedy"] = result.remedy;
    break;
  case Kind::kFinished: break;
  }
  return dump(json);
}

Result<ExaminationLine> examination_line_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a line of an examination that is not JSON");
  ExaminationLine line;
  CheckResult& result = line.result;
  std::string kind_name;
  std::string outcome;
  ObjectReader reader(*json);
  reader.read("event", kind_name);
  reader.read("mailbox", result.mailbox);
  reader.read("check", result.check);
  reader.read("outcome", outcome);
  reader.read("found", result.found);
  reader.read("error", result.found);
  reader.read("remedy", result.remedy);
  reader.read("needs_login", result.needs_login);
  bool known = false;
  for (const auto& [kind, name] : kKinds) {
    if (kind_name != name) continue;
    line.kind = kind;
    known = true;
  }
  if (!reader.is_good() || !known) return bad_reply("a line of an examination");
  if (line.kind != Kind::kCheck) return line;
  for (const auto value : {CheckResult::Outcome::kGood, CheckResult::Outcome::kDoubtful, CheckResult::Outcome::kFailed,
                           CheckResult::Outcome::kSkipped}) {
    if (outcome_name(value) != outcome) continue;
    result.outcome = value;
    return line;
  }
  return bad_reply("the outcome of a check");
}

} // namespace mailmoor::control

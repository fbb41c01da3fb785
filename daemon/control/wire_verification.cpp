// The lines of a verification, both ways.
#include "control/json_object.h"
#include "control/wire.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace mailmoor::control {
namespace {

using Kind = VerificationLine::Kind;
using Phase = VerifyProgress::Phase;

constexpr std::array kKinds = {std::pair(Kind::kProgress, "progress"), std::pair(Kind::kFolder, "folder"),
                               std::pair(Kind::kFinished, "finished"), std::pair(Kind::kFailed, "failed")};
constexpr std::array kPhases = {std::pair(Phase::kListing, "listing"), std::pair(Phase::kReading, "reading"),
                                std::pair(Phase::kComparing, "comparing"), std::pair(Phase::kRepairing, "repairing")};

template<class Table, class Value>
[[nodiscard]] std::string_view name_of(const Table& table, Value value) {
  for (const auto& [known, name] : table)
    if (known == value) return name;
  return {};
}

template<class Table, class Value>
[[nodiscard]] bool value_of(const Table& table, std::string_view name, Value& out) {
  for (const auto& [known, known_name] : table) {
    if (name != known_name) continue;
    out = known;
    return true;
  }
  return false;
}

// Every list of UIDs and of differences, once, for both ways.
constexpr std::array kUidSets = {std::pair("missing", &FolderFindings::missing),
                                 std::pair("removed_here", &FolderFindings::removed_here),
                                 std::pair("poison", &FolderFindings::poison),
                                 std::pair("unreadable", &FolderFindings::unreadable),
                                 std::pair("wrong_content", &FolderFindings::wrong_content),
                                 std::pair("not_given", &FolderFindings::not_given),
                                 std::pair("left_out", &FolderFindings::left_out),
                                 std::pair("not_on_server", &FolderFindings::not_on_server),
                                 std::pair("repaired", &FolderFindings::repaired)};
constexpr std::array kSizes = {std::pair("wrong_size", &FolderFindings::wrong_size),
                               std::pair("size_differs", &FolderFindings::size_differs)};
constexpr std::array kFlags = {std::pair("wrong_flags", &FolderFindings::wrong_flags),
                               std::pair("changed_here", &FolderFindings::changed_here)};

[[nodiscard]] Json uid_array(const UidSet& uids) {
  Json array = Json::array();
  uids.for_each([&array](Uid uid) { array.push_back(uid.value()); });
  return array;
}

void write_findings(const FolderFindings& findings, Json& json) {
  json["folder"] = findings.folder;
  json["complete"] = findings.is_complete();
  json["failed"] = findings.failed;
  json["server_messages"] = findings.server_messages;
  json["here"] = findings.here;
  json["unlisted"] = findings.unlisted;
  json["contents_compared"] = findings.contents_compared;
  for (const auto& [name, member] : kUidSets)
    json[name] = uid_array(findings.*member);
  for (const auto& [name, member] : kSizes) {
    Json& array = json[name] = Json::array();
    for (const SizeDifference& row : findings.*member)
      array.push_back({{"uid", row.uid}, {"here", row.here}, {"expected", row.expected}});
  }
  for (const auto& [name, member] : kFlags) {
    Json& array = json[name] = Json::array();
    for (const FlagDifference& row : findings.*member)
      array.push_back({{"uid", row.uid}, {"server", row.server}, {"here", row.here}});
  }
  json["extra"] = string_array(findings.strangers);
  json["extra_count"] = findings.stranger_count;
}

[[nodiscard]] bool read_uid(const Json& element, UidSet& uids) {
  if (!element.is_number_unsigned() || element.get<std::uint64_t>() > UINT32_MAX) return false;
  const auto uid = Uid::from(element.get<std::uint32_t>());
  if (uid) uids.insert(*uid);
  return uid.has_value();
}

[[nodiscard]] bool read_size(const Json& element, std::vector<SizeDifference>& rows) {
  SizeDifference& row = rows.emplace_back();
  ObjectReader reader(element);
  reader.read("uid", row.uid);
  reader.read("here", row.here);
  reader.read("expected", row.expected);
  return reader.is_good();
}

[[nodiscard]] bool read_flags(const Json& element, std::vector<FlagDifference>& rows) {
  FlagDifference& row = rows.emplace_back();
  ObjectReader reader(element);
  reader.read("uid", row.uid);
  reader.read("server", row.server);
  reader.read("here", row.here);
  return reader.is_good();
}

void read_findings(ObjectReader& reader, FolderFindings& findings) {
  reader.read("folder", findings.folder);
  reader.read("failed", findings.failed);
  reader.read("server_messages", findings.server_messages);
  reader.read("here", findings.here);
  reader.read("unlisted", findings.unlisted);
  reader.read("contents_compared", findings.contents_compared);
  for (const auto& [name, member] : kUidSets) {
    UidSet& uids = findings.*member;
    reader.read_each(name, [&uids](const Json& element) { return read_uid(element, uids); });
  }
  for (const auto& [name, member] : kSizes) {
    auto& rows = findings.*member;
    reader.read_each(name, [&rows](const Json& element) { return read_size(element, rows); });
  }
  for (const auto& [name, member] : kFlags) {
    auto& rows = findings.*member;
    reader.read_each(name, [&rows](const Json& element) { return read_flags(element, rows); });
  }
  reader.read("extra", findings.strangers);
  reader.read("extra_count", findings.stranger_count);
}

} // namespace

std::string to_json(const VerificationLine& line) {
  Json json;
  json["event"] = name_of(kKinds, line.kind);
  json["mailbox"] = line.mailbox;
  switch (line.kind) {
  case Kind::kProgress:
    json["folder"] = line.progress.folder;
    json["phase"] = name_of(kPhases, line.progress.phase);
    json["done"] = line.progress.done;
    json["total"] = line.progress.total;
    break;
  case Kind::kFolder: write_findings(line.findings, json); break;
  case Kind::kFinished:
    json["complete"] = line.summary.incomplete == 0;
    json["folders"] = line.summary.folders;
    json["incomplete"] = line.summary.incomplete;
    json["server_messages"] = line.summary.server_messages;
    json["here"] = line.summary.here;
    json["not_chosen"] = string_array(line.summary.not_chosen);
    break;
  case Kind::kFailed:
    json["error"] = line.error;
    json["remedy"] = line.remedy;
    json["code"] = line.code;
    break;
  }
  return dump(json);
}

Result<VerificationLine> verification_line_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a line of a verification that is not JSON");
  VerificationLine line;
  ObjectReader reader(*json);
  std::string kind;
  reader.read("event", kind);
  reader.read("mailbox", line.mailbox);
  if (!value_of(kKinds, kind, line.kind)) return bad_reply("a line of a verification of another kind");
  std::string phase = "listing";
  switch (line.kind) {
  case Kind::kProgress:
    reader.read("folder", line.progress.folder);
    reader.read("phase", phase);
    reader.read("done", line.progress.done);
    reader.read("total", line.progress.total);
    if (!value_of(kPhases, phase, line.progress.phase)) reader.refuse();
    break;
  case Kind::kFolder: read_findings(reader, line.findings); break;
  case Kind::kFinished:
    reader.read("folders", line.summary.folders);
    reader.read("incomplete", line.summary.incomplete);
    reader.read("server_messages", line.summary.server_messages);
    reader.read("here", line.summary.here);
    reader.read("not_chosen", line.summary.not_chosen);
    break;
  case Kind::kFailed:
    reader.read("error", line.error);
    reader.read("remedy", line.remedy);
    reader.read("code", line.code);
    break;
  }
  if (!reader.is_good()) return bad_reply("a line of a verification");
  return line;
}

} // namespace mailmoor::control

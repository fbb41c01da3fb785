#include "control/wire.h"

#include "control/json_object.h"

#include <array>
#include <utility>

namespace mailmoor::control {

namespace {

constexpr std::array kStates = {MailboxState::kNeedsLogin, MailboxState::kConnecting, MailboxState::kSyncing,
                                MailboxState::kIdle,       MailboxState::kBackingOff, MailboxState::kThrottled,
                                MailboxState::kPaused,     MailboxState::kHeld,       MailboxState::kFailed};

std::optional<MailboxState> state_from_name(std::string_view name) {
  for (const MailboxState state : kStates)
    if (mailbox_state_name(state) == name) return state;
  return std::nullopt;
}

template<class T, class Function>
Json array_of(const std::vector<T>& values, Function to_element) {
  Json array = Json::array();
  for (const T& value : values)
    array.push_back(to_element(value));
  return array;
}

Json poison_json(const PoisonStatus& poison) {
  return {{"folder", poison.folder},
          {"uid", poison.uid},
          {"reason", poison.reason},
          {"retry_at", time_or_null(poison.retry_at)}};
}

Json too_large_json(const TooLargeStatus& message) {
  return {{"folder", message.folder}, {"uid", message.uid}, {"size", message.size}};
}

Json folder_json(const FolderStatus& folder) {
  return {{"name", folder.name},       {"directory", folder.directory}, {"chosen", folder.chosen},
          {"why", folder.why},         {"messages", folder.messages},   {"behind", folder.behind},
          {"too_old", folder.too_old}, {"too_large", folder.too_large}, {"last_sync", time_or_null(folder.last_sync)}};
}

Json mailbox_json(const MailboxStatus& mailbox) {
  return {{"name", mailbox.name},
          {"app", mailbox.app},
          {"login_user", mailbox.login_user},
          {"state", mailbox_state_name(mailbox.state)},
          {"since", to_rfc3339(mailbox.since)},
          {"reason", mailbox.reason},
          {"remedy", mailbox.remedy},
          {"retry_at", time_or_null(mailbox.retry_at)},
          {"last_sync", time_or_null(mailbox.last_sync)},
          {"messages", mailbox.messages},
          {"behind", mailbox.behind},
          {"messages_per_second", mailbox.messages_per_second},
          {"rate_limit", mailbox.rate_limit ? Json(*mailbox.rate_limit) : Json()},
          {"daily_bytes", mailbox.daily_bytes},
          {"daily_bytes_used", mailbox.daily_bytes_used},
          {"messages_fetched", mailbox.messages_fetched},
          {"octets_fetched", mailbox.octets_fetched},
          {"poison", array_of(mailbox.poison, poison_json)},
          {"too_large", array_of(mailbox.too_large, too_large_json)},
          {"token_expires_at", time_or_null(mailbox.token_expires_at)},
          {"folders", array_of(mailbox.folders, folder_json)}};
}

constexpr std::array kAppStates = {std::pair(AppStatus::State::kServing, "serving"),
                                   std::pair(AppStatus::State::kThrottled, "throttled"),
                                   std::pair(AppStatus::State::kRefused, "refused")};

Json app_json(const AppStatus& app) {
  const auto state = std::ranges::find(kAppStates, app.state, &std::pair<AppStatus::State, const char*>::first);
  return {{"name", app.name},
          {"state", state->second},
          {"reason", app.reason},
          {"remedy", app.remedy},
          {"retry_at", time_or_null(app.retry_at)},
          {"mailboxes", app.mailboxes}};
}

bool read_app(const Json& json, AppStatus& app) {
  ObjectReader reader(json);
  std::string name;
  reader.read("name", app.name);
  reader.read("state", name);
  reader.read("reason", app.reason);
  reader.read("remedy", app.remedy);
  reader.read("retry_at", app.retry_at);
  reader.read("mailboxes", app.mailboxes);
  const auto state =
      std::ranges::find(kAppStates, name, [](const auto& each) { return std::string_view(each.second); });
  if (state == kAppStates.end()) return false;
  app.state = state->first;
  return reader.is_good();
}

bool read_poison(const Json& json, std::vector<PoisonStatus>& out) {
  ObjectReader reader(json);
  PoisonStatus& poison = out.emplace_back();
  reader.read("folder", poison.folder);
  reader.read("uid", poison.uid);
  reader.read("reason", poison.reason);
  reader.read("retry_at", poison.retry_at);
  return reader.is_good();
}

bool read_too_large(const Json& json, std::vector<TooLargeStatus>& out) {
  ObjectReader reader(json);
  TooLargeStatus& message = out.emplace_back();
  reader.read("folder", message.folder);
  reader.read("uid", message.uid);
  reader.read("size", message.size);
  return reader.is_good();
}

bool read_folder(const Json& json, std::vector<FolderStatus>& out) {
  ObjectReader reader(json);
  FolderStatus& folder = out.emplace_back();
  reader.read("name", folder.name);
  reader.read("directory", folder.directory);
  reader.read("chosen", folder.chosen);
  reader.read("why", folder.why);
  reader.read("messages", folder.messages);
  reader.read("behind", folder.behind);
  reader.read("too_old", folder.too_old);
  reader.read("too_large", folder.too_large);
  reader.read("last_sync", folder.last_sync);
  return reader.is_good();
}

bool read_mailbox(const Json& json, MailboxStatus& mailbox) {
  ObjectReader reader(json);
  std::string state;
  reader.read("name", mailbox.name);
  reader.read("app", mailbox.app);
  reader.read("login_user", mailbox.login_user);
  reader.read("state", state);
  reader.read("since", mailbox.since);
  reader.read("reason", mailbox.reason);
  reader.read("remedy", mailbox.remedy);
  reader.read("retry_at", mailbox.retry_at);
  reader.read("last_sync", mailbox.last_sync);
  reader.read("messages", mailbox.messages);
  reader.read("behind", mailbox.behind);
  reader.read("messages_per_second", mailbox.messages_per_second);
  reader.read("rate_limit", mailbox.rate_limit);
  reader.read("daily_bytes", mailbox.daily_bytes);
  reader.read("daily_bytes_used", mailbox.daily_bytes_used);
  reader.read("messages_fetched", mailbox.messages_fetched);
  reader.read("octets_fetched", mailbox.octets_fetched);
  reader.read("token_expires_at", mailbox.token_expires_at);
  reader.read_each("poison", [&mailbox](const Json& element) { return read_poison(element, mailbox.poison); });
  reader.read_each("too_large", [&mailbox](const Json& each) { return read_too_large(each, mailbox.too_large); });
  reader.read_each("folders", [&mailbox](const Json& element) { return read_folder(element, mailbox.folders); });
  const auto known_state = state_from_name(state);
  if (!known_state || mailbox.name.empty()) return false;
  mailbox.state = *known_state;
  return reader.is_good();
}

constexpr std::array kLoginEvents = {std::pair(LoginEvent::Kind::kPrompt, "prompt"),
                                     std::pair(LoginEvent::Kind::kSignedIn, "signed_in"),
                                     std::pair(LoginEvent::Kind::kFailed, "failed")};

constexpr std::array kLoginFlows = {std::pair(LoginFlow::kDevice, "device"), std::pair(LoginFlow::kBrowser, "browser"),
                                    std::pair(LoginFlow::kPaste, "paste")};

void write_prompt(const LoginEvent& event, Json& json) {
  if (event.flow == LoginFlow::kDevice) {
    json["verification_uri"] = event.verification_uri;
    if (!event.verification_uri_complete.empty()) json["verification_uri_complete"] = event.verification_uri_complete;
    json["user_code"] = event.user_code;
  } else {
    json["authorization_url"] = event.authorization_url;
  }
  json["expires_at"] = time_or_null(event.expires_at);
  json["flow"] = login_flow_name(event.flow);
  if (!event.note.empty()) json["note"] = event.note;
}

} // namespace

std::string_view login_flow_name(LoginFlow flow) {
  for (const auto& [known, name] : kLoginFlows)
    if (known == flow) return name;
  return {};
}

std::optional<LoginFlow> login_flow_from_name(std::string_view name) {
  if (name.empty()) return LoginFlow::kAny;
  for (const auto& [flow, known] : kLoginFlows)
    if (name == known) return flow;
  return std::nullopt;
}

std::string to_json(const FleetStatus& status) {
  return dump({{"version", status.version},
               {"started_at", to_rfc3339(status.started_at)},
               {"key_source", status.key_source},
               {"summary", status.summary},
               {"apps", array_of(status.apps, app_json)},
               {"mailboxes", array_of(status.mailboxes, mailbox_json)}});
}

std::string to_json(const MailboxStatus& status) {
  return dump(mailbox_json(status));
}

std::string to_json(const std::vector<FolderStatus>& folders) {
  return dump({{"folders", array_of(folders, folder_json)}});
}

std::string to_json(const LoginEvent& event) {
  Json json;
  for (const auto& [kind, name] : kLoginEvents)
    if (kind == event.kind) json["event"] = name;
  json["mailbox"] = event.mailbox;
  switch (event.kind) {
  case LoginEvent::Kind::kPrompt: write_prompt(event, json); break;
  case LoginEvent::Kind::kFailed:
    json["error"] = event.error;
    json["remedy"] = event.remedy;
    if (!event.code.empty()) json["code"] = event.code;
    break;
  case LoginEvent::Kind::kSignedIn: break;
  }
  return dump(json);
}

std::string to_json(const ReloadReport& report) {
  return dump({{"added", string_array(report.added)},
               {"changed", string_array(report.changed)},
               {"removed", string_array(report.removed)}});
}

std::string to_json(const KeyRotation& rotation) {
  return dump({{"key_source", rotation.key_source},
               {"values", rotation.values},
               {"unreadable", rotation.unreadable},
               {"next", rotation.next}});
}

std::string to_json(const Versions& versions) {
  Json parts = Json::object();
  for (const auto& [name, version] : versions.parts)
    parts[name] = version;
  return dump({{"version", versions.daemon}, {"parts", parts}});
}

Result<FleetStatus> fleet_status_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("status that is not JSON");
  FleetStatus status;
  ObjectReader reader(*json);
  reader.read("version", status.version);
  reader.read("started_at", status.started_at);
  reader.read("key_source", status.key_source);
  reader.read("summary", status.summary);
  reader.read_each("apps", [&status](const Json& element) { return read_app(element, status.apps.emplace_back()); });
  reader.read_each("mailboxes",
                   [&status](const Json& element) { return read_mailbox(element, status.mailboxes.emplace_back()); });
  if (!reader.is_good()) return bad_reply("status with a member of another type");
  return status;
}

Result<MailboxStatus> mailbox_status_from_json(std::string_view text) {
  const auto json = parse_json(text);
  MailboxStatus status;
  if (!json || !read_mailbox(*json, status)) return bad_reply("the status of a mailbox");
  return status;
}

Result<std::vector<FolderStatus>> folders_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("folders that are not JSON");
  std::vector<FolderStatus> folders;
  ObjectReader reader(*json);
  reader.read_each("folders", [&folders](const Json& element) { return read_folder(element, folders); });
  if (!reader.is_good()) return bad_reply("the list of folders");
  return folders;
}

Result<LoginEvent> login_event_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a login event that is not JSON");
  LoginEvent event;
  std::string name;
  std::string flow = "device"; // what a daemon that names none does
  ObjectReader reader(*json);
  reader.read("event", name);
  reader.read("mailbox", event.mailbox);
  reader.read("flow", flow);
  reader.read("note", event.note);
  reader.read("authorization_url", event.authorization_url);
  reader.read("verification_uri", event.verification_uri);
  reader.read("verification_uri_complete", event.verification_uri_complete);
  reader.read("user_code", event.user_code);
  reader.read("expires_at", event.expires_at);
  reader.read("error", event.error);
  reader.read("remedy", event.remedy);
  reader.read("code", event.code);
  const auto known_flow = login_flow_from_name(flow);
  if (!reader.is_good() || !known_flow || flow.empty()) return bad_reply("a login event");
  event.flow = *known_flow;
  for (const auto& [kind, known] : kLoginEvents) {
    if (name != known) continue;
    event.kind = kind;
    return event;
  }
  return bad_reply("a login event of another kind");
}

Result<ReloadReport> reload_report_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a report that is not JSON");
  ReloadReport report;
  ObjectReader reader(*json);
  reader.read("added", report.added);
  reader.read("changed", report.changed);
  reader.read("removed", report.removed);
  if (!reader.is_good()) return bad_reply("the report of a reload");
  return report;
}

Result<KeyRotation> key_rotation_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return bad_reply("a key rotation that is not JSON");
  KeyRotation rotation;
  ObjectReader reader(*json);
  reader.read("key_source", rotation.key_source);
  reader.read("values", rotation.values);
  reader.read("unreadable", rotation.unreadable);
  reader.read("next", rotation.next);
  if (!reader.is_good()) return bad_reply("a key rotation");
  return rotation;
}

Result<Versions> versions_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return bad_reply("versions");
  Versions versions;
  ObjectReader reader(*json);
  reader.read("version", versions.daemon);
  if (const auto parts = json->find("parts"); parts != json->end() && parts->is_object())
    for (const auto& [name, version] : parts->items())
      if (version.is_string()) versions.parts.emplace_back(name, version.get<std::string>());
  if (!reader.is_good()) return bad_reply("versions");
  return versions;
}

} // namespace mailmoor::control

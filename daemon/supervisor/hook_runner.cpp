#include "supervisor/hook_runner.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <nlohmann/json.hpp>

namespace mailmoor::supervisor {
namespace {

// A hook that pages someone takes a second; one that indexes a large Maildir a minute or two.
constexpr runtime::Duration kLimit = std::chrono::minutes(5);
constexpr std::size_t kAtOnce = 2;
constexpr std::size_t kMaxWaiting = 64;

constexpr std::array kPassedOn = {"HOME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LOGNAME", "PATH", "TZ", "USER"};
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

[[nodiscard]] std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

} // namespace

std::vector<std::string> hook_environment(const HookCall& call) {
  std::vector<std::string> out;
  bool has_path = false;
  for (const char* const name : kPassedOn) {
    const char* const value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nobody changes it
    if (value == nullptr) continue;
    has_path |= std::string_view(name) == "PATH";
    out.push_back(concat(name, '=', value));
  }
  if (!has_path) out.push_back(concat("PATH=", kDefaultPath));
  out.push_back(concat("MAILMOOR_HOOK=", call.hook));
  for (const auto& [name, value] : call.facts)
    out.push_back(concat("MAILMOOR_", upper(name), '=', std::string_view(value).substr(0, value.find('\0'))));
  return out;
}

std::string hook_input(const HookCall& call) {
  nlohmann::json json = {{"hook", call.hook}};
  for (const auto& [name, value] : call.facts)
    json[name] = value;
  return json.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + "\n";
}

HookRunner::HookRunner(const mailbox::Services& services) : services_(services), workers_(services.loop) {}

bool HookRunner::call(HookCall call) {
  const auto same = std::ranges::find_if(
      queue_, [&call](const HookCall& other) { return other.hook == call.hook && other.subject == call.subject; });
  if (same != queue_.end()) {
    *same = std::move(call);
    return true;
  }
  if (queue_.size() >= kMaxWaiting) return false;
  queue_.push_back(std::move(call));
  if (working_ >= kAtOnce) return true;
  ++working_;
  workers_.spawn(work());
  return true;
}

runtime::Task<void> HookRunner::work() {
  while (!queue_.empty()) {
    HookCall call = std::move(queue_.front());
    queue_.pop_front();
    auto running = run(std::move(call));
    co_await running;
  }
  --working_;
}

runtime::Task<void> HookRunner::run(HookCall call) {
  runtime::ChildCommand command;
  command.argv = call.argv;
  command.environment = hook_environment(call);
  command.input = hook_input(call);
  command.limit = kLimit;
  command.on_line = [&call](std::string_view line) {
    log::write(log::Priority::kInfo, {.mailbox = call.mailbox, .event = "hook_output"},
               concat(call.hook, ": ", printable(line)));
  };
  auto running = runtime::run_child(services_.loop, std::move(command));
  const Result<runtime::ChildEnd> end = co_await running;
  const std::string what = end ? concat(call.argv.front(), ": ", runtime::describe(*end)) : end.error().what;
  const std::string fault = concat(call.hook, "_hook_failed");
  if (end && end->is_good()) {
    services_.faults.clear("", "", fault, services_.now());
    if (end->dropped != 0)
      log::write(log::Priority::kInfo, {.mailbox = call.mailbox, .event = "hook_output"},
                 concat(call.hook, ": ", end->dropped, " more bytes of its output were dropped"));
  } else {
    services_.faults.raise(log::Priority::kErr, {.error = fault, .catalog = &log::events::kHookFailed},
                           concat("the hook ", call.hook, " failed, so perhaps nobody was told: ", what),
                           services_.now());
  }
  if (call.on_end) call.on_end();
}

} // namespace mailmoor::supervisor

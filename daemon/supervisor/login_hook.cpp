#include "supervisor/login_hook.h"

#include "log/log.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::supervisor {
namespace {

// Rows read at a time: the store thread has other work, too.
constexpr std::size_t kBatch = 500;

// No mailbox can have this name.
[[nodiscard]] std::string row_of(const std::string& key) {
  return concat("hook ", key);
}

} // namespace

void LoginHook::look(const std::vector<std::string>& argv, std::vector<HookSubject> subjects) {
  std::vector<std::string> unread;
  std::set<std::string> seen;
  for (HookSubject& subject : subjects) {
    seen.insert(subject.key);
    const auto told = told_.find(subject.key);
    if (told == told_.end()) {
      if (unread.size() < kBatch) unread.push_back(subject.key);
      continue;
    }
    const SharedTold known = told->second;
    consider(argv, std::move(subject), known);
  }
  std::erase_if(told_, [&seen](const auto& entry) { return !seen.contains(entry.first); });
  if (!unread.empty() && !loader_.is_running()) loader_.start(load(std::move(unread)), [] {});
}

runtime::Task<void> LoginHook::load(std::vector<std::string> keys) {
  auto job = [this, keys] {
    std::vector<std::pair<std::string, std::string>> read;
    for (const std::string& key : keys) {
      const auto stored = services_.state.load_mailbox_blocking(row_of(key));
      read.emplace_back(key, stored ? stored->record.error_code : "");
    }
    return read;
  };
  const auto read = co_await services_.store_thread.run(std::move(job));
  for (const auto& [key, code] : read) {
    auto told = std::make_shared<Told>();
    told->code = code;
    told_.try_emplace(key, std::move(told));
  }
}

void LoginHook::consider(const std::vector<std::string>& argv, HookSubject subject, const SharedTold& told) {
  if (told->calling) return;
  switch (subject.state) {
  case HookSubject::State::kUnknown: return;
  case HookSubject::State::kFine:
    if (told->code.empty()) return;
    told->code.clear();
    return remember(subject.key, {});
  case HookSubject::State::kNeedsSomeone: break;
  }
  if (argv.empty() || told->code == subject.code) return;
  HookCall call;
  call.hook = "login_needed";
  call.subject = subject.key;
  call.mailbox = subject.mailbox;
  call.argv = argv;
  call.facts = std::move(subject.facts);
  // Kept when it has run, well or not: who is killed in between calls again rather than not at all.
  call.on_end = [this, told, key = subject.key, code = subject.code] {
    told->calling = false;
    told->code = code;
    remember(key, code);
  };
  told->calling = runner_.call(std::move(call));
}

void LoginHook::remember(const std::string& key, std::string code) {
  store::MailboxRecord record;
  record.error_code = std::move(code);
  services_.store_thread.run_detached([&state = services_.state, row = row_of(key), record] {
    const Status saved = state.save_mailbox_blocking(row, record);
    if (!saved)
      log::write(log::Priority::kErr, {.event = "state_not_recorded", .error = saved.error().code},
                 concat("for whom the hook login_needed was called could not be recorded: after a restart it may be "
                        "called again: ",
                        saved.error().what));
  });
}

} // namespace mailmoor::supervisor

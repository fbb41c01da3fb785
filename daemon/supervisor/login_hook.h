// When the hook login_needed is called: once when a mailbox starts to need a person for its sign-in, and once when an
// app registration is refused as a whole; again only when the reason is another one, or after all was well in between.
// What has been told is kept in state.db, so that a restart tells nothing twice.
// Owned by the fleet, which shows it everything every few seconds. Loop thread only.
#pragma once

#include "mailbox/services.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "supervisor/hook_runner.h"

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::supervisor {

// A mailbox or an app, as of now.
struct HookSubject {
  enum class State { kFine, kNeedsSomeone, kUnknown };
  std::string key; // "mailbox alice", "app contoso": its row in state.db
  State state = State::kUnknown;
  std::string code; // Error::code; not empty with kNeedsSomeone
  std::string mailbox;
  std::vector<std::pair<std::string, std::string>> facts; // for the hook
};

class LoginHook final {
 public:
  LoginHook(const mailbox::Services& services, HookRunner& runner) : services_(services), runner_(runner) {}
  LoginHook(const LoginHook&) = delete;
  LoginHook& operator=(const LoginHook&) = delete;

  // `argv`: empty when no hook is configured. A subject that is not shown any more is forgotten.
  void look(const std::vector<std::string>& argv, std::vector<HookSubject> subjects);

 private:
  struct Told {
    std::string code; // of the last call; empty: none since all was well
    bool calling = false;
  };
  using SharedTold = std::shared_ptr<Told>; // this object and a call under way, which may end after its subject went

  [[nodiscard]] runtime::Task<void> load(std::vector<std::string> keys);
  void remember(const std::string& key, std::string code);
  void consider(const std::vector<std::string>& argv, HookSubject subject, const SharedTold& told);

  const mailbox::Services& services_;
  HookRunner& runner_;
  std::map<std::string, SharedTold> told_; // of all subjects whose row has been read
  runtime::TaskRunner<void> loader_;
};

} // namespace mailmoor::supervisor

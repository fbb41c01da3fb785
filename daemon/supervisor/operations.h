// What an operator can ask of the running fleet. control/ speaks to this interface; the Fleet implements it.
// Loop thread only. Nothing here blocks: calls that take time report through a callback, on the loop thread,
// never from inside the call that registered it.
#pragma once

#include "model/mailbox_state.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::supervisor {

using mailmoor::mailbox_state_name;
using mailmoor::MailboxState;

struct PoisonStatus {
  std::string folder; // UTF-8
  std::uint32_t uid = 0;
  std::string reason;
  std::optional<UnixTime> retry_at;
};

struct FolderStatus {
  std::string name; // UTF-8, as the server has it
  std::string directory;
  bool chosen = false;
  std::string why;            // why it is or is not chosen
  std::uint64_t messages = 0; // delivered by Mailmoor
  std::uint64_t behind = 0;   // known on the server, not delivered yet
  std::optional<UnixTime> last_sync;
};

struct MailboxStatus {
  std::string name;
  MailboxState state = MailboxState::kConnecting;
  UnixTime since{};
  std::string reason; // why it is in this state, for people; empty when all is well
  std::string remedy; // what the reader should do; empty when nothing
  std::optional<UnixTime> retry_at;
  std::optional<UnixTime> last_sync; // last complete pass over all chosen folders
  std::uint64_t messages = 0;
  std::uint64_t behind = 0;
  double messages_per_second = 0;     // over the last minute
  std::uint64_t messages_fetched = 0; // in this run of the daemon
  std::uint64_t octets_fetched = 0;   // of their bodies, as sent
  std::vector<PoisonStatus> poison;
  std::optional<UnixTime> token_expires_at;
  std::vector<FolderStatus> folders;
};

struct FleetStatus {
  std::string version;
  UnixTime started_at{};
  std::string key_source; // e.g. "credential mailmoor.key"
  std::string summary;    // the STATUS= line
  std::vector<MailboxStatus> mailboxes;
};

struct LoginEvent {
  enum class Kind { kPrompt, kSignedIn, kFailed };
  Kind kind = Kind::kFailed;
  std::string mailbox;
  // kPrompt
  std::string verification_uri;
  std::string verification_uri_complete; // empty when the server gives none
  std::string user_code;
  std::optional<UnixTime> expires_at;
  // kFailed
  std::string error;
  std::string remedy;
};

// Cancels what it stands for when destroyed (a client that went away).
class Subscription {
 public:
  virtual ~Subscription() = default;

 protected:
  Subscription() = default;
  Subscription(const Subscription&) = default;
  Subscription& operator=(const Subscription&) = default;
};

struct ReloadReport {
  std::vector<std::string> added, changed, removed; // mailbox names
  std::vector<std::string> errors;                  // "file:line:column: …"; not empty: nothing was changed
};

class Operations {
 public:
  virtual ~Operations() = default;

  [[nodiscard]] virtual FleetStatus status() const = 0;
  [[nodiscard]] virtual std::optional<MailboxStatus> status(std::string_view mailbox) const = 0;

  // Starts a pass now. `done` is called when that pass is complete or failed; keep the result to be told.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>> sync(std::string_view mailbox,
                                                                   std::function<void(Status)> done) = 0;
  [[nodiscard]] virtual Status pause(std::string_view mailbox) = 0;
  [[nodiscard]] virtual Status resume(std::string_view mailbox) = 0;
  // Signs in by device code (RFC 8628); events until kSignedIn or kFailed. Destroying the subscription abandons it.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>>
  login(std::string_view mailbox, std::function<void(const LoginEvent&)> on_event) = 0;
  // Done when the store has forgotten the tokens and the session is closed.
  [[nodiscard]] virtual Status logout(std::string_view mailbox, std::function<void(Status)> done) = 0;
  [[nodiscard]] virtual Status set_password(std::string_view mailbox, Secret password,
                                            std::function<void(Status)> done) = 0;
  virtual void reload(std::function<void(const ReloadReport&)> done) = 0;
  // Whether the watchdog would be fed right now.
  [[nodiscard]] virtual bool healthy() const = 0;
};

} // namespace mailmoor::supervisor

// What the daemon tells an operator of itself: the words that the fleet, the control API and mailmoorctl share.
// Plain values; texts are UTF-8 and for people.
#pragma once

#include "model/mailbox_state.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor {

struct PoisonStatus {
  std::string folder; // UTF-8
  std::uint32_t uid = 0;
  std::string reason;
  std::optional<UnixTime> retry_at;
};

// Left out by max_size.
struct TooLargeStatus {
  std::string folder; // UTF-8
  std::uint32_t uid = 0;
  std::uint64_t size = 0; // octets, as the server tells
};

struct FolderStatus {
  std::string name; // UTF-8, as the server has it
  std::string directory;
  bool chosen = false;
  std::string why;             // why it is or is not chosen
  std::uint64_t messages = 0;  // delivered by Mailmoor
  std::uint64_t behind = 0;    // known on the server, not delivered yet
  std::uint64_t too_old = 0;   // left out by since or max_age
  std::uint64_t too_large = 0; // left out by max_size
  std::optional<UnixTime> last_sync;
};

struct MailboxStatus {
  std::string name;
  std::string app;        // whose OAuth2 registration it signs in with; empty: it has a password
  std::string login_user; // whose token; mailboxes with the same app and login_user share one
  MailboxState state = MailboxState::kConnecting;
  UnixTime since{};
  std::string reason; // why it is in this state, for people; empty when all is well
  std::string remedy; // what the reader should do; empty when nothing
  std::optional<UnixTime> retry_at;
  std::optional<UnixTime> last_sync; // last complete pass over all chosen folders
  std::uint64_t messages = 0;
  std::uint64_t behind = 0;
  double messages_per_second = 0;     // over the last minute
  std::optional<double> rate_limit;   // messages a second, since the server asked for less
  std::uint64_t daily_bytes = 0;      // the cap of any 24 hours; 0: none
  std::uint64_t daily_bytes_used = 0; // of it
  std::uint64_t messages_fetched = 0; // in this run of the daemon
  std::uint64_t octets_fetched = 0;   // of their bodies, as sent
  std::vector<PoisonStatus> poison;
  std::vector<TooLargeStatus> too_large; // the first kMaxTooLarge; FolderStatus counts them all
  std::optional<UnixTime> token_expires_at;
  std::vector<FolderStatus> folders;

  static constexpr std::size_t kMaxTooLarge = 100;
};

// An app registration that something keeps from renewing its tokens, or not.
struct AppStatus {
  enum class State { kServing, kThrottled, kRefused };
  std::string name;
  State state = State::kServing;
  std::string reason; // empty when all is well
  std::string remedy;
  std::optional<UnixTime> retry_at;
  std::uint64_t mailboxes = 0; // that use it
};

struct FleetStatus {
  std::string version;
  UnixTime started_at{};
  std::string key_source;      // e.g. "credential mailmoor.key"
  std::string summary;         // the STATUS= line
  std::vector<AppStatus> apps; // in use, by name
  std::vector<MailboxStatus> mailboxes;
};

// How a person signs in. kBrowser and kPaste are the same to the daemon but for where the browser ends up.
enum class LoginFlow {
  kAny, // which one the server offers
  kDevice,
  kBrowser,
  kPaste,
};

struct LoginRequest {
  LoginFlow flow = LoginFlow::kAny;
  std::uint16_t redirect_port = 0; // where the one who asks listens on loopback; 0: nowhere, which rules kBrowser out
};

struct LoginEvent {
  enum class Kind { kPrompt, kSignedIn, kFailed };
  Kind kind = Kind::kFailed;
  std::string mailbox;
  // kPrompt
  LoginFlow flow = LoginFlow::kDevice; // never kAny
  std::string note;                    // why it is this flow, when another one was to be expected
  std::string authorization_url;       // kBrowser and kPaste
  // kPrompt by kDevice
  std::string verification_uri;
  std::string verification_uri_complete; // empty when the server gives none
  std::string user_code;
  std::optional<UnixTime> expires_at;
  // kFailed
  std::string error;
  std::string remedy;
  std::string code; // of the Error
};

struct ReloadReport {
  std::vector<std::string> added, changed, removed; // mailbox names
  std::vector<std::string> errors;                  // "file:line:column: …"; not empty: nothing was changed
};

} // namespace mailmoor

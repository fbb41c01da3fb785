// What an operator can ask of the running fleet. control/ speaks to this interface; the Fleet implements it.
// Loop thread only. Nothing here blocks: calls that take time report through a callback, on the loop thread,
// never from inside the call that registered it.
#pragma once

#include "model/check_result.h"
#include "model/fleet_metrics.h"
#include "model/fleet_status.h"
#include "model/key_rotation.h"
#include "model/mailbox_state.h"
#include "model/verification.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::supervisor {

using mailmoor::mailbox_state_name;
using mailmoor::MailboxState;

using mailmoor::AppStatus;
using mailmoor::CheckResult;
using mailmoor::FleetMetrics;
using mailmoor::FleetStatus;
using mailmoor::FolderStatus;
using mailmoor::LoginEvent;
using mailmoor::LoginFlow;
using mailmoor::LoginRequest;
using mailmoor::MailboxStatus;
using mailmoor::PoisonStatus;
using mailmoor::ReloadReport;
using mailmoor::VerificationListener;
using mailmoor::VerifyRequest;

// Cancels what it stands for when destroyed (a client that went away).
class Subscription {
 public:
  virtual ~Subscription() = default;

 protected:
  Subscription() = default;
  Subscription(const Subscription&) = default;
  Subscription& operator=(const Subscription&) = default;
};

struct ExaminationListener {
  std::function<void(const CheckResult&)> on_result;
  std::function<void(Status)> on_end; // once; an error: it was broken off
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
  // Allows the removal of what is held. kOperator "nothing_held".
  [[nodiscard]] virtual Status confirm(std::string_view mailbox) = 0;
  // Signs in, by device code (RFC 8628) or by an address that a browser opens and comes back from (RFC 8252); events
  // until kSignedIn or kFailed. Destroying the subscription abandons it, unless what the browser brought is at work.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>>
  login(std::string_view mailbox, LoginRequest request, std::function<void(const LoginEvent&)> on_event) = 0;
  // The address with which a browser came back, or what a person copied of it: for whichever login it answers. `done`
  // is told the mailbox that is signed in, or why none is.
  virtual void answer_login(Secret redirected, std::function<void(Result<std::string>)> done) = 0;
  // Done when the store has forgotten the tokens and the session is closed.
  [[nodiscard]] virtual Status logout(std::string_view mailbox, std::function<void(Status)> done) = 0;
  [[nodiscard]] virtual Status set_password(std::string_view mailbox, Secret password,
                                            std::function<void(Status)> done) = 0;
  // Compares the copy of one mailbox with its server: each folder as it is done, then the end. Destroying the
  // subscription ends it. The mailbox goes on syncing between the steps.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>> verify(std::string_view mailbox, VerifyRequest request,
                                                                     VerificationListener listener) = 0;
  // Examines one mailbox (`mailmoorctl doctor`): each result as it comes, then the end. Destroying the subscription
  // ends it. The mailbox goes on meanwhile.
  [[nodiscard]] virtual Result<std::unique_ptr<Subscription>> examine(std::string_view mailbox,
                                                                      ExaminationListener listener) = 0;
  [[nodiscard]] virtual FleetMetrics metrics() const = 0;
  // Seals the token store with a new master key: `provided`, or when that is empty one as store/key_rotation.h says.
  virtual void rotate_key(Secret provided, std::function<void(Result<KeyRotation>)> done) = 0;
  virtual void reload(std::function<void(const ReloadReport&)> done) = 0;
  // Whether the watchdog would be fed right now.
  [[nodiscard]] virtual bool healthy() const = 0;
};

} // namespace mailmoor::supervisor

#include "imap/response.h"

#include "util/printable.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mailmoor::imap {
namespace {

struct CodeClass {
  std::string_view atom;
  FailureClass failure;
};

// RFC 5530 §3; OVERQUOTA and THROTTLED as Gmail uses them; LIMIT of RFC 9051 §7.1.
constexpr std::array kCodes = {
    CodeClass{"UNAVAILABLE", FailureClass::kTransient},
    CodeClass{"INUSE", FailureClass::kTransient},
    CodeClass{"SERVERBUG", FailureClass::kTransient},
    CodeClass{"LIMIT", FailureClass::kThrottled},
    CodeClass{"OVERQUOTA", FailureClass::kThrottled},
    CodeClass{"THROTTLED", FailureClass::kThrottled},
    CodeClass{"AUTHENTICATIONFAILED", FailureClass::kAuthentication},
    CodeClass{"AUTHORIZATIONFAILED", FailureClass::kAuthentication},
    CodeClass{"EXPIRED", FailureClass::kAuthentication},
    CodeClass{"PRIVACYREQUIRED", FailureClass::kAuthentication},
    CodeClass{"NOPERM", FailureClass::kPermission},
    CodeClass{"CONTACTADMIN", FailureClass::kPermission},
    CodeClass{"NONEXISTENT", FailureClass::kGone},
    CodeClass{"EXPUNGEISSUED", FailureClass::kGone},
};

} // namespace

FailureClass classify(const Completed& completed) {
  if (completed.status == CompletionStatus::kOk) return FailureClass::kNone;
  if (completed.code) {
    const auto known = std::ranges::find(kCodes, completed.code->atom, &CodeClass::atom);
    if (known != kCodes.end()) return known->failure;
  }
  return completed.status == CompletionStatus::kNo ? FailureClass::kRefused : FailureClass::kRequest;
}

std::string loggable(std::string_view text) {
  return printable(text.substr(0, 200));
}

} // namespace mailmoor::imap

// Grants that need no person. What an answer to one of them means differs from what it means to somebody who can sign
// in: nobody can, so an administrator has to act, at the place that the remedy names.
#pragma once

#include "oauth/refusal.h"

namespace mailmoor::oauth {

enum class AppGrant {
  kClientCredentials, // RFC 6749 §4.4: one token for the app itself
  kServiceAccount,    // RFC 7523 §2.1: a token for each user, asked for by a service account
};

// The same refusal as such a grant meets it: never kUserSignsIn or one of the device flow's, no remedy that says
// `login`. A refusal of the app itself is the whole app's; so is every one with kClientCredentials but a passing one.
[[nodiscard]] Refusal without_person(Refusal refusal, AppGrant grant);

} // namespace mailmoor::oauth

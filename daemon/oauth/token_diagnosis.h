// What is wrong with an access token, as far as its own words tell, and what to do about it. Pure; for `doctor` only.
// A cause that the token does not show is never claimed: where only the mail server knows, the remedy is a list of what
// is left.
#pragma once

#include "oauth/token_facts.h"
#include "util/time_text.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

enum class MailService {
  kExchange, // Microsoft: the token must be for Exchange Online and carry an IMAP permission
  kGmail,
  kOther, // only what every JWT says can be looked at
};

struct TokenExpectations {
  MailService service = MailService::kOther;
  std::string mailbox;    // its name, for commands in remedies
  std::string user;       // the mailbox's address
  std::string login_user; // whose token it is to be
  std::string tenant;     // as configured: a GUID, a domain, organizations, consumers, common; may be empty
};

struct TokenFinding {
  enum class Verdict { kGood, kDoubtful, kWrong };
  std::string about; // "token", "token_audience", "token_permission", "token_user", "token_tenant", "token_expiry"
  Verdict verdict = Verdict::kGood;
  std::string what;
  std::string remedy; // one line; empty for kGood

  friend bool operator==(const TokenFinding&, const TokenFinding&) = default;
};

// `facts`: empty for an opaque token. `granted`: the scope that came with it, empty when the server said none.
// `ends_at`: by the token endpoint's word. The first finding says what the token is.
[[nodiscard]] std::vector<TokenFinding> diagnose_token(const std::optional<TokenFacts>& facts, std::string_view granted,
                                                       UnixTime ends_at, const TokenExpectations& expected,
                                                       UnixTime now);

// What to do when the mail server refused a login with this token: empty when a finding about the token itself says it
// already, else what the token cannot show and is worth looking at, in order.
[[nodiscard]] std::string refused_login_remedy(const std::optional<TokenFacts>& facts,
                                               const std::vector<TokenFinding>& findings,
                                               const TokenExpectations& expected);

} // namespace mailmoor::oauth

#include "mailbox/token_answer.h"

#include "oauth/refresh_policy.h"
#include "oauth/refusal.h"

#include <utility>

namespace mailmoor::mailbox {

oauth::HttpReply to_reply(net::HttpAnswer answer) {
  oauth::HttpReply reply;
  reply.status = answer.status;
  reply.retry_after = std::move(answer.headers["retry-after"]);
  reply.content_type = std::move(answer.headers["content-type"]);
  reply.date = std::move(answer.headers["date"]);
  reply.body = std::move(answer.body);
  return reply;
}

store::StoredToken stored_token(oauth::TokenGrant grant, UnixTime asked_at) {
  const oauth::TokenTimes times = oauth::token_times(grant, asked_at);
  store::StoredToken token;
  token.refresh_token = std::move(grant.refresh_token);
  token.access_token = std::move(grant.access_token);
  token.obtained_at = times.obtained_at;
  token.expires_at = times.expires_at;
  token.refresh_at = times.refresh_at;
  token.scope = std::move(grant.scope);
  return token;
}

store::StoredToken with_refresh_token(const store::StoredToken& before, Secret refresh_token) {
  store::StoredToken token;
  token.refresh_token = std::move(refresh_token);
  token.access_token = before.access_token.clone();
  token.obtained_at = before.obtained_at;
  token.expires_at = before.expires_at;
  token.refresh_at = before.refresh_at;
  token.scope = before.scope;
  return token;
}

std::optional<store::StoredToken> token_after(const store::StoredToken& before, net::HttpAnswer answer,
                                              UnixTime asked_at) {
  oauth::TokenOutcome outcome = oauth::parse_token_reply(to_reply(std::move(answer)), asked_at);
  if (!outcome && outcome.error().rotated_refresh_token.empty()) return std::nullopt;
  if (!outcome) return with_refresh_token(before, std::move(outcome.error().rotated_refresh_token));
  store::StoredToken token = stored_token(*std::move(outcome), asked_at);
  if (token.refresh_token.empty()) token.refresh_token = before.refresh_token.clone();
  return token;
}

} // namespace mailmoor::mailbox

// The body of every POST to an authorization server: application/x-www-form-urlencoded (RFC 6749 Appendix B).
#pragma once

#include "oauth/client_proof.h"
#include "oauth/request.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::oauth {

using FormField = std::pair<std::string_view, std::string_view>;

// Fields without a value are left out: RFC 6749 §3.1 treats them alike. REQUIRES: `url` is not empty.
[[nodiscard]] TokenRequest post_form(const std::string& url, std::initializer_list<FormField> fields);

// The same in the name of `client`: grant_type (empty: none), client_id, client_secret or the assertion, `fields`.
// Each request of a client is made here, so that none goes without its proof; a public client sends neither.
[[nodiscard]] TokenRequest post_client_form(const std::string& url, std::string_view grant_type,
                                            const ClientRegistration& client, const ClientProof& proof,
                                            std::initializer_list<FormField> fields);

// scope = scope-token *( SP scope-token ) (RFC 6749 §3.3)
[[nodiscard]] std::string joined_scopes(const std::vector<std::string>& scopes);

} // namespace mailmoor::oauth

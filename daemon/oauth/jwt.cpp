#include "oauth/jwt.h"

#include "util/base64.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <string>
#include <utility>

namespace mailmoor::oauth {

Result<Secret> sign_jwt(const SigningKey& key, SigningAlgorithm algorithm, std::string_view header,
                        std::string_view claims) {
  const std::string input = concat(base64url_encode(header), '.', base64url_encode(claims)); // no secret yet
  const Result<Secret> signature = key.sign(algorithm, input);
  if (!signature) return pass(signature.error());
  std::string encoded = base64url_encode(signature->reveal());
  const ScopeExit wipe([&encoded] { wipe_memory(encoded.data(), encoded.size()); });
  Secret jwt(input);
  jwt.append(".");
  jwt.append(encoded);
  return jwt;
}

} // namespace mailmoor::oauth

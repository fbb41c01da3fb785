#include "oauth/metadata.h"

#include "oauth/json_reply.h"
#include "oauth/shown_text.h"
#include "oauth/url.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::oauth {

namespace {

std::unexpected<Error> invalid(std::string_view issuer, std::string_view what, std::string remedy = {}) {
  if (remedy.empty()) remedy = "check `issuer`, or name each endpoint in the configuration";
  return fail(ErrorKind::kApp, "metadata_invalid", concat("metadata of ", issuer, ": ", what), std::move(remedy));
}

} // namespace

std::vector<std::string> metadata_urls(std::string_view issuer) {
  const auto parts = parse_web_url(issuer);
  if (!parts || !is_endpoint_url(issuer) || parts->path.contains('?')) return {};
  // Both documents take off a terminating slash first.
  std::string_view path = parts->path;
  if (path.ends_with('/')) path.remove_suffix(1);
  return {concat(parts->origin, "/.well-known/oauth-authorization-server", path),
          concat(parts->origin, path, "/.well-known/openid-configuration")};
}

Result<Endpoints> parse_metadata(std::string_view text, std::string_view issuer) {
  const JsonReply json = JsonReply::parse(text);
  if (!json.is_object()) return invalid(issuer, "not a JSON object");
  if (json.text("issuer") != issuer)
    return invalid(issuer, concat("it names the issuer ", shown_text(json.text("issuer"), 256)),
                   "`issuer` must be spelled exactly as the server does");
  Endpoints endpoints{.issuer = std::string(issuer),
                      .device_authorization = std::string(json.text("device_authorization_endpoint")),
                      .authorization = std::string(json.text("authorization_endpoint")),
                      .token = std::string(json.text("token_endpoint"))};
  if (endpoints.token.empty()) return invalid(issuer, "it has no token_endpoint");
  for (const std::string& url : {endpoints.device_authorization, endpoints.authorization, endpoints.token}) {
    if (!url.empty() && !is_endpoint_url(url))
      return invalid(issuer, concat("it has an endpoint without https: ", shown_text(url, 256)));
  }
  return endpoints;
}

} // namespace mailmoor::oauth

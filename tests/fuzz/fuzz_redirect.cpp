// What comes back through a browser or a person's clipboard. Input: the text as it was pasted.
// Must hold for any bytes: no crash, no throw; a reply has a state and either a code or an error, all of them bounded;
// what is shown is one line of valid UTF-8; and what was understood is understood again when it is written anew.
#include "oauth/authorization_flow.h"
#include "oauth/form_value.h"
#include "oauth/redirect_reply.h"
#include "util/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace mailmoor::oauth {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_shown(std::string_view text, std::size_t max_bytes) {
  must(text.size() <= max_bytes && is_valid_utf8(text));
  must(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
}

std::string written(const RedirectReply& reply) {
  std::string out = "http://127.0.0.1:1/?state=";
  append_form_encoded(out, reply.state.reveal());
  out += "&code=";
  append_form_encoded(out, reply.code.reveal());
  return out;
}

ClientRegistration client() {
  ClientRegistration made;
  made.client_id = "fuzz";
  made.endpoints.authorization = "https://id.example/auth";
  made.endpoints.token = "https://id.example/token";
  return made;
}

void check(const RedirectReply& reply) {
  must(!reply.state.empty());
  must(reply.code.empty() != reply.error.empty());
  must(reply.code.size() <= kMaxCodeBytes);
  must_be_shown(reply.error, 64);
  if (!reply.code.empty()) {
    const auto again = parse_redirect(written(reply));
    // Percent escapes make it up to three times as long.
    must(again ? again->code == reply.code && again->state == reply.state : written(reply).size() > kMaxRedirectBytes);
  }
  AuthorizationFlow flow(client(), {}, Secret(std::string(AuthorizationFlow::kRandomBytes, 'r')));
  if (!flow.is_answered_by(reply)) return;
  const auto request = flow.redeem(client(), {}, reply);
  if (!request) must_be_shown(request.error().what, 700);
}

void run(std::string_view text) {
  const auto reply = parse_redirect(text);
  if (reply)
    check(*reply);
  else
    must_be_shown(reply.error().what, 200);
}

} // namespace
} // namespace mailmoor::oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  mailmoor::oauth::run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

#include "oauth/redirect_reply.h"

#include "oauth/form_value.h"
#include "oauth/shown_text.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace mailmoor::oauth {

namespace {

constexpr std::size_t kMaxStateBytes = 256; // ours have 43
constexpr std::size_t kMaxErrorBytes = 64;
constexpr std::size_t kMaxDescriptionBytes = 2048;
constexpr std::size_t kMaxIssuerBytes = 2048;

std::unexpected<Error> not_understood(std::string what) {
  return fail(ErrorKind::kOperator, "redirect_not_understood", std::move(what),
              "copy the whole address from the browser's address bar once it says that it cannot open the page");
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_quote(char c) {
  return c == '"' || c == '\'' || c == '<' || c == '>';
}

// What a terminal or a mail program made of one line: an address has neither blanks nor quotes.
std::string unwrapped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return !is_blank(c) && !is_quote(c); });
  return out;
}

// The query of an address, or the text itself where it is one.
std::string_view query_of(std::string_view address) {
  address = address.substr(0, address.find('#')); // Google and others add a fragment
  const std::size_t mark = address.find('?');
  return mark == std::string_view::npos ? address : address.substr(mark + 1);
}

// The parameters that mean something here.
class Parameters final {
 public:
  static constexpr std::array<std::string_view, 7> kNames = {
      "code", "state", "error", "error_description", "iss", "response_type", "code_challenge"};

  // An error text for people, or nothing.
  [[nodiscard]] std::optional<std::string> read(std::string_view query) {
    while (!query.empty()) {
      const std::string_view field = query.substr(0, query.find('&'));
      query.remove_prefix(std::min(field.size() + 1, query.size()));
      const std::string_view name = field.substr(0, field.find('='));
      const auto known = std::ranges::find(kNames, name);
      if (known == kNames.end()) continue; // RFC 6749 §4.1.2: unknown ones are ignored
      auto value = form_decoded(field.substr(std::min(name.size() + 1, field.size())));
      if (!value) return concat("a percent sign stands alone in \"", name, "\"");
      auto& slot = values_.at(static_cast<std::size_t>(known - kNames.begin()));
      // RFC 6749 §3.1: not more than once.
      if (slot) return concat("\"", name, "\" is there twice");
      slot = *std::move(value);
    }
    return std::nullopt;
  }

  [[nodiscard]] bool has(std::string_view name) const { return find(name).has_value(); }
  [[nodiscard]] std::string_view text(std::string_view name) const {
    return has(name) ? find(name)->reveal() : std::string_view();
  }

 private:
  [[nodiscard]] const std::optional<Secret>& find(std::string_view name) const {
    return values_.at(static_cast<std::size_t>(std::ranges::find(kNames, name) - kNames.begin()));
  }

  std::array<std::optional<Secret>, kNames.size()> values_;
};

// VSCHAR (RFC 6749 Appendix A.11, A.5)
bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

// What is wrong with the parameters as a whole; empty: nothing.
std::string_view complaint(const Parameters& of) {
  if (of.has("response_type") || of.has("code_challenge"))
    return "this is the address to open, not the one where the browser ended up";
  if (!of.has("code") && !of.has("error")) return "there is neither a code nor an error in it";
  if (of.has("code") && of.has("error")) return "there is both a code and an error in it";
  if (of.has("error") && shown_description(of.text("error"), kMaxErrorBytes).empty()) return "its error is empty";
  if (of.text("state").empty()) return "there is no state in it; perhaps its end is missing";
  if (of.has("code") && of.text("code").empty()) return "its code is empty";
  if (of.text("code").size() > kMaxCodeBytes) return "its code is too long";
  if (of.text("state").size() > kMaxStateBytes) return "its state is too long";
  if (!is_visible(of.text("code")) || !is_visible(of.text("state"))) return "its code or state has odd characters";
  return {};
}

} // namespace

Result<RedirectReply> parse_redirect(std::string_view text) {
  if (text.size() > kMaxRedirectBytes) return not_understood("this is longer than any address of a sign-in");
  std::string address = unwrapped(text);
  const ScopeExit wipe([&address] { wipe_memory(address.data(), address.size()); });
  if (address.empty()) return not_understood("there is nothing in it");
  if (!is_visible(address)) return not_understood("there are characters in it that no address has");
  if (!address.contains('=')) return not_understood("this is no address with a code and a state");
  Parameters parameters;
  if (const auto wrong = parameters.read(query_of(address))) return not_understood(*wrong);
  if (const std::string_view wrong = complaint(parameters); !wrong.empty()) return not_understood(std::string(wrong));
  RedirectReply reply;
  reply.code = Secret(parameters.text("code"));
  reply.state = Secret(parameters.text("state"));
  reply.error = shown_description(parameters.text("error"), kMaxErrorBytes);
  reply.error_description = parameters.text("error_description").substr(0, kMaxDescriptionBytes);
  reply.issuer = parameters.text("iss").substr(0, kMaxIssuerBytes);
  return reply;
}

} // namespace mailmoor::oauth

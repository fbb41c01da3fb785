// One name or value in application/x-www-form-urlencoded (RFC 6749 Appendix B): in a body or in a query.
#pragma once

#include "util/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::oauth {

// Adds the text to `out` so that it is one name or value of a form.
void append_form_encoded(std::string& out, std::string_view text);
void append_form_encoded(Secret& out, std::string_view text);
// A name or value of a form as it was; empty when a "%" is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<Secret> form_decoded(std::string_view text);

} // namespace mailmoor::oauth

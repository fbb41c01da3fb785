// Whether a host's name means this machine itself, by its spelling alone: nothing is resolved.
#pragma once

#include <string_view>

namespace mailmoor {

// "localhost", 127.0.0.0/8 as four decimal numbers, "::1" without brackets (RFC 8252 §7.3, §8.3).
[[nodiscard]] bool is_loopback_host(std::string_view host) noexcept;

} // namespace mailmoor

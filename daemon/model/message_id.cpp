#include "model/message_id.h"

#include "util/ascii.h"

#include <algorithm>

namespace mailmoor {
namespace {

constexpr std::string_view kField = "message-id";
constexpr std::uint64_t kFnvBasis = 0xCBF29CE484222325;
constexpr std::uint64_t kFnvPrime = 0x100000001B3;

[[nodiscard]] bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\0';
}

} // namespace

void MessageIdScanner::append(std::string_view octets) {
  while (!octets.empty() && at_ != At::kBody) {
    if (at_ == At::kOther) {
      octets.remove_prefix(std::min(octets.find('\n'), octets.size()));
      if (octets.empty()) return;
    }
    take(octets.front());
    octets.remove_prefix(1);
  }
}

// fields = *(field-name ":" unstructured CRLF); a line that begins with white space goes on with the field before it.
void MessageIdScanner::take(char c) {
  if (c == '\n') {
    at_ = at_ == At::kLineStart ? At::kBody : At::kLineStart;
    return;
  }
  if (at_ == At::kLineStart) {
    if (c == '\r') return;
    const bool goes_on = c == ' ' || c == '\t';
    if (!goes_on) {
      in_id_ = false;
      name_.clear();
    }
    at_ = !goes_on ? At::kName : in_id_ ? At::kValue : At::kOther;
  }
  if (at_ == At::kName) {
    if (c == ':') {
      in_id_ = !found_ && equals_ignoring_case(name_, kField);
      found_ = found_ || in_id_;
      at_ = in_id_ ? At::kValue : At::kOther;
    } else if (!is_blank(c) && name_.size() <= kField.size()) {
      name_.push_back(c);
    }
  } else if (at_ == At::kValue && !is_blank(c)) {
    // FNV-1a
    hash_ = ((hash_ == 0 ? kFnvBasis : hash_) ^ static_cast<unsigned char>(c)) * kFnvPrime;
  }
}

} // namespace mailmoor

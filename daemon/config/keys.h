// Every key that a configuration may have, section by section.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mailmoor::config {

struct Key {
  std::string_view name;
};

struct SectionKeys {
  std::string_view title; // "a mailbox", for messages
  std::span<const Key> keys;
};

extern const SectionKeys kTopKeys;
extern const SectionKeys kIncludedKeys; // the top of an included file
extern const SectionKeys kLimitsKeys;
extern const SectionKeys kMetricsKeys;
extern const SectionKeys kHooksKeys;
extern const SectionKeys kAppKeys;
extern const SectionKeys kMailboxKeys;
extern const SectionKeys kDefaultsKeys; // kMailboxKeys but for the name
extern const SectionKeys kFoldersKeys;
extern const SectionKeys kTimeoutsKeys;
extern const SectionKeys kCertificateKeys;
extern const SectionKeys kSecretKeys;

// What is wrong with a key that `section` does not have, and what would be right.
[[nodiscard]] std::string explain_unknown_key(const SectionKeys& section, std::string_view key);

} // namespace mailmoor::config

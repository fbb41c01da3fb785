// Where a secret is to be had. The configuration names the place; the secret itself is read when it is needed,
// so that a rotated credential is seen without a reload.
#pragma once

#include "config/environment.h"
#include "util/result.h"
#include "util/secret.h"

#include <string>

namespace mailmoor::config {

struct SecretSource {
  enum class Kind {
    kNone,        // not configured: for a password, the one that `mailmoorctl password` stored
    kLiteral,     // in the configuration file itself
    kCredential,  // a systemd credential (LoadCredential=), by name
    kFile,        // a file, by absolute path
    kEnvironment, // a variable of the daemon's environment, by name
  };

  Kind kind = Kind::kNone;
  std::string name_or_path; // for people and for reading; empty for kNone and kLiteral
  Secret literal;           // kLiteral only
  std::string where;        // "file:line:column" in the configuration, for messages

  SecretSource() = default;
  // A configuration is a value: copying it is cloning its literals.
  SecretSource(const SecretSource& other);
  SecretSource& operator=(const SecretSource& other);
  SecretSource(SecretSource&&) noexcept = default;
  SecretSource& operator=(SecretSource&&) noexcept = default;
  ~SecretSource() = default;

  [[nodiscard]] bool is_set() const noexcept { return kind != Kind::kNone; }
  // "credential NAME", "file PATH", "environment variable NAME", "the configuration file"; empty for kNone.
  [[nodiscard]] std::string describe() const;

  // Same place and same literal; where it was written does not count.
  friend bool operator==(const SecretSource& a, const SecretSource& b) noexcept;
};

// The longest secret that is read, in bytes: a certificate chain with its key fits many times.
inline constexpr std::size_t kMaxSecretSize = std::size_t{64} * 1024;

// Reads the secret; one line end after it is cut off. Errors are kOperator: "secret_missing" (nothing configured, not
// passed by the service manager, not set, empty) and those of read_secret_file_blocking(). Never on the loop thread.
[[nodiscard]] Result<Secret> resolve_blocking(const SecretSource& source, const Environment& environment);

} // namespace mailmoor::config

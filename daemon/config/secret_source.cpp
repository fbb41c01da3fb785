#include "config/secret_source.h"

#include "util/concat.h"
#include "util/secret_file.h"

namespace mailmoor::config {
namespace {

[[nodiscard]] Result<Secret> read_source(const SecretSource& source, const Environment& environment) {
  switch (source.kind) {
  case SecretSource::Kind::kNone: break;
  case SecretSource::Kind::kLiteral: return source.literal.clone();
  case SecretSource::Kind::kCredential:
    if (environment.credentials_directory.empty())
      return fail(ErrorKind::kOperator, "secret_missing", "the service manager passed no credentials",
                  concat("add LoadCredential=", source.name_or_path, ":/path/of/the/secret to the unit"));
    return read_secret_file_blocking(concat(environment.credentials_directory, "/", source.name_or_path),
                                     kMaxSecretSize, environment.credentials_directory);
  case SecretSource::Kind::kFile:
    return read_secret_file_blocking(source.name_or_path, kMaxSecretSize, environment.credentials_directory);
  case SecretSource::Kind::kEnvironment:
    if (auto value = environment.variable ? environment.variable(source.name_or_path) : std::nullopt) {
      Secret secret(*value);
      wipe_memory(value->data(), value->size());
      return secret;
    }
    return fail(ErrorKind::kOperator, "secret_missing", "the variable is not set",
                "set it in the daemon's environment, or use a credential");
  }
  return fail(ErrorKind::kOperator, "secret_missing", "no secret is configured");
}

} // namespace

SecretSource::SecretSource(const SecretSource& other)
    : kind(other.kind), name_or_path(other.name_or_path), literal(other.literal.clone()), where(other.where) {}

SecretSource& SecretSource::operator=(const SecretSource& other) {
  if (this != &other) *this = SecretSource(other);
  return *this;
}

std::string SecretSource::describe() const {
  switch (kind) {
  case Kind::kNone: return {};
  case Kind::kLiteral: return "the configuration file";
  case Kind::kCredential: return concat("credential ", name_or_path);
  case Kind::kFile: return concat("file ", name_or_path);
  case Kind::kEnvironment: return concat("environment variable ", name_or_path);
  }
  return {};
}

bool operator==(const SecretSource& a, const SecretSource& b) noexcept {
  return a.kind == b.kind && a.name_or_path == b.name_or_path && a.literal == b.literal;
}

Result<Secret> resolve_blocking(const SecretSource& source, const Environment& environment) {
  auto secret = read_source(source, environment);
  if (secret && secret->empty())
    secret = fail(ErrorKind::kOperator, "secret_missing", "it is empty", "put the secret there");
  if (secret) return secret;
  const std::string from = source.is_set() ? concat(source.where, ": ", source.describe()) : source.where;
  return pass(from.empty() ? std::move(secret).error() : std::move(secret).error().within(from));
}

} // namespace mailmoor::config

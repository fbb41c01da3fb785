// The key that seals the token vault: 32 bytes, from a systemd credential or from a file.
//
// Accepted contents, each pinned by a test:
//   32 raw bytes                             head -c 32 /dev/urandom
//   64 hexadecimal digits, optional newline  openssl rand -hex 32
//   44 characters of base64, optional newline  openssl rand -base64 32   (what Mailmoor itself writes)
// 32 printable characters are refused: that is a pass phrase or half a key, not 256 random bits.
#pragma once

#include "util/result.h"
#include "util/secret.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::store {

enum class KeySource { kCredential, kFile, kGenerated };

// `credential_name` and `file` are what the configuration says; the name wins when both are given. With neither, the
// credential "mailmoor.key" is used if there is one, else state_dir/master.key.
struct KeyOptions {
  std::optional<std::string> credential_name; // $CREDENTIALS_DIRECTORY/NAME; must exist
  std::optional<std::string> file;            // must exist
  std::string credentials_directory;          // empty: not started by systemd with credentials
  std::string state_dir;
};

class MasterKey final {
 public:
  static constexpr std::size_t kSize = 32; // bytes

  // `location` is the credential's name or the file's path. Errors are kOperator "key_malformed".
  [[nodiscard]] static Result<MasterKey> parse(const Secret& content, KeySource source, std::string location);

  // kSize bytes.
  [[nodiscard]] const Secret& bytes() const noexcept { return bytes_; }
  [[nodiscard]] KeySource source() const noexcept { return source_; }
  // The credential's name or the file's path.
  [[nodiscard]] const std::string& location() const noexcept { return location_; }
  [[nodiscard]] MasterKey clone() const { return {bytes_.clone(), source_, location_}; }
  // "credential mailmoor.key", "file /etc/…", "file /var/lib/…, made at this start".
  [[nodiscard]] std::string describe() const;

 private:
  MasterKey(Secret bytes, KeySource source, std::string location)
      : bytes_(std::move(bytes)), source_(source), location_(std::move(location)) {}

  Secret bytes_;
  KeySource source_;
  std::string location_;
};

// Finds and reads the key as KeyOptions describes. state_dir/master.key is made when it is missing, unless a token
// database is there already, which a new key could not open: kOperator "master_key_missing". All errors are
// kOperator and say which sources were tried.
[[nodiscard]] Result<MasterKey> load_master_key_blocking(const KeyOptions& options);

// What comes after a key's location where its successor waits: "master.key.new", credential "mailmoor.key.new".
inline constexpr std::string_view kNewKeySuffix = ".new";
// The successor beside `key`, if there is one.
[[nodiscard]] Result<std::optional<MasterKey>> load_new_key_blocking(const KeyOptions& options, const MasterKey& key);

} // namespace mailmoor::store

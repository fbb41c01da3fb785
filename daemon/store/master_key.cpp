#include "store/master_key.h"

#include "util/ascii.h"
#include "util/base64.h"
#include "util/concat.h"
#include "util/key_file.h"
#include "util/secret_file.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

namespace mailmoor::store {
namespace {

constexpr std::size_t kMaxKeyFile = 128; // bytes; the longest form has 66
constexpr std::string_view kDefaultCredential = "mailmoor.key";
constexpr std::string_view kForms =
    "32 raw bytes, 64 hexadecimal digits, or base64 of 32 bytes (openssl rand -base64 32)";

[[nodiscard]] int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

[[nodiscard]] std::optional<Secret> decode_hex(std::string_view text) {
  Secret out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

// Empty when `content` has none of the forms.
[[nodiscard]] Secret decode_key(std::string_view content) {
  if (content.size() == MasterKey::kSize) {
    const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
    return std::ranges::all_of(content, is_printable) ? Secret() : Secret(content);
  }
  if (content.ends_with('\n')) content.remove_suffix(content.ends_with("\r\n") ? 2 : 1);
  auto bytes = content.size() == 2 * MasterKey::kSize ? decode_hex(content) : std::nullopt;
  if (content.size() == 44) bytes = base64_decode_secret(content);
  if (!bytes || bytes->size() != MasterKey::kSize) return {};
  return *std::move(bytes);
}

[[nodiscard]] bool is_missing(const std::string& path) noexcept {
  struct stat file{};
  return ::stat(path.c_str(), &file) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

[[nodiscard]] bool has_content(const std::string& path) noexcept {
  struct stat file{};
  return ::stat(path.c_str(), &file) == 0 && file.st_size > 0;
}

[[nodiscard]] Result<MasterKey> read_credential(const KeyOptions& options, const std::string& name) {
  if (options.credentials_directory.empty())
    return fail(ErrorKind::kOperator, "master_key_missing",
                concat("the key is configured as credential ", name, ", but $CREDENTIALS_DIRECTORY is not set"),
                concat("add LoadCredential=", name, ":/path to the unit, or configure key: {file: /path}"));
  const std::string path = concat(options.credentials_directory, '/', name);
  auto content = read_secret_bytes_blocking(path, kMaxKeyFile, options.credentials_directory);
  if (!content) return pass(std::move(content).error().within(concat("master key, credential ", name)));
  return MasterKey::parse(*content, KeySource::kCredential, name);
}

[[nodiscard]] Result<MasterKey> read_file(const std::string& path, KeySource source) {
  auto content = read_secret_bytes_blocking(path, kMaxKeyFile);
  if (!content) return pass(std::move(content).error().within("master key"));
  return MasterKey::parse(*content, source, path);
}

[[nodiscard]] Result<MasterKey> make_key(const KeyOptions& options, const std::string& path) {
  const std::string vault = concat(options.state_dir, "/tokens.db");
  if (has_content(vault))
    return fail(ErrorKind::kOperator, "master_key_missing",
                concat(vault, " is sealed, but its key is gone: tried credential ", kDefaultCredential, " and ", path),
                concat("bring the key back, or move ", vault, " away and sign in again"));
  if (auto made = create_key_file_blocking(path); !made) return pass(std::move(made).error().within("master key"));
  return read_file(path, KeySource::kGenerated);
}

[[nodiscard]] std::string credential_path(const KeyOptions& options, const std::string& name) {
  return concat(options.credentials_directory, '/', name);
}

} // namespace

Result<MasterKey> MasterKey::parse(const Secret& content, KeySource source, std::string location) {
  Secret bytes = decode_key(content.reveal());
  MasterKey key(std::move(bytes), source, std::move(location));
  if (key.bytes_.size() == kSize) return key;
  return fail(ErrorKind::kOperator, "key_malformed",
              concat("master key, ", key.describe(), ": ", content.size(), " bytes that are not ", kForms),
              "mailmoorctl key init makes a good one");
}

std::string MasterKey::describe() const {
  switch (source_) {
  case KeySource::kCredential: return concat("credential ", location_);
  case KeySource::kFile: return concat("file ", location_);
  case KeySource::kGenerated: return concat("file ", location_, ", made at this start");
  }
  return location_;
}

Result<MasterKey> load_master_key_blocking(const KeyOptions& options) {
  if (options.credential_name) return read_credential(options, *options.credential_name);
  if (options.file) return read_file(*options.file, KeySource::kFile);
  const std::string credential(kDefaultCredential);
  if (!options.credentials_directory.empty() && !is_missing(concat(options.credentials_directory, '/', credential)))
    return read_credential(options, credential);
  const std::string path = concat(options.state_dir, "/master.key");
  return is_missing(path) ? make_key(options, path) : read_file(path, KeySource::kFile);
}

Result<std::optional<MasterKey>> load_new_key_blocking(const KeyOptions& options, const MasterKey& key) {
  const bool is_credential = key.source() == KeySource::kCredential;
  const std::string location = concat(key.location(), kNewKeySuffix);
  if (is_missing(is_credential ? credential_path(options, location) : location)) return std::nullopt;
  auto loaded = is_credential ? read_credential(options, location) : read_file(location, KeySource::kFile);
  if (!loaded) return pass(std::move(loaded).error());
  return *std::move(loaded);
}

} // namespace mailmoor::store

#include "store/key_rotation.h"

#include "store/reply_journal.h"
#include "store/state_lock.h"
#include "util/concat.h"
#include "util/durable.h"
#include "util/key_file.h"

#include <cerrno>
#include <cstdio>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mailmoor::store {
namespace {

[[nodiscard]] std::string vault_path(const KeyOptions& options) {
  return concat(options.state_dir, "/tokens.db");
}

[[nodiscard]] std::string successor_of(const MasterKey& key) {
  return concat(key.location(), kNewKeySuffix);
}

// F.new → F, durable.
[[nodiscard]] Status put_in_place(const std::string& file) {
  const std::string successor = concat(file, kNewKeySuffix);
  if (::rename(successor.c_str(), file.c_str()) != 0)
    return fail(ErrorKind::kOperator, "key_not_renamed",
                concat("everything is sealed with the new key, but ", successor, " cannot be renamed to ", file, ": ",
                       errno_text(errno)),
                concat("rename it; until then keep both: a start takes the one that opens"));
  return sync_parent_directory_blocking(file);
}

// Root works for the daemon's user here: its new key belongs to the owner of the old one.
[[nodiscard]] Status give_to_owner_of(const std::string& old, const std::string& file) {
  struct stat status{};
  if (::geteuid() != 0) return {};
  if (::stat(old.c_str(), &status) == 0 && ::chown(file.c_str(), status.st_uid, status.st_gid) == 0) return {};
  return fail(ErrorKind::kOperator, "key_file_unwritable",
              concat("cannot give ", file, " to the owner of ", old, ": ", errno_text(errno)));
}

// The vault opened with `key`; its successor waits, or was left by a rotation that did not come to its end.
[[nodiscard]] std::string leave_successor(const MasterKey& key) {
  const std::string successor = successor_of(key);
  if (key.source() == KeySource::kCredential)
    return concat("credential ", successor, " is there but not in use: mailmoorctl key rotate takes it into use");
  if (::unlink(successor.c_str()) != 0)
    return concat("a key rotation was not finished; its key ", successor, " cannot be removed: ", errno_text(errno));
  static_cast<void>(sync_parent_directory_blocking(successor)); // if it comes back, it is removed again
  return concat("a key rotation was interrupted before anything was sealed anew; it is undone: ", successor,
                " is removed, ", key.location(), " goes on to hold");
}

// The vault opened with the successor only.
[[nodiscard]] std::string adopt_successor(const MasterKey& key) {
  if (key.source() == KeySource::kCredential)
    return concat("everything is sealed with credential ", successor_of(key), ": put it in the place of credential ",
                  key.location(), ", which is no longer needed");
  if (const auto renamed = put_in_place(key.location()); !renamed)
    return concat(renamed.error().what, "; ", renamed.error().remedy);
  return concat("a key rotation was interrupted after everything was sealed anew; it is finished: ", key.location(),
                " holds the new key");
}

struct NewKey {
  MasterKey key;
  std::string next; // see KeyRotation
};

// The old key is file F: F.new is made durable, or found where a failed rotation has left it.
[[nodiscard]] Result<NewKey> new_file_key(const KeyOptions& options, const MasterKey& old,
                                          const std::optional<MasterKey>& provided) {
  const std::string successor = successor_of(old);
  auto left = load_new_key_blocking(options, old);
  if (!left) return pass(std::move(left).error());
  if (*left && provided && !((*left)->bytes() == provided->bytes()))
    return fail(ErrorKind::kOperator, "key_file_exists", concat(successor, " is there already and is another key"),
                "rotate without giving a key to use it, or restart mailmoord, which removes it if nothing needs it");
  if (!*left) {
    auto made = provided ? create_key_file_blocking(successor, provided->bytes()) : create_key_file_blocking(successor);
    if (!made) return pass(std::move(made).error());
    if (auto given = give_to_owner_of(old.location(), successor); !given) return pass(std::move(given).error());
    left = load_new_key_blocking(options, old);
    if (!left) return pass(std::move(left).error());
  }
  auto key = MasterKey::parse((*left)->bytes(), KeySource::kFile, old.location());
  if (!key) return pass(std::move(key).error());
  return NewKey{*std::move(key), {}};
}

// The old key is credential C.
[[nodiscard]] Result<NewKey> new_credential_key(const KeyOptions& options, const MasterKey& old,
                                                std::optional<MasterKey> provided) {
  const std::string successor = successor_of(old);
  const std::string next = concat("put the new key in the place of credential ", old.location(),
                                  " now; the next start needs it there, or as credential ", successor);
  if (provided) return NewKey{*std::move(provided), next};
  auto waiting = load_new_key_blocking(options, old);
  if (!waiting) return pass(std::move(waiting).error());
  if (*waiting) return NewKey{**std::move(waiting), next};
  return fail(ErrorKind::kOperator, "no_new_key",
              concat("the master key is credential ", old.location(), ", and there is no credential ", successor),
              concat("hand in the new key as credential ", successor,
                     " and restart, or give it with --from; see \"Keys\" in mailmoord(8)"));
}

// Empty when none was provided.
[[nodiscard]] Result<std::optional<MasterKey>> parse_provided(const MasterKey& old, const Secret& provided) {
  if (provided.empty()) return std::nullopt;
  auto key = MasterKey::parse(provided, old.source(),
                              old.source() == KeySource::kCredential ? successor_of(old) : old.location());
  if (!key) return pass(std::move(key).error().within("the new key"));
  return *std::move(key);
}

// The answers in courier.journal are sealed with a key that follows from the master key: there must be none.
[[nodiscard]] Status check_journal(const KeyOptions& options) {
  const std::string path = concat(options.state_dir, "/courier.journal");
  struct stat file{};
  if (::stat(path.c_str(), &file) != 0) return {};
  auto journal = ReplyJournal::open_blocking(path);
  if (!journal) return pass(std::move(journal).error());
  const auto locked = journal->try_lock_blocking();
  if (!locked) return pass(locked.error());
  if (!*locked)
    return fail(ErrorKind::kOperator, "courier_running", "the courier of the last mailmoord still waits for answers",
                "try again in 15 seconds");
  const auto bytes = journal->read_blocking();
  if (!bytes) return pass(bytes.error());
  if (decode_journal(*bytes).entries.empty()) return {};
  return fail(ErrorKind::kOperator, "journal_not_empty", concat("answers of token endpoints wait in ", path),
              "start mailmoord, which stores them; then rotate");
}

} // namespace

Result<OpenedVault> open_vault_blocking(const KeyOptions& options, MasterKey key) {
  auto successor = load_new_key_blocking(options, key);
  auto vault = TokenVault::open_blocking(vault_path(options), key.clone());
  if (vault) {
    OpenedVault opened{*std::move(vault)};
    if (!successor || *successor) opened.notes.push_back(leave_successor(key));
    return opened;
  }
  if (vault.error().code != "wrong_master_key") return pass(std::move(vault).error());
  if (!successor) vault.error().what += concat("; its successor is of no use: ", successor.error().what);
  if (!successor || !*successor) return pass(std::move(vault).error());
  const bool is_credential = key.source() == KeySource::kCredential;
  auto parsed = MasterKey::parse((*successor)->bytes(), is_credential ? KeySource::kCredential : KeySource::kFile,
                                 is_credential ? successor_of(key) : key.location());
  if (!parsed) return pass(std::move(parsed).error());
  auto with_successor = TokenVault::open_blocking(vault_path(options), *std::move(parsed));
  if (!with_successor && with_successor.error().code != "wrong_master_key")
    return pass(std::move(with_successor).error());
  if (!with_successor) {
    vault.error().what += concat("; nor is it sealed with ", successor_of(key));
    return pass(std::move(vault).error());
  }
  OpenedVault opened{*std::move(with_successor)};
  opened.notes.push_back(adopt_successor(key));
  return opened;
}

Result<KeyRotation> rotate_key_blocking(TokenVault& vault, const KeyOptions& options, const Secret& provided) {
  const MasterKey old = vault.key().clone();
  if (old.source() == KeySource::kCredential && old.location().ends_with(kNewKeySuffix))
    return fail(ErrorKind::kOperator, "rotation_not_finished",
                concat("everything is sealed with credential ", old.location(), " since the last rotation"),
                "put it in the place of the old one and restart; then rotate again");
  auto given = parse_provided(old, provided);
  if (!given) return pass(std::move(given).error());
  if (*given && (*given)->bytes() == old.bytes())
    return fail(ErrorKind::kOperator, "same_master_key", "the new key is the one in use", "give another one");
  auto fresh = old.source() == KeySource::kCredential ? new_credential_key(options, old, *std::move(given))
                                                      : new_file_key(options, old, *given);
  if (!fresh) return pass(std::move(fresh).error());
  if (fresh->key.bytes() == old.bytes())
    return fail(ErrorKind::kOperator, "same_master_key", "the new key is the one in use", "give another one");
  KeyRotation rotation;
  rotation.key_source = fresh->key.describe();
  rotation.next = std::move(fresh->next);
  const auto resealed = vault.rotate_key_blocking(std::move(fresh->key));
  if (!resealed) return pass(resealed.error());
  rotation.values = resealed->values;
  rotation.unreadable = resealed->unreadable;
  if (old.source() == KeySource::kCredential) return rotation;
  if (auto renamed = put_in_place(old.location()); !renamed) return pass(std::move(renamed).error());
  return rotation;
}

Result<KeyRotation> rotate_key_offline_blocking(const KeyOptions& options, const Secret& provided) {
  struct stat file{};
  const std::string path = vault_path(options);
  if (::stat(path.c_str(), &file) != 0 || file.st_size == 0)
    return fail(ErrorKind::kOperator, "no_token_database", concat("there is no token database ", path),
                "nothing is sealed yet; mailmoorctl key init makes a key");
  auto lock = lock_state_directory_blocking(options.state_dir);
  if (!lock) return pass(std::move(lock).error());
  if (auto checked = check_journal(options); !checked) return pass(std::move(checked).error());
  auto key = load_master_key_blocking(options);
  if (!key) return pass(std::move(key).error());
  auto opened = open_vault_blocking(options, *std::move(key));
  if (!opened) return pass(std::move(opened).error());
  return rotate_key_blocking(opened->vault, options, provided);
}

} // namespace mailmoor::store

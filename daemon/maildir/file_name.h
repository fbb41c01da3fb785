// The name of a message file:
//
//   <internaldate seconds>.V<uidvalidity>U<uid>.<host>,S=<size on disk>:2,<flags>
//   1700000000.V14U4491.mail,S=5120:2,FS
//
// A reader may change what follows the host (flags, fields of its own): a message is known by its V…U… part alone.
// Only the part between the first two dots is looked at, and only in the spelling that make_file_name() gives, so that
// names by other programs (".M123P45V0801." and the like) are never taken for ours. Pure functions.
#pragma once

#include "model/flags.h"
#include "model/uid.h"
#include "util/time_text.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::maildir {

// All that a file name says of a message.
struct MessageIdentity {
  UidValidity validity;
  Uid uid;
  UnixTime internal_date; // the server's; the same for every download of a message
  Flags flags;            // keywords have no letter and are not in the name
};

struct ParsedName {
  UidValidity validity;
  Uid uid;
  UnixTime internal_date;
  std::string_view letters; // after ":2,"; a view into the name
};

// As https://cr.yp.to/proto/maildir.html has it: '/' becomes \057, ':' \072; also control characters, and ',' as \054
// because a field begins with it. At most 100 bytes; "localhost" for the empty name.
[[nodiscard]] std::string sanitised_host(std::string_view host);

// Without a directory and, where `letters` is empty and `is_new`, without ":2,". REQUIRES: `host` is sanitised.
// At most 200 bytes.
[[nodiscard]] std::string make_file_name(const MessageIdentity& identity, std::string_view host,
                                         std::uint64_t size_on_disk, std::string_view letters, bool is_new);

// `name` with another identity; host, size, flags and what readers added stay. REQUIRES: parse_file_name(name).
[[nodiscard]] std::string renumbered(std::string_view name, UidValidity validity, Uid uid, UnixTime internal_date);

// Empty for names that are not ours.
[[nodiscard]] std::optional<ParsedName> parse_file_name(std::string_view name);

// The size in ",S=" of a name: bytes of the file when it was delivered.
[[nodiscard]] std::optional<std::uint64_t> claimed_size(std::string_view name);

} // namespace mailmoor::maildir
